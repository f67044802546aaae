import { type ErrorName, errorByCode } from '@streampay/kafka/wire'
import { ApiError } from '../../src/log/api-error.ts'

export type SeenRefusal = { readonly code: ErrorName; readonly wrong: readonly number[] }

/** The code with which a call is refused, and the records that are named; `NONE` if it is not. Any other error passes. */
export function refusalIn(call: () => unknown): SeenRefusal {
  try {
    call()
    return { code: 'NONE', wrong: [] }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { code: errorByCode(error.code).name, wrong: error.recordErrors.map(({ index }) => index) }
  }
}
