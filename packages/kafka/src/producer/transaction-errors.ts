/** Decides the effect of an error on the transaction in which it occurred. */
import { AbortableError, BrokerError, FencedError, KafkaError, UnknownOutcomeError } from '../errors.ts'
import type { ErrorName } from '../wire/index.ts'

/**
 * Another process has the transactional.id or the instance id now, or the log ended this transaction itself: the state in
 * this process's memory may be stale.
 */
const fencing: ReadonlySet<ErrorName> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTION_COORDINATOR_FENCED',
  'INVALID_TXN_STATE',
  'FENCED_INSTANCE_ID',
])

export function isFencing(error: unknown): boolean {
  return error instanceof BrokerError && fencing.has(error.brokerError)
}

/** An abort can undo every error that is not fencing. */
export function asTransactionError(error: unknown, what: string): KafkaError {
  if (error instanceof AbortableError || error instanceof FencedError || error instanceof UnknownOutcomeError)
    return error
  if (error instanceof KafkaError && (error.code === 'KAFKA_INVALID_STATE' || error.code === 'KAFKA_CLOSED'))
    return error
  const reason = error instanceof Error ? error.message : String(error)
  const root = error instanceof KafkaError && error.cause instanceof BrokerError ? error.cause : error
  return isFencing(root)
    ? new FencedError(`fenced: ${what}: ${reason}`, error)
    : new AbortableError(`${what}: ${reason}`, error)
}
