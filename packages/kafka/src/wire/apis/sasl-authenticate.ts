/**
 * SaslAuthenticate (key 36), versions 0 to 2, flexible from 2.
 * One token of the mechanism's exchange; version 1 returns the lifetime of the session.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_SaslAuthenticate
 */
import { defineApi } from '../api.ts'
import { bytes, int16, int64, nullableString } from '../layout.ts'

export const saslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  minVersion: 0,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: nullableString({}),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1 }),
  },
})
