/**
 * INV-7 for totals, without adding up the ledger from its start. The sum of the payments before the beginning is not known, but each look
 * bounds it: the totals are at least what statistics had surely added, and at most what the ledger has. The bounds of all looks must leave
 * at least one possible sum; on a quiet log they leave exactly one.
 */
import type { Entry, TotalTransactions } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type Marks, type Offsets } from '../cut.ts'
import { isCounted } from '../ledger-figures.ts'

type Bounds = { least: number; most: number }

const figures = ['count', 'volume'] as const

export class TotalsCheck {
  readonly #from: Offsets
  /** The bounds of the sum before the beginning, as far as they are known. */
  readonly #before: Readonly<Record<(typeof figures)[number], Bounds>>
  /** Payments since, and those of them that statistics may not have read yet. */
  readonly #since = { count: 0, volume: 0 }
  #uncounted: Located<Entry>[] = []

  /** @param from where the ledger is read from, by partition */
  constructor(from: Offsets) {
    this.#from = from
    // Before the first entry of a ledger the sum is zero.
    const most = from.every((offset) => offset === 0) ? 0 : Number.MAX_SAFE_INTEGER
    this.#before = { count: { least: 0, most }, volume: { least: 0, most } }
  }

  add(entry: Located<Entry>): void {
    if (!isCounted(entry)) return
    this.#since.count += 1
    this.#since.volume -= entry.value.amount
    this.#uncounted.push(entry)
  }

  /** @param totals the newest, read after the marks and before the ledger */
  *judge(marks: Marks, totals: Located<TotalTransactions> | undefined): Iterable<Finding> {
    const { countedTransactions, pendingTotals } = marks
    this.#uncounted = this.#uncounted.filter((entry) => !isBelow(entry, countedTransactions))
    // Statistics that have not reached the beginning say nothing about later payments.
    if (totals === undefined || this.#from.some((from, partition) => (countedTransactions[partition] ?? 0) < from))
      return
    const waiting = {
      count: this.#uncounted.length,
      volume: this.#uncounted.reduce((sum, { value }) => sum - value.amount, 0),
    }
    for (const figure of figures) {
      const told = totals.value[figure]
      const before = this.#before[figure]
      const least = told - this.#since[figure]
      const most = told - (this.#since[figure] - waiting[figure] - pendingTotals[figure])
      if (least <= before.most && most >= before.least) {
        before.least = Math.max(before.least, least)
        before.most = Math.min(before.most, most)
        continue
      }
      const message = `total ${figure} is ${told}, which does not fit the payments since then`
      yield { invariant: 'INV-7', message, record: coordinates(totals) }
      // Reported once; the next look begins anew.
      before.least = least
      before.most = most
    }
  }
}
