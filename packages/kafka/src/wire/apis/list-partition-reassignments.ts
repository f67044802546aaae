/**
 * ListPartitionReassignments (key 46), versions 0 to 0, flexible from 0.
 * Null topics ask for all.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListPartitionReassignments
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, list, nullableArray, nullableString, string } from '../layout.ts'

export const listPartitionReassignments = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  minVersion: 0,
  maxVersion: 0,
  firstFlexible: 0,
  request: {
    timeoutMs: int32({ default: 60000 }),
    topics: nullableArray({ name: string(), partitionIndexes: list(int32()) }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    errorMessage: nullableString({}),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: list(int32()),
        addingReplicas: list(int32()),
        removingReplicas: list(int32()),
      }),
    }),
  },
})
