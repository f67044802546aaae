/**
 * OffsetFetch (key 9), versions 1 to 9, flexible from 6.
 * Up to version 7 a request names one group, from 8 on a list of groups. Null topics (from 2) ask for all. With `requireStable`
 * (7) the answer is UNSTABLE_OFFSET_COMMIT for an offset that an open transaction may still change.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetFetch
 */
import { defineApi } from '../api.ts'
import { array, bool, int16, int32, int64, list, nullableArray, nullableString, string } from '../layout.ts'

export const offsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  minVersion: 1,
  maxVersion: 9,
  firstFlexible: 6,
  request: {
    groupId: string({ until: 7 }),
    topics: nullableArray({ name: string(), partitionIndexes: list(int32()) }, { until: 7 }),
    groups: array(
      {
        groupId: string(),
        memberId: nullableString({ since: 9 }),
        memberEpoch: int32({ since: 9, default: -1 }),
        topics: nullableArray({ name: string(), partitionIndexes: list(int32()) }),
      },
      { since: 8 },
    ),
    requireStable: bool({ since: 7 }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, default: -1 }),
          metadata: nullableString({}),
          errorCode: int16(),
        }),
      },
      { until: 7 },
    ),
    errorCode: int16({ since: 2, until: 7 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string(),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: nullableString({}),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({}),
      },
      { since: 8 },
    ),
  },
})
