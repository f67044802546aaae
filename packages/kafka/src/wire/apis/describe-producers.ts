/**
 * DescribeProducers (key 61), versions 0 to 0, flexible from 0.
 * Returns a partition's state of its producers; an open transaction shows as its first offset.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeProducers
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, list, nullableString, string } from '../layout.ts'

export const describeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  minVersion: 0,
  maxVersion: 0,
  firstFlexible: 0,
  request: {
    topics: array({ name: string(), partitionIndexes: list(int32()) }),
  },
  response: {
    throttleTimeMs: int32({}),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({}),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  },
})
