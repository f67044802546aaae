/**
 * ListGroups (key 16), versions 0 to 5, flexible from 3.
 * Version 4 filters by state, 5 by type.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListGroups
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, list, string } from '../layout.ts'

export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 5,
  firstFlexible: 3,
  request: {
    statesFilter: list(string(), { since: 4 }),
    typesFilter: list(string(), { since: 5 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4 }),
      groupType: string({ since: 5 }),
    }),
  },
})
