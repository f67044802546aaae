/** Retries with growing, bounded waits and a random part, so that clients that failed together don't retry together. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './clock.ts'
import { BrokerError, KafkaError } from './errors.ts'

const FIRST_WAIT_MS = 10
const LONGEST_WAIT_MS = 1_000
const SHORT_WAITS = 20

/** A source of random numbers: from 0 up to, but not including, 1. Tests pass their own. */
export type Random = () => number

/** 10, 20, 40 … 1,000 ms, minus a random part of at most half: for a log that is away or changes its leaders. */
export function backoffMs(attempt: number, random: Random): number {
  return spread(Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempt, 10), LONGEST_WAIT_MS), random)
}

/**
 * 1, 1, 2, 3, 5, 5 … ms: for a transaction whose predecessor is still being completed, which takes a few milliseconds.
 * After about 80 ms the waits grow, up to 200 ms.
 */
export function busyMs(attempt: number, random: Random): number {
  if (attempt < SHORT_WAITS) return Math.min(1 + Math.floor((attempt * attempt) / 4), 5)
  return spread(Math.min(5 + (attempt - SHORT_WAITS) * 5, 200), random)
}

function spread(ms: number, random: Random): number {
  return Math.ceil(ms - (random() * ms) / 2)
}

export { delay }

export type RetryOptions = {
  /** For example a cluster. */
  readonly timing: { readonly clock: Clock; readonly random: Random }
  /** From now on; the last attempt may begin shortly before the end. */
  readonly timeoutMs: number
  /** Completes the sentence "… did not succeed within 5000 ms". */
  readonly what: string
  /** Called after each failed attempt, for example to look up a coordinator again, also if no attempt follows. */
  readonly onRetry?: (error: KafkaError, attempt: number) => void | Promise<void>
  /** By default `backoffMs`. */
  readonly waitMs?: (error: KafkaError, attempt: number, random: Random) => number
  /** By default `retriable` of the error. */
  readonly isRetriable?: (error: KafkaError) => boolean
}

/** @throws the first error that isn't retriable, or KAFKA_TIMEOUT with the last error as its cause */
export async function retry<T>(options: RetryOptions, attemptOnce: () => Promise<T>): Promise<T> {
  const { timeoutMs } = options
  const { clock, random } = options.timing
  const isRetriable = options.isRetriable ?? ((error) => error.retriable)
  const waitMs = options.waitMs ?? ((_error, attempt) => backoffMs(attempt, random))
  const deadline = clock.elapsed() + timeoutMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await attemptOnce()
    } catch (error) {
      if (!(error instanceof KafkaError) || !isRetriable(error)) throw error
      await options.onRetry?.(error, attempt)
      const wait = waitMs(error, attempt, random)
      if (clock.elapsed() + wait >= deadline) {
        const details = { cause: error, ...(error.outcome === undefined ? {} : { outcome: error.outcome }) }
        throw new KafkaError('KAFKA_TIMEOUT', `${options.what} did not succeed within ${timeoutMs} ms`, details)
      }
      await delay(wait)
    }
  }
}

/** Throws the log's error, if the code is one. */
export function check(errorCode: number, what: string): void {
  if (errorCode !== 0) throw new BrokerError(errorCode, what)
}
