/** One intent of one person, with all that its sender was told of it. */
import { randomUUID } from 'node:crypto'
import { type ProblemSlug, problems, slugOf } from '@streampay/domain'

/** What a definite answer says. */
export type Told = {
  readonly status: number
  /** Parsed JSON, or text. */
  readonly body: unknown
  /** The service says that it has answered this intent before. */
  readonly replayed: boolean
}

/**
 * An answer that leaves the sender to ask again: `status` is undefined where no whole response came. 429 and 503 promise
 * that nothing was done, everything else promises nothing.
 */
export type Unclear = { readonly status: number | undefined; readonly reason: string }

export type Intent = {
  readonly identity: string
  readonly method: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly key: string
  /** How often it was sent. */
  tries: number
  /** Whether something other than 429 and 503 was among the unclear answers: then it may have been done. */
  mayBeDone: boolean
  lastUnclear: Unclear | undefined
  /** The definite one. */
  answer: Told | undefined
}

export type IntentSpec = Pick<Intent, 'identity' | 'method' | 'path' | 'body'>

/** Payments and requests without notes carry the key as such, so that each can be found on the ledger by its intent. */
export function newIntent({ identity, method, path, body }: IntentSpec): Intent {
  const key = randomUUID()
  const carried = path === '/pay' || path === '/request' ? { notes: key, ...body } : body
  return { identity, method, path, body: carried, key, ...untried() }
}

/** The same intent in the hands of somebody who does not know what was answered. */
export function copyOf(intent: Intent): Intent {
  return { ...intent, ...untried() }
}

export function toldText(told: Told | undefined): string {
  return told === undefined ? 'nothing' : `${told.status} ${JSON.stringify(told.body)}`
}

/** What a payment to somebody else who is known may be told: that it was done, or that the balance does not suffice. */
export function isPaymentOutcome(told: Told): boolean {
  return told.status === 200 || isRefusal(told, 'insufficient-funds')
}

export function isRefusal({ status, body }: Told, slug: ProblemSlug): boolean {
  const type = (body as { readonly type?: unknown } | undefined)?.type
  return status === problems[slug].status && typeof type === 'string' && slugOf(type) === slug
}

/**
 * Whether this may be told to a repeat of an intent that has its answer. What was carried out is told alike, and marked as a
 * repetition. A refusal changed nothing and is decided anew, and never marked: for want of money it may be carried out now,
 * or find its request closed.
 */
export function mayRepeatBeTold({ answer, body }: Pick<Intent, 'answer' | 'body'>, again: Told): boolean {
  if (answer === undefined) return true
  const isAlike = toldText(again) === toldText(answer)
  if (answer.status < 400) return isAlike && again.replayed
  if (!isRefusal(answer, 'insufficient-funds')) return isAlike && !again.replayed
  return isPaymentOutcome(again) || (body.requestId !== undefined && isRefusal(again, 'request-closed'))
}

function untried(): Pick<Intent, 'tries' | 'mayBeDone' | 'lastUnclear' | 'answer'> {
  return { tries: 0, mayBeDone: false, lastUnclear: undefined, answer: undefined }
}
