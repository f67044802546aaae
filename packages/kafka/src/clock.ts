/** The one place of this package that reads the machine's clocks. Tests pass another. */
export type Clock = {
  /** Milliseconds since the epoch: the timestamp of records that bring none. */
  now(): number
  /** Milliseconds since some moment, never going back: for deadlines. */
  elapsed(): number
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
