import type { BalanceHistory } from '../api/types.ts'

type Step = readonly [at: number, cents: number]

const minLeadMs = 60_000
/** Of the time shown, what stands before an account's first movement. */
const leadShare = 0.06

/**
 * The balance as a line: each movement, and where the line is now, since a balance holds until the next movement. An account
 * that is shown from its first movement on begins with the nothing that it had before, so that a single movement is a step and
 * not a dot.
 */
export function balanceLine(points: readonly BalanceHistory[], nowMs: number): readonly Step[] {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return []
  // Clocks differ a little: now is never before what has happened.
  const end = Math.max(nowMs, last.at)
  const lead = Math.max(minLeadMs, Math.round((end - first.at) * leadShare))
  const before: readonly Step[] = first.sequence === 1 ? [[first.at - lead, 0]] : []
  return [...before, ...points.map(({ at, balance }): Step => [at, balance]), [end, last.balance]]
}
