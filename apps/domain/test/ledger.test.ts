import { describe, expect, it } from 'vitest'
import {
  applyEntry,
  assertBalanced,
  type Balance,
  cents,
  type Entry,
  entriesOf,
  mustOpen,
  openingEntries,
  type Transfer,
  treasuryId,
} from '../src/index.ts'

const transfer: Transfer = {
  transferId: 't1-2',
  payer: 'ann',
  recipient: 'bea',
  amount: cents(300),
  kind: 'payment',
  requestId: 'r0-1',
  notes: 'rent',
  cause: { partition: 1, offset: 2 },
  at: 9,
}

const account: Balance = { account: 'ann', balance: 300, sequence: 4, transferId: 't0-0', at: 1, opened: true }

describe('the entries of a transfer', () => {
  it('sum to zero and name both sides; the initiator applies its own', () => {
    const common = {
      transferId: 't1-2',
      kind: 'payment',
      requestId: 'r0-1',
      notes: 'rent',
      commandPartition: 1,
      commandOffset: 2,
      at: 9,
    }
    expect(entriesOf(transfer, 'payer')).toEqual({
      payer: { ...common, account: 'ann', counterparty: 'bea', amount: -300, applied: 'writer' },
      recipient: { ...common, account: 'bea', counterparty: 'ann', amount: 300, applied: 'reader' },
    })
  })

  it.each([
    ['of nothing', { amount: cents(0) }],
    ['of less than nothing', { amount: cents(-1) }],
    ['to oneself', { recipient: 'ann' }],
  ])('are never made of a transfer %s', (_, change) => {
    expect(() => entriesOf({ ...transfer, ...change }, 'payer')).toThrow()
  })

  it('are refused if they do not balance (INV-1)', () => {
    const entries = entriesOf(transfer, 'payer')
    expect(() => assertBalanced({ ...entries, recipient: { ...entries.recipient, amount: 299 } })).toThrow('sum to -1')
  })

  it('of an opening grant come from the treasury, whose side is left to its reader', () => {
    const { payer, recipient } = openingEntries('ann', { partition: 3, offset: 7, at: 9, grantCents: 50_000 })
    const alike = { transferId: 'opening:ann', kind: 'opening', commandPartition: 3, commandOffset: 7, at: 9 }
    const [ann, treasury] = [{ account: 'ann' }, { account: treasuryId }]
    expect(payer).toEqual({ ...alike, ...treasury, counterparty: 'ann', amount: -50_000, applied: 'reader' })
    expect(recipient).toEqual({ ...alike, ...ann, counterparty: treasuryId, amount: 50_000, applied: 'writer' })
  })
})

describe('an account', () => {
  const opening = { partition: 0, offset: 0, at: 1, grantCents: 50_000 }
  const entry: Entry = entriesOf(transfer, 'payer').payer

  it('counts its entries in gapless sequence and tells each in a row (INV-4)', () => {
    expect(applyEntry(account, entry)).toEqual({
      balance: { account: 'ann', balance: 0, sequence: 5, transferId: 't1-2', at: 9, opened: true },
      row: {
        account: 'ann',
        sequence: 5,
        balance: 0,
        amount: -300,
        transferId: 't1-2',
        counterparty: 'bea',
        kind: 'payment',
        at: 9,
      },
    })
    expect(applyEntry(undefined, { ...entry, amount: 1 }).balance).toMatchObject({ sequence: 1, opened: false })
  })

  it.each([
    ['below zero (INV-2)', { ...account, balance: 299 }, entry],
    ['past the safe integers', { ...account, balance: Number.MAX_SAFE_INTEGER }, { ...entry, amount: 1 }],
    ['by a fraction', account, { ...entry, amount: 0.5 }],
  ])('is never taken %s', (_, before, change) => {
    expect(() => applyEntry(before, change)).toThrow()
  })

  it('of the treasury alone may be negative', () => {
    expect(applyEntry(undefined, { ...entry, account: treasuryId }).balance.balance).toBe(-300)
  })

  it('opens once, by its own flag; system accounts never do', () => {
    expect(mustOpen(undefined, 'ann')).toBe(true)
    expect(mustOpen({ ...account, opened: false }, 'ann')).toBe(true)
    expect(mustOpen(account, 'ann')).toBe(false)
    expect(mustOpen(undefined, treasuryId)).toBe(false)
    expect(applyEntry(undefined, openingEntries('ann', opening).recipient).balance.opened).toBe(true)
    expect(applyEntry(undefined, openingEntries('ann', opening).payer).balance.opened).toBe(false)
  })
})
