/**
 * CreateAcls (key 30), versions 1 to 3, flexible from 2.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_CreateAcls
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, nullableString, string } from '../layout.ts'

export const createAcls = defineApi({
  key: 30,
  name: 'CreateAcls',
  minVersion: 1,
  maxVersion: 3,
  firstFlexible: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ since: 1, default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({ errorCode: int16(), errorMessage: nullableString({}) }),
  },
})
