/** A time to wait, in ms, as the whole seconds of Retry-After (RFC 9110, section 10.2.3), rounded up. */
export function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
