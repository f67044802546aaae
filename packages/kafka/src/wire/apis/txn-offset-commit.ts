/**
 * TxnOffsetCommit (key 28), versions 0 to 5, flexible from 3.
 * From version 3 on it has the member's generation, so that a zombie's offsets are refused (KIP-447). Version 5 has the layout of
 * 4; it adds the group to the transaction (KIP-890).
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_TxnOffsetCommit
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, nullableString, string } from '../layout.ts'

export const txnOffsetCommit = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 5,
  firstFlexible: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ since: 3, default: -1 }),
    memberId: string({ since: 3 }),
    groupInstanceId: nullableString({ since: 3 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 2, default: -1 }),
        committedMetadata: nullableString({}),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({}),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})
