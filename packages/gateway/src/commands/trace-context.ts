/** The traceparent header (W3C Trace Context): kept if it is valid, else a new trace begins. */
import { randomBytesOf } from '../shared/random-pool.ts'

const valid = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

export function traceparentOf(header: string | readonly string[] | undefined): string {
  if (typeof header === 'string' && valid.test(header)) return header
  const ids = randomBytesOf(24).toString('hex')
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`
}
