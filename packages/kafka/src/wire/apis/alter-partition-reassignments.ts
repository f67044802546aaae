/**
 * AlterPartitionReassignments (key 45), versions 0 to 1, flexible from 0.
 * Null replicas cancel a reassignment.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterPartitionReassignments
 */
import { defineApi } from '../api.ts'
import { array, bool, int16, int32, nullableList, nullableString, string } from '../layout.ts'

export const alterPartitionReassignments = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: 0,
  request: {
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: bool({ since: 1, default: true }),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), replicas: nullableList(int32()) }),
    }),
  },
  response: {
    throttleTimeMs: int32({}),
    allowReplicationFactorChange: bool({ since: 1, default: true }),
    errorCode: int16(),
    errorMessage: nullableString({}),
    responses: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16(), errorMessage: nullableString({}) }),
    }),
  },
})
