/** The only place of this package that reads the machine's clocks. Tests pass another clock. */
/** The time of day, and the time that has passed. Tests pass their own. */
export type Clock = {
  /** Milliseconds since the epoch: the timestamp of records that have none. */
  now(): number
  /** Milliseconds since an arbitrary moment; never goes back. For deadlines. */
  elapsed(): number
}

/** The machine's clocks: `Date.now` and `performance.now`. */
export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
