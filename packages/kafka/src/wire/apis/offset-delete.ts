/**
 * OffsetDelete (key 47), versions 0 to 0, never flexible.
 * Deletes committed offsets of topics that the group isn't subscribed to.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetDelete
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, string } from '../layout.ts'

export const offsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  minVersion: 0,
  maxVersion: 0,
  firstFlexible: null,
  request: {
    groupId: string(),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({}),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})
