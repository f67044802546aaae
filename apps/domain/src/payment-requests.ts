/**
 * The life of a payment request, decided by the debtor's task alone (INV-5):
 *
 *     open ──pay──► paid        by the debtor, for the amount, to the requester
 *       ├──decline─► declined   by the debtor
 *       └──cancel──► cancelled  by the requester
 */

import { idempotencyKeptMs, type Refusal } from './outcomes.ts'
import type { PaymentRequest, RequestStatus } from './schemas.ts'

/** So long late commands hear how a request was closed. A tombstone follows a day later. */
export const closedRequestsKeptMs = 90 * 24 * 60 * 60 * 1000

export type ClosingStatus = Exclude<RequestStatus, 'open'>

/**
 * What a task knows of a request id: the request itself, that somebody else's task has it, or nothing.
 * `elsewhere` comes from a table that trails the log, so it may still say `unknown` of a very new request.
 */
export type KnownRequest = PaymentRequest | 'elsewhere' | 'unknown'

/** Why the debtor `identity` cannot settle or decline this request, in the order in which it is told. */
export function refusalOfDebtor(request: KnownRequest, identity: string): Refusal | undefined {
  if (request === 'unknown') return { slug: 'unknown-request' }
  if (request === 'elsewhere' || request.debtor !== identity) return { slug: 'request-not-yours' }
  return refusalOfClosed(request)
}

/** Why the requester `identity` cannot cancel this request. */
export function refusalOfCancel(request: PaymentRequest | undefined, identity: string): Refusal | undefined {
  if (request === undefined) return { slug: 'unknown-request' }
  if (request.requester !== identity) return { slug: 'request-not-yours' }
  return refusalOfClosed(request)
}

function refusalOfClosed({ status }: PaymentRequest): Refusal | undefined {
  return status === 'open' ? undefined : { slug: 'request-closed', requestStatus: status }
}

export type Closing = { readonly status: ClosingStatus; readonly at: number; readonly transferId?: string }

/** @throws Error if the request is not open: a refusal was overlooked. */
export function closeRequest(request: PaymentRequest, closing: Closing): PaymentRequest {
  if (request.status !== 'open')
    throw new Error(`Request ${request.id} is ${request.status} and cannot be closed again`)
  const { status, at, transferId } = closing
  return { ...request, status, closedAt: at, ...(transferId === undefined ? {} : { transferId }) }
}

/** Whether a request was closed so long ago that it counts as unknown, though it may still be there. */
export function isForgotten({ closedAt }: PaymentRequest, now: number): boolean {
  return closedAt !== undefined && closedAt + closedRequestsKeptMs <= now
}

/**
 * Whether the tombstone of a request is due. Not before every command that heard how it was closed has lost its idempotency
 * key: until then its repeats have to find the way to that answer, which the requester's task knows as long as the request is there.
 */
export function isForgettable(request: PaymentRequest, now: number): boolean {
  return isForgotten(request, now - idempotencyKeptMs)
}
