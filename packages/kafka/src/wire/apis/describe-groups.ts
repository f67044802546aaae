/**
 * DescribeGroups (key 15), versions 0 to 6, flexible from 5.
 * Version 4 shows instance ids, 6 an error message and GROUP_ID_NOT_FOUND.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeGroups
 */
import { defineApi } from '../api.ts'
import { array, bool, bytes, int16, int32, list, nullableString, string } from '../layout.ts'

const NOT_ASKED = -2147483648

export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  minVersion: 0,
  maxVersion: 6,
  firstFlexible: 5,
  request: {
    groups: list(string()),
    includeAuthorizedOperations: bool({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ since: 6 }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: nullableString({ since: 4 }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ since: 3, default: NOT_ASKED }),
    }),
  },
})
