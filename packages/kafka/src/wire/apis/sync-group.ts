/**
 * SyncGroup (key 14), versions 0 to 5, flexible from 4.
 * Version 3 brought static members, 5 the protocol, so that a member with another protocol gets an error.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_SyncGroup
 */
import { defineApi } from '../api.ts'
import { array, bytes, int16, int32, nullableString, string } from '../layout.ts'

export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  minVersion: 0,
  maxVersion: 5,
  firstFlexible: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ since: 3 }),
    protocolType: nullableString({ since: 5 }),
    protocolName: nullableString({ since: 5 }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    protocolType: nullableString({ since: 5 }),
    protocolName: nullableString({ since: 5 }),
    assignment: bytes(),
  },
})
