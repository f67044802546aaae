/**
 * DescribeAcls (key 29), versions 0 to 3, flexible from 2.
 * Version 1 brought pattern types.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeAcls
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, nullableString, string } from '../layout.ts'

export const describeAcls = defineApi({
  key: 29,
  name: 'DescribeAcls',
  minVersion: 0,
  maxVersion: 3,
  firstFlexible: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: nullableString({}),
    patternTypeFilter: int8({ since: 1, default: 3 }),
    principalFilter: nullableString({}),
    hostFilter: nullableString({}),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    errorMessage: nullableString({}),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ since: 1, default: 3 }),
      acls: array({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
    }),
  },
})
