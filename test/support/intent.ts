/** One intent of one person, with all answers that its sender got. */
import { randomUUID } from 'node:crypto'
import { type ProblemSlug, problems, slugOf } from '@streampay/domain'

/** The content of a definite answer. */
export type Told = {
  readonly status: number
  /** Parsed JSON, or text. */
  readonly body: unknown
  /** The service says that it has answered this intent before. */
  readonly replayed: boolean
}

/**
 * An answer after which the sender has to ask again: `status` is undefined if no complete response came. 429 and 503 promise that nothing
 * was done; other answers promise nothing.
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
  /** Whether there was an unclear answer other than 429 and 503: then it may have been done. */
  mayBeDone: boolean
  lastUnclear: Unclear | undefined
  /** The definite answer. */
  answer: Told | undefined
}

export type IntentSpec = Pick<Intent, 'identity' | 'method' | 'path' | 'body'>

/** Payments and requests without notes have the key as their notes, so that each can be found on the ledger by its intent. */
export function newIntent({ identity, method, path, body }: IntentSpec): Intent {
  const key = randomUUID()
  const carried = path === '/pay' || path === '/request' ? { notes: key, ...body } : body
  return { identity, method, path, body: carried, key, ...untried() }
}

/** The same intent, sent by a client that does not know the answers so far. */
export function copyOf(intent: Intent): Intent {
  return { ...intent, ...untried() }
}

export function toldText(told: Told | undefined): string {
  return told === undefined ? 'nothing' : `${told.status} ${JSON.stringify(told.body)}`
}

/** The possible answers to a payment to another known person: that it was done, or that the balance is too small. */
export function isPaymentOutcome(told: Told): boolean {
  return told.status === 200 || isRefusal(told, 'insufficient-funds')
}

export function isRefusal({ status, body }: Told, slug: ProblemSlug): boolean {
  const type = (body as { readonly type?: unknown } | undefined)?.type
  return status === problems[slug].status && typeof type === 'string' && slugOf(type) === slug
}

/**
 * Whether a repeat of an answered intent may get this answer. What was carried out has the same answer, marked as a repetition. A refusal
 * changed nothing, is decided anew, and is never marked: after a refusal for lack of money it may be carried out now, or find its request
 * closed.
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
