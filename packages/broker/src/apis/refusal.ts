import { errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import type { StorageLogger } from '../log/types.ts'

export type Refusal = { readonly errorCode: number; readonly errorMessage: string }

/** The code and message of a refusal in responses. An error other than ApiError is a bug: it is logged, and not sent to the client. */
export function refusalOf(error: unknown, logger: StorageLogger): Refusal {
  if (error instanceof ApiError) return { errorCode: error.code, errorMessage: error.message }
  logger.error({ err: error }, 'a request failed unexpectedly')
  return { errorCode: errors.UNKNOWN_SERVER_ERROR, errorMessage: 'The broker failed unexpectedly' }
}
