/**
 * DeleteGroups (key 42), versions 0 to 2, flexible from 2.
 * Only empty groups can be deleted.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DeleteGroups
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, list, string } from '../layout.ts'

export const deleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  minVersion: 0,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    groupsNames: list(string()),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({ groupId: string(), errorCode: int16() }),
  },
})
