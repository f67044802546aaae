import type { BalanceHistory } from '../api/types.ts'

export type Step = readonly [at: number, cents: number]

/** What a period says of the balance, besides the movements that were read. */
export type LineFrame = {
  /** When it begins, and the first moment behind it, in ms. */
  readonly start: number
  readonly end: number
  /** The balance with which it begins, in cents. */
  readonly opening: number
  /** Where its months end, and with what, oldest first: they stand for movements that were not read. */
  readonly monthEnds: readonly Step[]
}

const minLeadMs = 60_000
/** Of the time shown, what stands before an account's first movement. */
const leadShare = 0.06

/**
 * The balance as a line over a period: what it began with, each movement, and where the line is at the end, or now, since a balance
 * holds until the next movement. An account that began within the period is shown from a little before its first movement on,
 * so that the first minutes of an account are not a dot at the edge.
 * @param points oldest first: the newest of the period
 */
export function balanceLine(points: readonly BalanceHistory[], frame: LineFrame, nowMs: number): readonly Step[] {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return []
  // Clocks differ a little: now is never before what has happened.
  const end = Math.max(Math.min(nowMs, frame.end), last.at)
  const lead = Math.max(minLeadMs, Math.round((end - first.at) * leadShare))
  const start = first.sequence === 1 ? Math.max(frame.start, first.at - lead) : frame.start
  const months = frame.monthEnds.filter(([at]) => at > start && at <= first.at)
  return [
    [Math.min(start, first.at), frame.opening],
    ...months,
    ...points.map(({ at, balance }): Step => [at, balance]),
    [end, last.balance],
  ]
}
