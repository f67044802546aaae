/** The Idempotency-Key header: names an intent of one identity. Its judge is the service that executes the command. */
import { randomUUID } from 'node:crypto'
import { ProblemError } from '../http/problem.ts'

const longestKey = 255

/** The client's key, or a new one. @throws ProblemError 400 for a key that is empty, too long, or not visible ASCII */
export function idempotencyKeyOf(header: string | readonly string[] | undefined): string {
  if (header === undefined) return randomUUID()
  const message = refusalOf(header)
  if (message === undefined) return header as string
  throw new ProblemError('malformed-request', `Idempotency-Key ${message}`, {
    members: { errors: [{ field: 'Idempotency-Key', message }] },
  })
}

function refusalOf(header: string | readonly string[]): string | undefined {
  if (typeof header !== 'string') return 'must be sent once'
  if (header.length === 0) return 'must not be empty'
  if (header.length > longestKey) return `must be at most ${longestKey} characters, not ${header.length}`
  return /^[\x21-\x7e]+$/.test(header) ? undefined : 'must be visible ASCII characters'
}
