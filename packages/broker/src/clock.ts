/** The only place where the broker reads the time, unless its options have a clock. */
import type { Clock } from './log/types.ts'

export const systemClock: Clock = { now: () => Date.now() }

/** For deadlines within a request: changes of the time of day do not affect it. */
export function monotonicMs(): number {
  return performance.now()
}
