/** The wall clock in milliseconds since the epoch, passed in so that tests can turn it. */
export type Clock = { readonly now: () => number }

export const systemClock: Clock = { now: () => Date.now() }
