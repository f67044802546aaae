/**
 * DescribeTransactions (key 65), versions 0 to 0, flexible from 0.
 * A transactional.id that isn't known has an error in its own entry.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeTransactions
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, list, string } from '../layout.ts'

export const describeTransactions = defineApi({
  key: 65,
  name: 'DescribeTransactions',
  minVersion: 0,
  maxVersion: 0,
  firstFlexible: 0,
  request: {
    transactionalIds: list(string()),
  },
  response: {
    throttleTimeMs: int32({}),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: list(int32()) }),
    }),
  },
})
