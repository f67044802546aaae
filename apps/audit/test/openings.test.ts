import { type Entry, openingEntries, treasuryId } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { type Located, type LogCut, verify } from '../src/index.ts'
import { emptyCut } from './support/cut.ts'

function opening(account: string, grantCents: number, offset: number): Located<Entry>[] {
  const { payer, recipient } = openingEntries(account, { partition: 0, offset, at: 1, grantCents })
  return [payer, recipient].map((value, index) => {
    return { topic: 'transactions', partition: 0, offset: offset * 2 + index, timestamp: 1, key: value.account, value }
  })
}

/** The audit's findings for these openings, without accounts and their histories. */
function findingsOf(transactions: readonly Located<Entry>[]): string[] {
  const cut: LogCut = { ...emptyCut, stableTransactions: [1_000], transactions, takenAt: 1 }
  const ofTransfers = verify(cut).filter(({ message }) => !message.includes('never applied'))
  return ofTransfers.map(({ invariant, message }) => `${invariant} ${message}`)
}

describe('an opening', () => {
  // Every account that had opened before the grant was changed was reported.
  it('is sound with any grant, since the setting may have been another one then', () => {
    expect(findingsOf([...opening('ann', 50_000, 0), ...opening('bea', 1, 1), ...opening('cleo', 75_000, 2)])).toEqual(
      [],
    )
  })

  it('is correct once for each account', () => {
    expect(findingsOf([...opening('ann', 5, 0), ...opening('ann', 5, 1)]).join()).toContain(
      'INV-3 ann was opened twice',
    )
  })

  it.each<[string, (entry: Entry) => Entry, string]>([
    [
      'takes money from the account',
      (entry) => ({ ...entry, amount: -entry.amount }),
      'INV-1 the opening grant of ann is -5',
    ],
    [
      'does not come from the treasury',
      (entry) => ({
        ...entry,
        account: entry.account === treasuryId ? 'eve' : entry.account,
        counterparty: entry.counterparty === treasuryId ? 'eve' : entry.counterparty,
      }),
      "the opening grant of ann is not the treasury's debit",
    ],
  ])('is a violation if it %s', (_, alter, finding) => {
    const altered = opening('ann', 5, 0).map((located) => ({ ...located, value: alter(located.value) }))
    expect(findingsOf(altered).join('; ')).toContain(finding)
  })
})
