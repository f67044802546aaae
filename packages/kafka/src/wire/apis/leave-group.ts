/**
 * LeaveGroup (key 13), versions 0 to 5, flexible from 4.
 * From version 3 on several members can leave in one request, static ones by their instance id; 5 has a reason.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_LeaveGroup
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, nullableString, string } from '../layout.ts'

export const leaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  minVersion: 0,
  maxVersion: 5,
  firstFlexible: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      { memberId: string(), groupInstanceId: nullableString({}), reason: nullableString({ since: 5 }) },
      { since: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    members: array({ memberId: string(), groupInstanceId: nullableString({}), errorCode: int16() }, { since: 3 }),
  },
})
