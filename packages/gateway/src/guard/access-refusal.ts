import { createHash } from 'node:crypto'
import { ProblemError } from '../shared/problem.ts'

type Extras = NonNullable<ConstructorParameters<typeof ProblemError>[2]>
type Slug = ConstructorParameters<typeof ProblemError>[0]

/** A token that is not accepted, or does not have the required permission. */
export class AccessRefusal extends ProblemError {
  /** A digest of the subject, if the issuer signed the token: it connects lines of the log without naming a person. */
  readonly subjectDigest: string | undefined

  constructor(slug: Slug, detail: string, extras: Extras & { readonly subject?: unknown } = {}) {
    super(slug, detail, extras)
    const { subject } = extras
    this.subjectDigest =
      typeof subject === 'string' ? createHash('sha256').update(subject).digest('hex').slice(0, 16) : undefined
  }
}
