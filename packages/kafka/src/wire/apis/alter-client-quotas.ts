/**
 * AlterClientQuotas (key 49), versions 0 to 1, flexible from 1.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterClientQuotas
 */
import { defineApi } from '../api.ts'
import { array, bool, float64, int16, int32, nullableString, string } from '../layout.ts'

export const alterClientQuotas = defineApi({
  key: 49,
  name: 'AlterClientQuotas',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: 1,
  request: {
    entries: array({
      entity: array({ entityType: string(), entityName: nullableString() }),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({}),
    entries: array({
      errorCode: int16(),
      errorMessage: nullableString({}),
      entity: array({ entityType: string(), entityName: nullableString() }),
    }),
  },
})
