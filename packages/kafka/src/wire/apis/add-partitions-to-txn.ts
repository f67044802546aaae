/**
 * AddPartitionsToTxn (key 24), versions 0 to 3, flexible from 3.
 * Versions 4 and 5 batch many transactions and are for brokers among themselves (they need cluster rights), so they are
 * not supported. The field names are those of Kafka 3.0, without today's `v3AndBelow` prefixes.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AddPartitionsToTxn
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, list, string } from '../layout.ts'

export const addPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 3,
  firstFlexible: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    topics: array({ name: string(), partitions: list(int32()) }),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({ name: string(), results: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})
