/** Milliseconds since the epoch, with fractions: finer than `Date.now()`, for spans that several processes measure. */

/** A larger difference means that the system's clock was set; this clock is then adjusted to it. */
const mostDriftMs = 2

let origin = performance.timeOrigin

/**
 * Within a process it runs evenly. Processes of one machine agree to about a millisecond; those of several machines as well as their
 * clocks do.
 * @returns milliseconds since the epoch
 */
export function wallClock(): number {
  const at = origin + performance.now()
  const drift = Date.now() - at
  if (Math.abs(drift) <= mostDriftMs) return at
  origin += drift
  return at + drift
}
