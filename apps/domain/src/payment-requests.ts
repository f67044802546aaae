/**
 * The states of a payment request, decided by the debtor's task alone (INV-5):
 *
 *     open ──pay──► paid        by the debtor, for the amount, to the requester
 *       ├──decline─► declined   by the debtor
 *       ├──cancel──► cancelled  by the requester
 *       └──30 days─► expired    by time
 *
 * While it is open, its requester may remind the debtor of it once a day.
 */

import { idempotencyKeptMs, type Refusal, type Refused } from './outcomes.ts'
import type { PaymentRequest, RequestStatus } from './schemas.ts'
import { wholeSeconds } from './seconds.ts'

const dayMs = 24 * 60 * 60 * 1000

/** How long later commands are answered with how a request was closed. A tombstone follows a day later. */
export const closedRequestsKeptMs = 90 * dayMs

/** Between two reminders of one request, in log time. */
export const reminderPauseMs = dayMs

export type RequestLimits = {
  /** Open requests that one person has made. */
  readonly maxOpenOfRequester: number
  /** Open requests of one person to another. */
  readonly maxOpenOfPair: number
  /** Open requests that one person has to answer. Larger than that of a pair, so that no requester can fill it alone. */
  readonly maxOpenForDebtor: number
  /** People whom one person has blocked. */
  readonly maxBlocked: number
  /** An open request expires this long after the log time of its command. */
  readonly openMs: number
}

export const defaultRequestLimits: RequestLimits = {
  maxOpenOfRequester: 200,
  maxOpenOfPair: 20,
  maxOpenForDebtor: 1_000,
  maxBlocked: 1_000,
  openMs: 30 * dayMs,
}

export type ClosingStatus = Exclude<RequestStatus, 'open'>

/** A refusal, or the request: as it is (`open`), or as it is after the command. */
export type RequestDecision =
  | Refused
  | { readonly kind: 'open' | 'closed' | 'reminded'; readonly request: PaymentRequest }

/**
 * Whether `identity` may pay the request. An unknown request and one between other people have the same answer: requests between others
 * are private to them (INV-6). Then it must be open.
 */
export function decideSettlement(request: PaymentRequest | undefined, identity: string): RequestDecision {
  return request === undefined || request.debtor !== identity ? unknown : stillOpen(request)
}

type Close = { readonly identity: string /** The log time of the command, in ms. */; readonly at: number }

/** The debtor declines. */
export function decideDecline(request: PaymentRequest | undefined, { identity, at }: Close): RequestDecision {
  const decision = decideSettlement(request, identity)
  return decision.kind === 'refused' ? decision : closed(decision.request, { status: 'declined', at })
}

/** The requester cancels. */
export function decideCancel(request: PaymentRequest | undefined, { identity, at }: Close): RequestDecision {
  const decision = openOfRequester(request, identity)
  return decision.kind === 'refused' ? decision : closed(decision.request, { status: 'cancelled', at })
}

export type ReminderFacts = {
  readonly identity: string
  /** Whether the debtor accepts no requests of this identity. */
  readonly isBlocked: boolean
  /** The log time of the command, in ms. */
  readonly at: number
}

/** The requester reminds the debtor. Refused in this order: unknown or another's, closed, not accepted, reminded a short while ago. */
export function decideReminder(
  request: PaymentRequest | undefined,
  { identity, isBlocked, at }: ReminderFacts,
): RequestDecision {
  const decision = openOfRequester(request, identity)
  if (decision.kind === 'refused') return decision
  if (isBlocked) return { kind: 'refused', refusal: { slug: 'requests-not-accepted' } }
  const { remindedAt, reminders = 0 } = decision.request
  const possibleAt = remindedAt === undefined ? at : remindedAt + reminderPauseMs
  if (at < possibleAt) {
    const refusal = { slug: 'reminded-recently', possibleAt, inSeconds: wholeSeconds(possibleAt - at) } as const
    return { kind: 'refused', refusal }
  }
  return { kind: 'reminded', request: { ...decision.request, remindedAt: at, reminders: reminders + 1 } }
}

const unknown: Refused = { kind: 'refused', refusal: { slug: 'unknown-request' } }

function openOfRequester(request: PaymentRequest | undefined, identity: string): RequestDecision {
  return request === undefined || request.requester !== identity ? unknown : stillOpen(request)
}

function stillOpen(request: PaymentRequest): RequestDecision {
  const { status } = request
  if (status === 'open') return { kind: 'open', request }
  return { kind: 'refused', refusal: { slug: 'request-closed', requestStatus: status } }
}

function closed(request: PaymentRequest, closing: Closing): RequestDecision {
  return { kind: 'closed', request: closeRequest(request, closing) }
}

/** What the debtor's task knows when a request arrives. The counts are those of open requests, without the new one. */
export type ArrivalFacts = {
  readonly isBlocked: boolean
  readonly openOfPair: number
  readonly openForDebtor: number
}

/** Why the debtor's task does not accept a request. The order is the contract: blocked, the bound of the pair, the debtor's. */
export function refusalOfArrival(facts: ArrivalFacts, limits: RequestLimits): Refusal | undefined {
  if (facts.isBlocked) return { slug: 'requests-not-accepted' }
  if (facts.openOfPair >= limits.maxOpenOfPair) {
    return { slug: 'too-many-requests-open', of: 'pair', limit: limits.maxOpenOfPair }
  }
  if (facts.openForDebtor >= limits.maxOpenForDebtor) {
    return { slug: 'too-many-requests-open', of: 'debtor', limit: limits.maxOpenForDebtor }
  }
  return undefined
}

/** The log time at which an open request expires, in ms. */
export function expiresAt({ createdAt }: PaymentRequest, { openMs }: RequestLimits): number {
  return createdAt + openMs
}

/** The request at this log time: an open one past its time has expired, even if that is not written yet. */
export function requestAt(request: PaymentRequest, now: number, limits: RequestLimits): PaymentRequest {
  const at = expiresAt(request, limits)
  return request.status === 'open' && at <= now ? closeRequest(request, { status: 'expired', at }) : request
}

export type Closing = { readonly status: ClosingStatus; readonly at: number; readonly transferId?: string }

/** @throws Error if the request is not open: a refusal was missed. */
export function closeRequest(request: PaymentRequest, closing: Closing): PaymentRequest {
  if (request.status !== 'open')
    throw new Error(`Request ${request.id} is ${request.status} and cannot be closed again`)
  const { status, at, transferId } = closing
  return { ...request, status, closedAt: at, ...(transferId === undefined ? {} : { transferId }) }
}

/** Whether a request was closed so long ago that it counts as unknown, even if it is still stored. */
export function isForgotten({ closedAt }: PaymentRequest, now: number): boolean {
  return closedAt !== undefined && closedAt + closedRequestsKeptMs <= now
}

/** When the tombstone of a closed request is due, in log time: once every key of a command that closed it has expired, too. */
export function forgettableAt(closedAt: number): number {
  return closedAt + closedRequestsKeptMs + idempotencyKeptMs
}
