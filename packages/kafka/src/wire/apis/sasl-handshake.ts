/**
 * SaslHandshake (key 17), versions 0 to 1, never flexible.
 * After version 0 the tokens follow without a header, after version 1 inside SaslAuthenticate.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_SaslHandshake
 */
import { defineApi } from '../api.ts'
import { int16, list, string } from '../layout.ts'

export const saslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: null,
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: list(string()),
  },
})
