/**
 * IncrementalAlterConfigs (key 44), versions 0 to 1, flexible from 1.
 * Operations: 0 set, 1 delete, 2 append, 3 subtract.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_IncrementalAlterConfigs
 */
import { defineApi } from '../api.ts'
import { array, bool, int8, int16, int32, nullableString, string } from '../layout.ts'

export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), configOperation: int8(), value: nullableString({}) }),
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
