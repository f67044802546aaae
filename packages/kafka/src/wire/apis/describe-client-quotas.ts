/**
 * DescribeClientQuotas (key 48), versions 0 to 1, flexible from 1.
 * Match types: 0 exact, 1 default, 2 any.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeClientQuotas
 */
import { defineApi } from '../api.ts'
import { array, bool, float64, int8, int16, int32, nullableArray, nullableString, string } from '../layout.ts'

export const describeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: 1,
  request: {
    components: array({ entityType: string(), matchType: int8(), match: nullableString({}) }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    errorMessage: nullableString({}),
    entries: nullableArray({
      entity: array({ entityType: string(), entityName: nullableString({}) }),
      values: array({ key: string(), value: float64() }),
    }),
  },
})
