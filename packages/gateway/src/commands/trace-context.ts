/** The traceparent header (W3C Trace Context): kept if it is valid, else a new trace begins. */
import { randomBytes } from 'node:crypto'

const valid = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

export function traceparentOf(header: string | readonly string[] | undefined): string {
  if (typeof header === 'string' && valid.test(header)) return header
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
}
