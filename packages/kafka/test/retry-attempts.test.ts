/** How often something is tried again, and what its caller is told when it does not succeed in time. */
import { describe, expect, it, vi } from 'vitest'
import { BrokerError, KafkaError } from '../src/index.ts'
import { backoffMs, busyMs, check, type RetryOptions, retry } from '../src/retry.ts'
import { errors } from '../src/wire/index.ts'

type Outcome = Error | string

/** Gives these outcomes, one an attempt; each attempt takes its time on the test's clock. The waits between them are not on that clock. */
function attempting(
  outcomes: readonly Outcome[],
  { attemptMs = 10, ...options }: Partial<RetryOptions> & { attemptMs?: number } = {},
) {
  let elapsed = 500
  const left = [...outcomes]
  const attempt = vi.fn(async () => {
    elapsed += attemptMs
    const outcome = left.shift() ?? 'no more attempts'
    if (typeof outcome === 'string') return outcome
    throw outcome
  })
  const timing = { clock: { now: () => 0, elapsed: () => elapsed }, random: () => 0 }
  const done = retry({ timing, timeoutMs: 100, what: 'asking', ...options }, attempt)
  return { attempt, done }
}

const away = () => new KafkaError('KAFKA_CONNECTION_LOST', 'away')

describe('an attempt that fails', () => {
  it('is repeated until one succeeds', async () => {
    const { attempt, done } = attempting([away(), away(), 'there'])
    expect(await done).toBe('there')
    expect(attempt).toHaveBeenCalledTimes(3)
  })

  it.each([
    ['an error of this package that will be the same again', new KafkaError('KAFKA_CLOSED', 'closed')],
    ['an error of another kind', new Error('a bug')],
    ['an error of another kind that says it may be retried', Object.assign(new Error('x'), { retriable: true })],
  ])('is not repeated after %s', async (_, error) => {
    const onRetry = vi.fn()
    const { attempt, done } = attempting([error, 'there'], { onRetry })
    await expect(done).rejects.toBe(error)
    expect(attempt).toHaveBeenCalledTimes(1)
    expect(onRetry).not.toHaveBeenCalled()
  })

  it('is repeated for the errors that its caller names, and for no others', async () => {
    const isRetriable = ({ code }: KafkaError) => code === 'KAFKA_CLOSED'
    const lost = away()
    const { attempt, done } = attempting([new KafkaError('KAFKA_CLOSED', 'x'), lost, 'there'], { isRetriable })
    await expect(done).rejects.toBe(lost)
    expect(attempt).toHaveBeenCalledTimes(2)
  })

  it('is told with its number, and waited for, before the next one begins', async () => {
    const told: unknown[] = []
    const first = away()
    const second = away()
    const onRetry = async (error: KafkaError, number: number) => {
      await new Promise(setImmediate)
      told.push([error, number, attempt.mock.calls.length])
    }
    const waitMs = vi.fn(() => 1)
    const { attempt, done } = attempting([first, second, 'there'], { onRetry, waitMs })
    await done
    expect(told).toEqual([
      [first, 0, 1],
      [second, 1, 2],
    ])
    expect(waitMs.mock.calls).toEqual([
      [first, 0, expect.any(Function)],
      [second, 1, expect.any(Function)],
    ])
  })
})

describe('when the time is up', () => {
  it('the last error is the cause, and is told to those who look after retries', async () => {
    const last = away()
    const onRetry = vi.fn()
    const { done } = attempting([away(), last, 'too late'], { attemptMs: 50, onRetry })
    await expect(done).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', cause: last })
    await expect(done).rejects.toThrow('asking did not succeed within 100 ms')
    expect(onRetry).toHaveBeenLastCalledWith(last, 1)
  })

  // 500 ms had passed on the clock when it began.
  it.each([
    ['begins if its wait ends a millisecond before', 89, 2],
    ['does not begin if its wait ends just then', 90, 1],
  ])('another attempt %s', async (_, wait, attempts) => {
    const { attempt, done } = attempting([away(), 'there'], { waitMs: () => wait })
    await done.catch((error) => expect(error).toMatchObject({ code: 'KAFKA_TIMEOUT' }))
    expect(attempt).toHaveBeenCalledTimes(attempts)
  })

  it('it waits as long as by default, if its caller says nothing about waits', async () => {
    // 10 ms fit into 21, and 20 do not fit into the 1 that is left.
    const { attempt, done } = attempting([away(), away(), 'there'], { timeoutMs: 31 })
    await expect(done).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT' })
    expect(attempt).toHaveBeenCalledTimes(2)
  })

  it.each(['not-written', 'unknown'] as const)('what is known of a write stays known: %s', async (outcome) => {
    const { done } = attempting([new KafkaError('KAFKA_CONNECTION_LOST', 'x', { outcome })], { timeoutMs: 0 })
    await expect(done).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', outcome })
  })

  it('nothing is said about a write if nothing is known', async () => {
    const { done } = attempting([away()], { timeoutMs: 0 })
    await expect(done).rejects.toHaveProperty('outcome', undefined)
  })
})

describe('the waits', () => {
  const exactly = () => 0

  it('for a transaction that is being completed are short at first, then grow, to 200 ms', () => {
    const short = Array.from({ length: 20 }, (_, attempt) => busyMs(attempt, () => 0.9))
    expect(short).toEqual([1, 1, 2, 3, ...new Array(16).fill(5)])
    expect([20, 21, 22, 58, 59, 60, 1000].map((attempt) => busyMs(attempt, exactly))).toEqual([
      5, 10, 15, 195, 200, 200, 200,
    ])
  })

  it('are bounded for any number of attempts', () => {
    expect(backoffMs(100_000, exactly)).toBe(1000)
  })

  it('are shorter by a random part of a half', () => {
    expect([backoffMs(20, () => 0.5), busyMs(60, () => 0.5), busyMs(20, () => 0.9)]).toEqual([750, 150, 3])
  })
})

describe('a code of the log', () => {
  it('is thrown if it is one of an error', () => {
    expect(() => check(0, 'asking')).not.toThrow()
    expect(() => check(errors.NOT_COORDINATOR, 'asking')).toThrow(BrokerError)
    expect(() => check(-1, 'asking')).toThrow(BrokerError)
  })
})
