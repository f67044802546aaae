import type { LogCut } from '../../src/index.ts'

/** An empty cut of one partition; a test adds the records that it needs. */
export const emptyCut: LogCut = {
  partitionCount: 1,
  stableTransactions: [0],
  appliedTransactions: [0],
  countedTransactions: [0],
  countedRequests: [0],
  foldedHistories: [0],
  stableHistories: [0],
  replies: [],
  activities: [],
  activitiesFrom: 0,
  pendingTotals: { count: 0, volume: 0 },
  totals: undefined,
  average: undefined,
  balances: new Map(),
  statements: new Map(),
  statementPeople: new Map(),
  histories: [],
  requests: new Map(),
  removedRequests: new Set(),
  transactions: [],
  setAside: [],
  takenAt: 0,
}
