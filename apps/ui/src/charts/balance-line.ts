import type { BalanceHistory } from '../api/types.ts'

export type Step = readonly [at: number, cents: number]

/** What is known of the balance in a period, besides the movements that were read. */
export type LineFrame = {
  /** When the period begins, and the first moment after it, in ms. */
  readonly start: number
  readonly end: number
  /** The balance at the beginning of the period, in cents. */
  readonly opening: number
  /** When each of its months ends, and with which balance, oldest first: they stand for movements that were not read. */
  readonly monthEnds: readonly Step[]
}

const minLeadMs = 60_000
/** The part of the shown time before the first movement of an account. */
const leadShare = 0.06

/**
 * The balance as a line over a period: the balance at its beginning, each movement, and a last point at its end or now, since a balance
 * holds until the next movement. For an account that was opened within the period, the line begins a little before its first movement,
 * because the first minutes of an account would otherwise be a dot at the edge.
 * @param points oldest first: the newest of the period
 */
export function balanceLine(points: readonly BalanceHistory[], frame: LineFrame, nowMs: number): readonly Step[] {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return []
  // Clocks differ a little: now is never before the last movement.
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
