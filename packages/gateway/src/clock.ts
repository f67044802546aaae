/** The clocks, passed in so that tests can turn them. */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds since some moment, never going back: for what takes how long. */
  readonly elapsed: () => number
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
