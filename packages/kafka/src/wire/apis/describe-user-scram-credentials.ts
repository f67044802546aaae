/**
 * DescribeUserScramCredentials (key 50), versions 0 to 0, flexible from 0.
 * Null users ask for all; secrets are never returned.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeUserScramCredentials
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, nullableArray, nullableString, string } from '../layout.ts'

export const describeUserScramCredentials = defineApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  firstFlexible: 0,
  request: {
    users: nullableArray({ name: string() }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    errorMessage: nullableString({}),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: nullableString({}),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
})
