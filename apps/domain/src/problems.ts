/** Every refusal and fault that a client can get, as RFC 9457 problem details with a stable `type`. */
import { type FieldError, problems as problemsOfGateway } from '@streampay/gateway/problems'

/** The prefix of `type`; the slug follows. */
export const problemTypePrefix = 'urn:streampay:problem:'

/** Those of every gateway, and those of payments. */
export const problems = {
  ...problemsOfGateway,
  'malformed-command': { status: 400, title: 'The command record is malformed' },
  'requests-not-accepted': { status: 403, title: 'This person accepts no requests from you' },
  'unknown-recipient': { status: 404, title: 'The recipient is unknown' },
  'unknown-request': { status: 404, title: 'The payment request is unknown' },
  'insufficient-funds': { status: 409, title: 'The balance does not suffice' },
  'not-possible-now': { status: 409, title: 'This can’t be done now' },
  'request-closed': { status: 409, title: 'The request is already closed' },
  'treasury-exhausted': { status: 409, title: 'The treasury has reached its limit' },
  'amount-differs': { status: 422, title: 'The amount differs from the request' },
  'recipient-differs': { status: 422, title: 'The recipient did not make the request' },
  'own-account': { status: 422, title: 'This is your own account' },
  'reserved-recipient': { status: 422, title: 'The recipient is reserved' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key was used for something else' },
  'too-many-commands': { status: 429, title: 'Too many commands in one day' },
  'reminded-recently': { status: 429, title: 'There was a reminder less than a day ago' },
  'too-many-requests-open': { status: 429, title: 'Too many payment requests are open' },
  'too-many-people-blocked': { status: 429, title: 'Too many people are blocked' },
  'too-many-favourites': { status: 429, title: 'Too many favourites' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

export type ProblemSlug = keyof typeof problems

export type { FieldError }

/** Members in addition to the standard ones; `problemDetails` in schemas.ts documents which slug has which. */
export type ProblemMembers = {
  readonly errors?: readonly FieldError[]
  /** insufficient-funds: what the payer may spend, in cents. */
  readonly available?: number
  /** request-closed: `paid`, `declined`, `cancelled` or `expired`. */
  readonly requestStatus?: string
  /** amount-differs: the request's amount, in cents. */
  readonly expected?: number
  /** missing-scope: the scope that is needed. */
  readonly scope?: string
  /** reminded-recently: when the next reminder is possible, in ms. */
  readonly possibleAt?: number
}

export type Problem = ProblemMembers & {
  readonly type: `${typeof problemTypePrefix}${ProblemSlug}`
  readonly title: string
  readonly status: number
  readonly detail: string
}

/** `detail` is a sentence for the person who reads it; it names the value and the limit. */
export function problem(slug: ProblemSlug, detail: string, members: ProblemMembers = {}): Problem {
  const { status, title } = problems[slug]
  return { type: `${problemTypePrefix}${slug}`, title, status, detail, ...members }
}

/** The slug of a problem's `type`, or undefined if it is not one of ours. */
export function slugOf(type: string): ProblemSlug | undefined {
  if (!type.startsWith(problemTypePrefix)) return undefined
  const slug = type.slice(problemTypePrefix.length)
  return Object.hasOwn(problems, slug) ? (slug as ProblemSlug) : undefined
}
