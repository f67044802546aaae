/** The one place of this package that reads the machine's clocks. Tests pass another. */
/** What time it is, by two clocks. Tests pass their own. */
export type Clock = {
  /** Milliseconds since the epoch: the timestamp of records that bring none. */
  now(): number
  /** Milliseconds since some moment, never going back: for deadlines. */
  elapsed(): number
}

/** The machine's clocks: `Date.now` and `performance.now`. */
export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
