/**
 * OffsetForLeaderEpoch (key 23), versions 0 to 4, flexible from 4.
 * Clients use it to detect whether the log was truncated since they read it.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetForLeaderEpoch
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, string } from '../layout.ts'

export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 4,
  request: {
    replicaId: int32({ since: 3, default: -2 }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 2, default: -1 }),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ since: 1, default: -1 }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
})
