/** Waiting and trying again: bounded, growing, and spread, so that clients that failed together don't return together. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './clock.ts'
import { BrokerError, KafkaError } from './errors.ts'

const FIRST_WAIT_MS = 10
const LONGEST_WAIT_MS = 1_000
const SHORT_WAITS = 20

/** From 0 up to, but not including, 1. */
export type Random = () => number

/** 10, 20, 40 … 1,000 ms, of which a random part of at most half is left out: for a log that is away or changes its leaders. */
export function backoffMs(attempt: number, random: Random): number {
  return spread(Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempt, 10), LONGEST_WAIT_MS), random)
}

/**
 * 1, 1, 2, 3, 5, 5 … ms: for a transaction whose predecessor is still being completed, which takes a few milliseconds.
 * Whatever takes longer than some 80 ms is asked for less often, up to every 200 ms.
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
  /** A cluster is one. */
  readonly timing: { readonly clock: Clock; readonly random: Random }
  /** From now; the last attempt may begin just before. */
  readonly timeoutMs: number
  /** Completes the sentence "… did not succeed within 5000 ms". */
  readonly what: string
  /** Tells after each attempt what failed, e.g. to look up a coordinator again, be it for the next call. */
  readonly onRetry?: (error: KafkaError, attempt: number) => void | Promise<void>
  /** By default `backoffMs`. */
  readonly waitMs?: (error: KafkaError, attempt: number, random: Random) => number
  /** By default what the error says of itself. */
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

/** Throws what the log answered, if it is an error. */
export function check(errorCode: number, what: string): void {
  if (errorCode !== 0) throw new BrokerError(errorCode, what)
}
