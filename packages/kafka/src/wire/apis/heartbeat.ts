/**
 * Heartbeat (key 12), versions 0 to 4, flexible from 4.
 * Version 3 brought static members.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_Heartbeat
 */
import { defineApi } from '../api.ts'
import { int16, int32, nullableString, string } from '../layout.ts'

export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
  },
})
