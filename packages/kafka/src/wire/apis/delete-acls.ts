/**
 * DeleteAcls (key 31), versions 1 to 3, flexible from 2.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DeleteAcls
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, nullableString, string } from '../layout.ts'

export const deleteAcls = defineApi({
  key: 31,
  name: 'DeleteAcls',
  minVersion: 1,
  maxVersion: 3,
  firstFlexible: 2,
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: nullableString({}),
      patternTypeFilter: int8({ since: 1, default: 3 }),
      principalFilter: nullableString({}),
      hostFilter: nullableString({}),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({}),
    filterResults: array({
      errorCode: int16(),
      errorMessage: nullableString({}),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: nullableString({}),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ since: 1, default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
