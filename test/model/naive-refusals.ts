/** The refusals of the naive bank, with their statuses. */
import type { Body } from './naive-bodies.ts'
import type { Told } from './naive-types.ts'

const statusOf: Readonly<Record<string, number>> = {
  'malformed-body': 400,
  'malformed-command': 400,
  'reserved-identity': 403,
  'requests-not-accepted': 403,
  'unknown-recipient': 404,
  'unknown-request': 404,
  'insufficient-funds': 409,
  'request-closed': 409,
  'treasury-exhausted': 409,
  'amount-differs': 422,
  'recipient-differs': 422,
  'own-account': 422,
  'reserved-recipient': 422,
  'idempotency-key-reused': 422,
  'too-many-commands': 429,
  'reminded-recently': 429,
  'too-many-requests-open': 429,
  'too-many-people-blocked': 429,
  'too-many-favourites': 429,
  'try-again': 503,
}

export function no(slug: string, members?: Body): Told {
  return { status: statusOf[slug] ?? 0, slug, ...(members && { members }) }
}
