import { closedRequestsKeptMs, type Entry } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import type { Located, LogCut } from '../src/index.ts'
import { verify } from '../src/index.ts'

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

/** A ledger with a payment for a request of which the log knows nothing, not even a tombstone. */
function cutTakenAt(takenAt: number): LogCut {
  return {
    partitionCount: 1,
    stableTransactions: [2],
    appliedTransactions: [2],
    countedTransactions: [0],
    countedRequests: [0],
    stableHistories: [0],
    replies: [],
    activities: [],
    activitiesFrom: 0,
    pendingTotals: { count: 0, volume: 0 },
    totals: undefined,
    average: undefined,
    balances: new Map(),
    histories: [],
    requests: new Map(),
    removedRequests: new Set(),
    transactions: [entry('ann', 'bob', -5), entry('bob', 'ann', 5)],
    setAside: [],
    takenAt,
  }
}

// Tombstones of requests are compacted away a day after they were written, 90 days after the request was closed: from then on
// every audit of a sound log told of payments for unknown requests.
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
