/** Every error class of this application, in one table; the README has the same, and a test compares the two. */
import type { ProblemSlug } from '@streampay/domain'

export const paymentsErrors = {
  TOPICS_DIFFER: {
    retriable: false,
    meaning: "the log's topics differ from what this version needs; the message names every difference",
  },
  UNTRUSTED_RECORD: {
    retriable: false,
    meaning: 'a record from outside is invalid; it goes to `dead-letters`, and is answered if possible',
  },
} as const

/** The log has topics with which this version cannot work: an operator has to change the log or the list. */
export class TopicsDifferError extends Error {
  override readonly name = 'TopicsDifferError'
  readonly code = 'TOPICS_DIFFER'
  readonly retriable = paymentsErrors.TOPICS_DIFFER.retriable
  readonly differences: readonly string[]

  constructor(differences: readonly string[]) {
    super(`The log's topics differ from what StreamPay needs: ${differences.join('; ')}.`)
    this.differences = differences
  }
}

/** A record that must not be processed. The message is the `reason` of its dead letter. */
export class UntrustedRecord extends Error {
  override readonly name = 'UntrustedRecord'
  readonly code = 'UNTRUSTED_RECORD'
  readonly retriable = paymentsErrors.UNTRUSTED_RECORD.retriable
  /** The problem that the sender gets. */
  readonly slug: ProblemSlug

  constructor(reason: string, slug: ProblemSlug = 'malformed-command', cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.slug = slug
  }
}
