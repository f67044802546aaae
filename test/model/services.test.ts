/** The reasons for which a process may end, and those for which it may not: the basis of the check `processes`. */
import { AbortableError, BrokerError, FencedError, KafkaError } from '@streampay/kafka'
import { StreamsError } from '@streampay/streams'
import { describe, expect, it } from 'vitest'
import { isExpectedEnd } from './services.ts'

const nothing = { injected: new Set<unknown>(), isFenced: false, isStale: false, hasSlept: false }
const timeout = new KafkaError('KAFKA_TIMEOUT', 'injected')
const fenced = failedCommit(new FencedError('the epoch is over'))
const outOfGroup = failedCommit(new FencedError('the offsets were refused', new BrokerError(82, 'in the group')))
const abortable = failedCommit(new AbortableError('the offsets were refused', new BrokerError(22, 'in the group')))

function failedCommit(cause: Error): StreamsError {
  return new StreamsError('STREAMS_COMMIT_FAILED', 'the transaction could not be committed', cause)
}

describe('the end of a process', () => {
  it.each([
    ['an error that was injected', failedCommit(timeout), { injected: new Set([timeout]) }],
    ['an epoch that somebody else has taken', fenced, { isFenced: true }],
    ['a member id that somebody else has taken', outOfGroup, { isStale: true }],
    ['a gap, come upon by one that was passed over', new StreamsError('STREAMS_INPUT_GAP', 'gap'), { isStale: true }],
    ['a sleep of a day', new StreamsError('STREAMS_TABLES_OUTDATED', 'not read'), { hasSlept: true }],
  ])('is expected after %s, and not without', (_, error, reason) => {
    expect(isExpectedEnd(error, { ...nothing, ...reason })).toBe(true)
    expect(isExpectedEnd(error, nothing)).toBe(false)
  })

  it.each([
    ['an error like one that was injected earlier', new KafkaError('KAFKA_TIMEOUT', 'another one')],
    ['a refusal after which the transaction can be aborted', abortable],
    ['a bug', new TypeError('undefined is not a function')],
  ])('is not expected after %s', (_, error) => {
    expect(isExpectedEnd(error, { injected: new Set([timeout]), isFenced: true, isStale: true, hasSlept: true })).toBe(
      false,
    )
  })
})
