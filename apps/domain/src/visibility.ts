/**
 * Who sees a payment or request besides its two people (INV-6). A public one has its activities and counts in the totals; a private one has
 * no record on any topic that others may see.
 */
import type { Visibility } from './schemas.ts'

type Seen = { readonly visibility?: Visibility | undefined }

export function isPrivate({ visibility }: Seen): boolean {
  return visibility === 'private'
}

/** The form in records: public ones have no visibility, as all had before there was a choice. */
export function recordedVisibility(seen: Seen): { readonly visibility?: 'private' } {
  return isPrivate(seen) ? { visibility: 'private' } : {}
}

/**
 * The visibility of the payment that settles a request. A public payment of a private request would show its people and its amount to all,
 * so it is private; for a public request the payer chooses.
 */
export function settlementVisibility(payment: Seen, request: Seen | undefined): Visibility | undefined {
  return request !== undefined && isPrivate(request) ? 'private' : payment.visibility
}
