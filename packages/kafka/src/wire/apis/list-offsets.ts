/**
 * ListOffsets (key 2), versions 1 to 9, flexible from 6.
 * Timestamps below zero ask for positions: -1 the end, -2 the start, -3 (from version 7) the record with the highest
 * timestamp, -4 and -5 (8, 9) belong to tiered storage. Version 0 returned lists of segment offsets and no longer exists.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListOffsets
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, int64, string } from '../layout.ts'

export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  minVersion: 1,
  maxVersion: 9,
  firstFlexible: 6,
  request: {
    replicaId: int32({ default: -1 }),
    isolationLevel: int8({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, default: -1 }),
        timestamp: int64(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ since: 4, default: -1 }),
      }),
    }),
  },
})
