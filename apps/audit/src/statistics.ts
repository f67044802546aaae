/** INV-7: totals equal the fold of the public payments. */
import { type AverageTransactions, meanOf, type TotalTransactions } from '@streampay/domain'
import { coordinates, type Finding, type Located, type Marks } from './cut.ts'
import type { LedgerFigures } from './ledger-figures.ts'

export type Statistics = {
  readonly totals: Located<TotalTransactions> | undefined
  readonly average: Located<AverageTransactions> | undefined
}

export function* verifyStatistics(marks: Marks, figures: LedgerFigures, statistics: Statistics): Iterable<Finding> {
  yield* verifyTotals(marks, figures, statistics)
  yield* verifyAverage(statistics)
}

/**
 * While payments are made, the totals trail the ledger, so they lie between what statistics had surely added and what
 * the ledger has. On a quiet log both are the same number and the comparison is exact.
 */
function* verifyTotals({ pendingTotals }: Marks, figures: LedgerFigures, { totals }: Statistics): Iterable<Finding> {
  const atMost = figures.payments
  const { count, volume } = figures.counted
  const atLeast = { count: count - pendingTotals.count, volume: volume - pendingTotals.volume }
  const told = totals?.value ?? { count: 0, volume: 0 }
  for (const figure of ['count', 'volume'] as const) {
    if (told[figure] >= atLeast[figure] && told[figure] <= atMost[figure]) continue
    const expected =
      atLeast[figure] === atMost[figure] ? `${atMost[figure]}` : `${atLeast[figure]} to ${atMost[figure]}`
    yield {
      invariant: 'INV-7',
      message: `total ${figure} is ${told[figure]}; by the ledger it is ${expected}`,
      ...(totals === undefined ? {} : { record: coordinates(totals) }),
    }
  }
}

/** The average is that of the totals, where both are of the same payments. */
export function* verifyAverage({ totals, average }: Statistics): Iterable<Finding> {
  if (totals === undefined || average === undefined || totals.value.count !== average.value.count) return
  const mean = meanOf(totals.value)
  if (average.value.mean !== mean) {
    yield {
      invariant: 'INV-7',
      message: `the average is ${average.value.mean}; ${totals.value.volume} over ${totals.value.count} makes ${mean}`,
      record: coordinates(average),
    }
  }
}
