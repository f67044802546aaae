/**
 * AlterUserScramCredentials (key 51), versions 0 to 0, flexible from 0.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterUserScramCredentials
 */
import { defineApi } from '../api.ts'
import { array, bytes, int8, int16, int32, nullableString, string } from '../layout.ts'

export const alterUserScramCredentials = defineApi({
  key: 51,
  name: 'AlterUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  firstFlexible: 0,
  request: {
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({ user: string(), errorCode: int16(), errorMessage: nullableString({}) }),
  },
})
