/**
 * JoinGroup (key 11), versions 0 to 9, flexible from 6.
 * Version 1 split session and rebalance timeouts, 4 asks new members to join again with the id that they get
 * (MEMBER_ID_REQUIRED), 5 brought static members, 8 a reason, 9 lets the broker keep the assignment.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_JoinGroup
 */
import { defineApi } from '../api.ts'
import { array, bool, bytes, int16, int32, nullableString, string } from '../layout.ts'

export const joinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  minVersion: 0,
  maxVersion: 9,
  firstFlexible: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ since: 1, default: -1 }),
    memberId: string(),
    groupInstanceId: nullableString({ since: 5 }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: nullableString({ since: 8 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: nullableString({ since: 7 }),
    protocolName: nullableString({}),
    leader: string(),
    skipAssignment: bool({ since: 9 }),
    memberId: string(),
    members: array({ memberId: string(), groupInstanceId: nullableString({ since: 5 }), metadata: bytes() }),
  },
})
