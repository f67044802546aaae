import type { OwnTimes } from './travel.ts'

/** The most commands that are kept; the oldest are removed. */
const mostKept = 50
const kept = new Map<string, OwnTimes>()

/** Milliseconds since the epoch, with fractions. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now()
}

/** @param effect the id of the transfer or request that the command made */
export function noteTimes(effect: string, times: OwnTimes): void {
  kept.set(effect, times)
  const [oldest] = kept.keys()
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
}

/** The times that this page noted for a command that it sent itself. */
export function timesOf(effect: string): OwnTimes | undefined {
  return kept.get(effect)
}
