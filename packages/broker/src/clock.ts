/** The one place where the broker reads time, unless its options bring a clock. */
import type { Clock } from './log/types.ts'

export const systemClock: Clock = { now: () => Date.now() }

/** For deadlines within a request: it never jumps, whatever happens to the time of day. */
export function monotonicMs(): number {
  return performance.now()
}
