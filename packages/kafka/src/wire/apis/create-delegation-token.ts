/**
 * CreateDelegationToken (key 38), versions 1 to 3, flexible from 2.
 * Version 3 brought tokens for owners other than the requester.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_CreateDelegationToken
 */
import { defineApi } from '../api.ts'
import { array, bytes, int16, int32, int64, nullableString, string } from '../layout.ts'

export const createDelegationToken = defineApi({
  key: 38,
  name: 'CreateDelegationToken',
  minVersion: 1,
  maxVersion: 3,
  firstFlexible: 2,
  request: {
    ownerPrincipalType: nullableString({ since: 3 }),
    ownerPrincipalName: nullableString({ since: 3 }),
    renewers: array({ principalType: string(), principalName: string() }),
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    principalType: string({}),
    principalName: string({}),
    tokenRequesterPrincipalType: string({ since: 3 }),
    tokenRequesterPrincipalName: string({ since: 3 }),
    issueTimestampMs: int64({ default: -1 }),
    expiryTimestampMs: int64({ default: -1 }),
    maxTimestampMs: int64({ default: -1 }),
    tokenId: string({}),
    hmac: bytes({}),
    throttleTimeMs: int32({}),
  },
})
