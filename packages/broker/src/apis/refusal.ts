import { errors } from '@streampay/kafka/wire'
import { BrokerError } from '../log/broker-error.ts'
import type { StorageLogger } from '../log/types.ts'

export type Refusal = { readonly errorCode: number; readonly errorMessage: string }

/** The code and message of a refusal in responses. An error other than BrokerError is a bug: it is logged, and not sent to the client. */
export function refusalOf(error: unknown, logger: StorageLogger): Refusal {
  if (error instanceof BrokerError) return { errorCode: error.code, errorMessage: error.message }
  logger.error({ err: error }, 'a request failed unexpectedly')
  return { errorCode: errors.UNKNOWN_SERVER_ERROR, errorMessage: 'The broker failed unexpectedly' }
}
