/**
 * AlterConfigs (key 33), versions 0 to 2, flexible from 2.
 * Replaces the whole configuration of a resource; IncrementalAlterConfigs is its successor.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterConfigs
 */
import { defineApi } from '../api.ts'
import { array, bool, int8, int16, int32, nullableString, string } from '../layout.ts'

export const alterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  minVersion: 0,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: nullableString({}) }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({}),
    responses: array({
      errorCode: int16(),
      errorMessage: nullableString({}),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})
