/** Record headers, named as Zilla names them, so that a real Zilla can replace our gateway. */
export const headerNames = {
  domainModel: 'zilla:domain-model',
  /** From the token only, never from the client. */
  identity: 'zilla:identity',
  /** Joins a reply to one HTTP request; new for every request. */
  correlationId: 'zilla:correlation-id',
  replyTo: 'zilla:reply-to',
  /** Names an intent of one identity. */
  idempotencyKey: 'idempotency-key',
  /** `true` on a reply that repeats an earlier outcome. */
  replayed: 'idempotency-replayed',
  contentType: 'content-type',
  /** W3C Trace Context. If a trace is sampled, every record that the command causes has it. */
  traceparent: 'traceparent',
  /** The HTTP status of a reply, as text. */
  status: ':status',
  /**
   * On replies, the identity that they are for: Zilla makes response fields of record headers, and a colon is illegal
   * there.
   */
  replyIdentity: 'streampay-identity',
  /** On a reply that refuses for now: whole seconds after which it may be tried again. */
  retryAfter: 'retry-after',
  /** The `{id}` of a path on its way to the payments service. */
  requestId: 'streampay:request-id',
  /** On `payment-requests`, where `zilla:identity` is the debtor. */
  requester: 'streampay:requester',
  requestStatus: 'streampay:status',
  /** On rows of statements, in addition to their identity. */
  month: 'streampay:month',
} as const

/**
 * The identity that a reply is for. Replies written before the header had a name of its own have it in
 * `zilla:identity`.
 * @param header the text of a header of the reply
 */
export function identityOfReply(header: (name: string) => string | undefined): string | undefined {
  return header(headerNames.replyIdentity) ?? header(headerNames.identity)
}

export const jsonContentType = 'application/json'
export const problemContentType = 'application/problem+json'
