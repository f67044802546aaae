/**
 * Problem details (RFC 9457): every error that the gateway itself returns, in one table. The services behind the log
 * add types of their own in the same form; their slugs and these share one namespace, so a client needs one list.
 * @example
 * ```ts
 * import { problems } from '@streampay/gateway/problems'
 *
 * console.log(problems['not-found'].status) // → 404
 * ```
 */
export const problems = {
  'malformed-body': { status: 400, title: 'The body is malformed' },
  'malformed-request': { status: 400, title: 'The request is malformed' },
  'invalid-position': { status: 400, title: 'The position does not belong to this view' },
  unauthorized: { status: 401, title: 'A valid access token is needed' },
  'missing-scope': { status: 403, title: 'The token lacks a permission' },
  'reserved-identity': { status: 403, title: 'This identity is reserved' },
  'subject-differs': { status: 403, title: 'The token belongs to another user' },
  'topic-not-writable': { status: 403, title: 'Only the system writes to this topic' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'None of the accepted media types is available' },
  'request-timeout': { status: 408, title: 'The request came too slowly' },
  'precondition-failed': { status: 412, title: 'The resource has changed' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The header fields are too large' },
  'internal-error': { status: 500, title: 'Something went wrong' },
  'log-unavailable': { status: 503, title: 'The log is unavailable; nothing was written' },
  'try-again': { status: 503, title: 'The service is busy; nothing was done' },
  'outcome-unknown': { status: 504, title: 'No reply in time; the outcome is not known yet' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

/** The last part of a problem's `type`: stable, for programs. */
export type ProblemSlug = keyof typeof problems

/** The error of one field: its path with dots, '' for the whole body, and a message that continues the path. */
export type FieldError = {
  /** Names of members joined by dots; '' is the whole body. */
  readonly field: string
  /** Continues the path, such as `must be a string`. */
  readonly message: string
}

/** The body of an error response. */
export type ProblemBody = {
  /** A URN: the namespace of the gateway and the slug. */
  readonly type: string
  /** What the type means, in a few words; the same for each problem of the type. */
  readonly title: string
  /** The HTTP status, as in the response. */
  readonly status: number
  /** What is wrong with this request, in sentences. */
  readonly detail: string
  readonly [extension: string]: unknown
}

/** The media type of a problem's body (RFC 9457, section 3). */
export const problemContentType = 'application/problem+json'

type Extras = {
  readonly headers?: Readonly<Record<string, string>>
  readonly members?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** An error response. Handlers throw it, and error-handler.ts turns it into the response. */
export class ProblemError extends Error {
  /** The last part of `type` in the body. */
  readonly slug: ProblemSlug
  /** The HTTP status of the response. */
  readonly status: number
  /** Headers of the response that only this problem has, such as `retry-after`. */
  readonly headers: Readonly<Record<string, string>>
  /** More members of the body (RFC 9457, section 3.2). */
  readonly members: Readonly<Record<string, unknown>>

  constructor(slug: ProblemSlug, detail: string, extras: Extras = {}) {
    super(detail, extras.cause === undefined ? {} : { cause: extras.cause })
    this.name = 'ProblemError'
    this.slug = slug
    this.status = problems[slug].status
    this.headers = extras.headers ?? {}
    this.members = extras.members ?? {}
  }

  /** `namespace` is the definition's name: the type is `urn:<namespace>:problem:<slug>`. */
  body(namespace: string): ProblemBody {
    const { title, status } = problems[this.slug]
    return { type: `urn:${namespace}:problem:${this.slug}`, title, status, detail: this.message, ...this.members }
  }
}
