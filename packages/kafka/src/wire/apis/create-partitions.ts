/**
 * CreatePartitions (key 37), versions 0 to 3, flexible from 2.
 * `count` is the new total.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_CreatePartitions
 */
import { defineApi } from '../api.ts'
import { array, bool, int16, int32, list, nullableArray, nullableString, string } from '../layout.ts'

export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  minVersion: 0,
  maxVersion: 3,
  firstFlexible: 2,
  request: {
    topics: array({ name: string(), count: int32(), assignments: nullableArray({ brokerIds: list(int32()) }) }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({ name: string(), errorCode: int16(), errorMessage: nullableString({}) }),
  },
})
