/**
 * RenewDelegationToken (key 39), versions 1 to 2, flexible from 2.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_RenewDelegationToken
 */
import { defineApi } from '../api.ts'
import { bytes, int16, int32, int64 } from '../layout.ts'

export const renewDelegationToken = defineApi({
  key: 39,
  name: 'RenewDelegationToken',
  minVersion: 1,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    hmac: bytes(),
    renewPeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64({ default: -1 }),
    throttleTimeMs: int32({}),
  },
})
