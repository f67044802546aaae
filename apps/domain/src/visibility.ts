/**
 * Who learns of a payment or request beside its two people (INV-6). A public one has its activities and counts in the totals; of a
 * private one there is nothing on any topic that others are shown.
 */
import type { Visibility } from './schemas.ts'

type Seen = { readonly visibility?: Visibility | undefined }

export function isPrivate({ visibility }: Seen): boolean {
  return visibility === 'private'
}

/** As records have it: those that are public say nothing, as all did before there was a choice. */
export function recordedVisibility(seen: Seen): { readonly visibility?: 'private' } {
  return isPrivate(seen) ? { visibility: 'private' } : {}
}

/**
 * Of the payment that settles a request. A public payment of a private request would tell everybody its people and its amount, so
 * it is private; of a public request, it is as the payer says.
 */
export function settlementVisibility(payment: Seen, request: Seen | undefined): Visibility | undefined {
  return request !== undefined && isPrivate(request) ? 'private' : payment.visibility
}
