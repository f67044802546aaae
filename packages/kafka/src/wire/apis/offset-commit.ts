/**
 * OffsetCommit (key 8), versions 2 to 9, flexible from 8.
 * Version 5 dropped the retention time, 6 brought leader epochs, 7 static membership, 9 member epochs (KIP-848).
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetCommit
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, nullableString, string } from '../layout.ts'

export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  minVersion: 2,
  maxVersion: 9,
  firstFlexible: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string({}),
    groupInstanceId: nullableString({ since: 7 }),
    retentionTimeMs: int64({ until: 4, default: -1 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, default: -1 }),
        committedMetadata: nullableString({}),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})
