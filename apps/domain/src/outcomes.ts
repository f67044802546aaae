/**
 * The outcome of a command in the few bytes that its idempotency key keeps for 24 hours, and the reply rebuilt from it. The
 * rest of a reply comes from the repeated command itself, which has the same fingerprint and so the same body.
 */
import { type Problem, problem } from './problems.ts'
import type { CloseReply, PayReply, PersonReply, RemindReply, RequestReply, RequestStatus } from './schemas.ts'

/** How long an idempotency key is kept, by log time. */
export const idempotencyKeptMs = 24 * 60 * 60 * 1000
export const maxOutcomeBytes = 150

/** It is not known when a bound is no longer reached; an hour keeps programs from asking all the time. */
export const retryAfterSeconds = 3600

/** A definite refusal. The figures are those of the decision. */
export type Refusal =
  | {
      readonly slug:
        | 'unknown-recipient'
        | 'unknown-request'
        | 'recipient-differs'
        | 'own-account'
        | 'reserved-recipient'
        | 'reserved-identity'
        | 'treasury-exhausted'
        | 'requests-not-accepted'
    }
  | { readonly slug: 'insufficient-funds'; readonly available: number }
  | { readonly slug: 'amount-differs'; readonly expected: number }
  | { readonly slug: 'request-closed'; readonly requestStatus: Exclude<RequestStatus, 'open'> }
  /** `possibleAt`: when the next reminder is possible, in ms; `inSeconds`: how long after the command that is. */
  | { readonly slug: 'reminded-recently'; readonly possibleAt: number; readonly inSeconds: number }
  /** `of`: the person whose open requests have reached their bound. */
  | { readonly slug: 'too-many-requests-open'; readonly of: 'requester' | 'pair' | 'debtor'; readonly limit: number }
  | { readonly slug: 'too-many-people-blocked' | 'too-many-favourites'; readonly limit: number }
  | { readonly slug: 'too-many-commands'; readonly limit: number }

/** As a decision, and as the outcome of its command. */
export type Refused = { readonly kind: 'refused'; readonly refusal: Refusal }

export type Outcome =
  | { readonly kind: 'paid'; readonly transferId: string; readonly balance: number }
  | { readonly kind: 'requested'; readonly id: string }
  | { readonly kind: 'closed'; readonly status: 'declined' | 'cancelled' }
  | { readonly kind: 'reminded'; readonly at: number }
  | { readonly kind: 'blocked' | 'unblocked' | 'favoured' | 'unfavoured' }
  | Refused
  /** Decided by another task, for this intent: the coordinates of the first command with the key. */
  | { readonly kind: 'forwarded'; readonly intent: string }

/** The parts of the command that the outcome's reply repeats. */
export type Asked = {
  readonly userId?: string | undefined
  readonly amount?: number | undefined
  readonly requestId?: string | undefined
}

export type Reply = {
  readonly status: number
  readonly body: PayReply | RequestReply | CloseReply | RemindReply | PersonReply | Problem
  /** With 429. */
  readonly retryAfterSeconds?: number
}

/** @throws Error for a forwarded outcome, which another task answers. */
export function replyTo(outcome: Outcome, asked: Asked): Reply {
  switch (outcome.kind) {
    case 'paid':
      return { status: 200, body: { transferId: outcome.transferId, balance: outcome.balance } }
    case 'requested':
      return { status: 201, body: { id: outcome.id } }
    case 'closed':
      return { status: 200, body: { id: asked.requestId ?? '', status: outcome.status } }
    case 'reminded':
      return { status: 200, body: { id: asked.requestId ?? '', remindedAt: outcome.at } }
    case 'blocked':
    case 'unblocked':
    case 'favoured':
    case 'unfavoured':
      return { status: 200, body: { userId: asked.userId ?? asked.requestId ?? '' } }
    case 'refused': {
      const { refusal } = outcome
      const body = problemOf(refusal, asked)
      if (body.status !== 429) return { status: body.status, body }
      return {
        status: 429,
        body,
        retryAfterSeconds: refusal.slug === 'reminded-recently' ? refusal.inSeconds : retryAfterSeconds,
      }
    }
    case 'forwarded':
      throw new Error(`The command of intent ${outcome.intent} is answered by the debtor's task`)
  }
}

/** A refusal in words. */
export function problemOf(refusal: Refusal, { userId, amount, requestId }: Asked): Problem {
  const { slug } = refusal
  switch (slug) {
    case 'unknown-recipient':
      return problem(slug, `There is no user "${userId}".`)
    case 'unknown-request':
      return problem(slug, `There is no payment request "${requestId}".`)
    case 'recipient-differs':
      return problem(slug, `Payment request "${requestId}" was not made by "${userId}".`)
    case 'own-account':
      return problem(slug, 'You cannot pay, ask, block or favour yourself.')
    case 'reserved-recipient':
      return problem(slug, `"${userId}" is reserved for the system.`)
    case 'reserved-identity':
      return problem(slug, 'The system itself cannot do this.')
    case 'requests-not-accepted':
      return problem(slug, `"${userId}" accepts no payment requests from you.`)
    case 'reminded-recently': {
      const { possibleAt, inSeconds } = refusal
      const detail = `There was a reminder of payment request "${requestId}" less than a day ago. The next one is possible in ${inSeconds} s.`
      return problem(slug, detail, { possibleAt })
    }
    case 'too-many-requests-open':
      return problem(slug, tooManyOpen(refusal, userId))
    case 'too-many-people-blocked':
      return problem(slug, `You have blocked ${refusal.limit} people, which is the limit. Unblock one of them first.`)
    case 'too-many-favourites':
      return problem(slug, `You have ${refusal.limit} favourites, which is the limit. Remove one first.`)
    case 'too-many-commands':
      return problem(slug, `You have sent ${refusal.limit} commands in about a day, which is the limit for one person.`)
    case 'treasury-exhausted':
      return problem(slug, `The treasury cannot pay out another ${amount} cents.`)
    case 'insufficient-funds': {
      const { available } = refusal
      return problem(slug, `The payment of ${amount} cents exceeds the available ${available} cents.`, { available })
    }
    case 'amount-differs': {
      const { expected } = refusal
      return problem(slug, `Payment request "${requestId}" is over ${expected} cents, not ${amount}.`, { expected })
    }
    case 'request-closed': {
      const { requestStatus } = refusal
      return problem(
        slug,
        `Payment request "${requestId}" is ${requestStatus === 'expired' ? '' : 'already '}${requestStatus}.`,
        { requestStatus },
      )
    }
  }
}

function tooManyOpen({ of, limit }: Extract<Refusal, { slug: 'too-many-requests-open' }>, debtor?: string): string {
  switch (of) {
    case 'requester':
      return `You have ${limit} open payment requests, which is the limit. Cancel some, or wait until they are answered.`
    case 'pair':
      return `You have ${limit} open payment requests to "${debtor}", which is the limit. Cancel some, or wait.`
    case 'debtor':
      return `"${debtor}" has ${limit} open payment requests to answer, which is the limit. Try again later.`
  }
}

/** @throws Error if the outcome needs more than 150 bytes: a member without a bound was added. */
export function encodeOutcome(outcome: Outcome): string {
  const text = JSON.stringify(outcome)
  // Slugs, ids made of coordinates and integers are ASCII, so characters are bytes.
  if (text.length > maxOutcomeBytes) throw new Error(`The outcome ${text} exceeds ${maxOutcomeBytes} bytes`)
  return text
}

/** Reads what `encodeOutcome` wrote; the changelog it comes from is written by this application alone. */
export function decodeOutcome(text: string): Outcome {
  return JSON.parse(text) as Outcome
}
