import { errors } from '@streampay/kafka/wire'
import { BrokerError } from '../log/broker-error.ts'
import type { StorageLogger } from '../log/types.ts'

export type Refusal = { readonly errorCode: number; readonly errorMessage: string }

/** A refusal as responses carry it. What is no BrokerError is a bug: told to the log, not to the client. */
export function refusalOf(error: unknown, logger: StorageLogger): Refusal {
  if (error instanceof BrokerError) return { errorCode: error.code, errorMessage: error.message }
  logger.error({ err: error }, 'a request failed unexpectedly')
  return { errorCode: errors.UNKNOWN_SERVER_ERROR, errorMessage: 'The broker failed unexpectedly' }
}
