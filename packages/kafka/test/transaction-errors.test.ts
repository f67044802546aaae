/** A fenced process that takes its error for one that an abort undoes writes from a state that another process has changed. */
import { describe, expect, it } from 'vitest'
import { AbortableError, BrokerError, FencedError, KafkaError, UnknownOutcomeError } from '../src/index.ts'
import { asTransactionError, isFencing } from '../src/producer/transaction-errors.ts'
import { type ErrorName, errors } from '../src/wire/index.ts'

const fencing: readonly ErrorName[] = [
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTION_COORDINATOR_FENCED',
  'INVALID_TXN_STATE',
  'FENCED_INSTANCE_ID',
]
const others: readonly ErrorName[] = [
  'NOT_COORDINATOR',
  'CONCURRENT_TRANSACTIONS',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'MESSAGE_TOO_LARGE',
  'UNKNOWN_MEMBER_ID',
]
const sent = (name: ErrorName) => new BrokerError(errors[name], 'writing')

describe('in a transaction', () => {
  it.each(fencing)('%s of the log ends the process, also as the cause of another error', (name) => {
    expect(isFencing(sent(name))).toBe(true)
    const behind = new KafkaError('KAFKA_TIMEOUT', 'x', { cause: sent(name) })
    for (const error of [sent(name), behind]) {
      const told = asTransactionError(error, 'committing')
      expect(told).toBeInstanceOf(FencedError)
      expect(told.cause).toBe(error)
    }
  })

  it.each(others)('%s of the log can be undone by an abort, also as the cause of another error', (name) => {
    expect(isFencing(sent(name))).toBe(false)
    const behind = new KafkaError('KAFKA_TIMEOUT', 'x', { cause: sent(name) })
    for (const error of [sent(name), behind]) {
      const told = asTransactionError(error, 'committing')
      expect(told).toBeInstanceOf(AbortableError)
      expect(told.cause).toBe(error)
    }
  })

  it.each([
    ['an error that is no error of the log', new Error('x')],
    ['what is thrown and no error', 'x'],
    ['an error with a cause that is not of the log', new KafkaError('KAFKA_TIMEOUT', 'x', { cause: new Error('y') })],
    ['a fencing error behind one that is not of this package', new Error('x', { cause: sent('PRODUCER_FENCED') })],
  ])('%s can be undone by an abort', (_, error) => {
    expect(isFencing(error)).toBe(false)
    expect(asTransactionError(error, 'committing')).toBeInstanceOf(AbortableError)
  })

  it.each([
    ['an abortable one', new AbortableError('x')],
    ['a fencing one', new FencedError('x')],
    ['an unknown outcome, although its cause fences', new UnknownOutcomeError('x', sent('PRODUCER_FENCED'))],
    ['a call out of turn', new KafkaError('KAFKA_INVALID_STATE', 'x')],
    ['a client that was closed', new KafkaError('KAFKA_CLOSED', 'x')],
  ])('an error that says already what follows stays as it is: %s', (_, error) => {
    expect(asTransactionError(error, 'committing')).toBe(error)
  })
})
