/**
 * DescribeConfigs (key 32), versions 0 to 4, flexible from 4.
 * Resource types: 2 topic, 4 broker. Sources (from version 1): 1 topic, 5 default. Null keys ask for all.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeConfigs
 */
import { defineApi } from '../api.ts'
import { array, bool, int8, int16, int32, nullableList, nullableString, string } from '../layout.ts'

export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 4,
  request: {
    resources: array({ resourceType: int8(), resourceName: string(), configurationKeys: nullableList(string()) }),
    includeSynonyms: bool({ since: 1 }),
    includeDocumentation: bool({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({
      errorCode: int16(),
      errorMessage: nullableString({}),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: nullableString({}),
        readOnly: bool(),
        isDefault: bool({ until: 0 }),
        configSource: int8({ since: 1, default: -1 }),
        isSensitive: bool(),
        synonyms: array({ name: string(), value: nullableString({}), source: int8() }, { since: 1 }),
        configType: int8({ since: 3 }),
        documentation: nullableString({ since: 3 }),
      }),
    }),
  },
})
