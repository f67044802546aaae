/** A transfer moves money once: two entries that sum to zero (INV-1). */

import { treasuryId } from './identities.ts'
import { type Coordinates, openingTransferId } from './ids.ts'
import { type Cents, cents, negate } from './money.ts'
import type { Entry } from './schemas.ts'

/** What each entry has for itself; all else is alike in both. */
type OfOneSide = 'account' | 'counterparty' | 'amount' | 'commandPartition' | 'commandOffset' | 'applied'

export type Transfer = Omit<Entry, OfOneSide> & {
  readonly payer: string
  readonly recipient: string
  /** Positive. */
  readonly amount: Cents
  /** The coordinates of the causing record. `at` is its log time, in ms. */
  readonly cause: Coordinates
}

export type Entries = { readonly payer: Entry; readonly recipient: Entry }

/**
 * Both entries of a transfer. The task of `initiator` writes both and applies its own at once; the other one is left to its reader, unless
 * the writer can apply it too.
 * @throws Error for a transfer that is a bug: not positive, or to oneself.
 */
export function entriesOf(transfer: Transfer, initiator: 'payer' | 'recipient'): Entries {
  const { payer, recipient, amount, cause, transferId, ...alike } = transfer
  if (amount <= 0) throw new Error(`Transfer ${transferId} moves ${amount} cents`)
  if (payer === recipient) throw new Error(`Transfer ${transferId} is from ${payer} to itself`)
  const side = (isPayer: boolean): Entry => ({
    transferId,
    account: isPayer ? payer : recipient,
    counterparty: isPayer ? recipient : payer,
    amount: isPayer ? negate(amount) : amount,
    ...alike,
    commandPartition: cause.partition,
    commandOffset: cause.offset,
    applied: isPayer === (initiator === 'payer') ? 'writer' : 'reader',
  })
  const entries = { payer: side(true), recipient: side(false) }
  assertBalanced(entries)
  return entries
}

/** INV-1, asserted before anything is written. */
export function assertBalanced({ payer, recipient }: Entries): void {
  if (payer.amount + recipient.amount !== 0) {
    throw new Error(`The entries of transfer ${payer.transferId} sum to ${payer.amount + recipient.amount}, not zero`)
  }
}

export type Opening = Coordinates & {
  /** Log time of the causing record, in ms. */
  readonly at: number
  /** The amount that the account receives; the entries have it, so that a later change of the grant makes none of them wrong. */
  readonly grantCents: number
}

/** The grant with which an account opens. The account's own task writes it, so the treasury's debit is left to a reader. */
export function openingEntries(account: string, { partition, offset, at, grantCents }: Opening): Entries {
  const transfer: Transfer = {
    transferId: openingTransferId(account),
    payer: treasuryId,
    recipient: account,
    amount: cents(grantCents),
    kind: 'opening',
    cause: { partition, offset },
    at,
  }
  return entriesOf(transfer, 'recipient')
}
