import { maxAmountCents, maxNotesLength, minAmountCents } from '@streampay/domain'
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import { decimalOf } from '../money/money.ts'

/**
 * The address that opens the form for paying a person, filled in: `/pay/<account id>?amount=12.50&note=Lunch`. It names the account and not
 * the username, since usernames are not unique. Amounts have a point and at most two decimals in every language, so that the address means
 * the same to all. Opening it pays nothing.
 */
export type PayLink = { readonly id: string; readonly cents?: number | undefined; readonly note?: string | undefined }

/** Bounded so that its QR code can be scanned from a screen. */
export const maxLinkNoteLength = 100

export function payLinkOf(origin: string, { id, cents, note = '' }: PayLink): string {
  const query = new URLSearchParams()
  if (cents !== undefined) query.set('amount', decimalOf(cents))
  if (note.trim() !== '') query.set('note', note.trim())
  const parameters = query.size === 0 ? '' : `?${query}`
  return `${origin}/pay/${encodeURIComponent(id)}${parameters}`
}

/** The query of the form to which a link leads. */
export function formQueryOf(id: unknown, { amount, note }: LocationQuery): LocationQueryRaw {
  return {
    to: String(id),
    ...(amount === undefined ? {} : { amount }),
    ...(note === undefined ? {} : { note }),
    link: null,
  }
}

/** The part of a link that can't be used. */
export type LinkFault = 'amount' | 'note'

/** The content of a link besides the payee, or the part of it that can't be used. */
export function readLink({ amount, note }: LocationQuery): Omit<PayLink, 'id'> | { readonly fault: LinkFault } {
  const cents = amount === undefined ? undefined : centsOf(amount)
  if (amount !== undefined && cents === undefined) return { fault: 'amount' }
  if (note !== undefined && (typeof note !== 'string' || [...note].length > maxNotesLength)) return { fault: 'note' }
  return { cents, note }
}

function centsOf(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const [, whole, fraction = ''] = /^(\d{1,10})(?:\.(\d{1,2}))?$/.exec(text) ?? []
  if (whole === undefined) return undefined
  const cents = Number(whole + fraction.padEnd(2, '0'))
  return cents < minAmountCents || cents > maxAmountCents ? undefined : cents
}
