/**
 * DescribeDelegationToken (key 41), versions 1 to 3, flexible from 2.
 * Null owners ask for all.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeDelegationToken
 */
import { defineApi } from '../api.ts'
import { array, bytes, int16, int32, int64, nullableArray, string } from '../layout.ts'

export const describeDelegationToken = defineApi({
  key: 41,
  name: 'DescribeDelegationToken',
  minVersion: 1,
  maxVersion: 3,
  firstFlexible: 2,
  request: {
    owners: nullableArray({ principalType: string(), principalName: string() }),
  },
  response: {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ since: 3 }),
      tokenRequesterPrincipalName: string({ since: 3 }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({ principalType: string(), principalName: string() }),
    }),
    throttleTimeMs: int32({}),
  },
})
