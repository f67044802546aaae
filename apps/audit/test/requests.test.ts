import { closedRequestsKeptMs, type Entry } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import type { Located, LogCut } from '../src/index.ts'
import { verify } from '../src/index.ts'
import { emptyCut } from './support/cut.ts'

const paidAt = Date.UTC(2026, 0, 1)

function entry(account: string, counterparty: string, amount: number): Located<Entry> {
  return {
    topic: 'transactions',
    partition: 0,
    offset: amount < 0 ? 0 : 1,
    timestamp: paidAt,
    key: account,
    value: {
      transferId: 't0-7',
      account,
      counterparty,
      amount,
      kind: 'payment',
      requestId: 'r0-3',
      commandPartition: 0,
      commandOffset: 7,
      applied: amount < 0 ? 'writer' : 'reader',
      at: paidAt,
    },
  }
}

/** A ledger with a payment for a request of which the log has no record, not even a tombstone. */
function cutTakenAt(takenAt: number): LogCut {
  return {
    ...emptyCut,
    stableTransactions: [2],
    appliedTransactions: [2],
    transactions: [entry('ann', 'bob', -5), entry('bob', 'ann', 5)],
    takenAt,
  }
}

// Tombstones of requests are compacted away a day after they were written, 90 days after the request was closed: from then on every audit
// of a correct log reported payments for unknown requests.
describe('a payment for a request of which nothing is on the log', () => {
  it.each([
    {
      name: 'is a violation while the request must still be there',
      takenAt: paidAt + closedRequestsKeptMs - 1,
      count: 1,
    },
    { name: 'is sound once the request may be forgotten', takenAt: paidAt + closedRequestsKeptMs, count: 0 },
  ])('$name', ({ takenAt, count }) => {
    const findings = verify(cutTakenAt(takenAt)).filter(({ invariant }) => invariant === 'INV-5')
    expect(findings).toHaveLength(count)
  })
})
