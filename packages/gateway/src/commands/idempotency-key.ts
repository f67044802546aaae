/**
 * The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): names an intent of one identity. The
 * service that executes the command decides by it. The gateway neither creates nor corrects a key: a repeated key must be exactly
 * that of the first request, or the second request would pay again.
 *
 * HTTP/1.1 allows blanks around every value and drops them (RFC 9112, section 5); in HTTP/2 they are part of the value, and
 * invalid. A control character makes an HTTP/1.1 request unreadable (400); over HTTP/2 Node drops the whole field, so that the
 * key counts as missing.
 */
import type { Request } from '../http/app.ts'
import { ProblemError } from '../shared/problem.ts'

export const longestKey = 255
/** The form of a key, as JSON Schema's pattern. */
export const keyPattern = '^[\\x21-\\x7e]+$'

const name = 'idempotency-key'
const rule = `1 to ${longestKey} visible ASCII characters`
const visible = new RegExp(keyPattern)

type HeaderLines = { readonly raw: Pick<Request['raw'], 'rawHeaders'> }

/** @throws ProblemError 400 for a key that is missing, repeated, empty, too long, or not visible ASCII */
export function idempotencyKeyOf(request: HeaderLines): string {
  const key = keyIfGiven(request)
  if (key === undefined) throw malformed(`is required: ${rule}, new for each intent and the same on each retry`)
  return key
}

/** For requests that can be repeated without a key. @throws ProblemError 400 for a key that is given and not valid */
export function keyIfGiven({ raw }: HeaderLines): string | undefined {
  const lines = linesOf(raw.rawHeaders)
  const [key] = lines
  if (key === undefined) return undefined
  const message = refusalOf(key, lines.length)
  if (message !== undefined) throw malformed(message)
  return key
}

/** The values of the header: Node joins lines of one name. */
function linesOf(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}

function refusalOf(key: string, lines: number): string | undefined {
  // A proxy may have joined two lines of one name (RFC 9110, section 5.3).
  if (lines > 1 || /,[ \t]/.test(key)) return 'must be sent once'
  if (key.length === 0) return 'must not be empty'
  if (key.length > longestKey) return `must be at most ${longestKey} characters, not ${key.length}`
  if (/^[ \t]|[ \t]$/.test(key)) return 'must not begin or end with a blank'
  return visible.test(key) ? undefined : 'must be visible ASCII characters, without blanks'
}

function malformed(message: string): ProblemError {
  return new ProblemError('malformed-request', `Idempotency-Key ${message}.`, {
    members: { errors: [{ field: 'Idempotency-Key', message }] },
  })
}
