/**
 * The transactions of a partition as readers see them: which are open, and which were aborted.
 *
 * A transaction counts as open until its marker is durable, not only written. Otherwise the last stable offset would
 * pass it, and a crash could take back the end of a transaction that a consumer has already seen.
 */

import type { AbortedTransaction } from './types.ts'

/** `lastOffset` is that of the abort marker. */
export type AbortedRange = AbortedTransaction & { readonly lastOffset: number }

export class TransactionIndex {
  /** First offsets of open transactions, in log order, since transactions are added as they begin. */
  readonly #open: { readonly producerId: number; readonly firstOffset: number }[]
  /** In order of their markers. */
  #aborted: AbortedRange[]

  constructor(open: readonly { producerId: number; firstOffset: number }[], aborted: readonly AbortedRange[]) {
    this.#open = [...open].sort((a, b) => a.firstOffset - b.firstOffset)
    this.#aborted = [...aborted]
  }

  begin(producerId: number, firstOffset: number): void {
    this.#open.push({ producerId, firstOffset })
  }

  /** When the marker is written. It shows only once the last stable offset passes it. */
  abort(range: AbortedRange): void {
    this.#aborted.push(range)
  }

  /** When the marker is durable. */
  end(transaction: { readonly producerId: number; readonly firstOffset: number }): void {
    const index = this.#open.findIndex(
      (open) => open.producerId === transaction.producerId && open.firstOffset === transaction.firstOffset,
    )
    if (index !== -1) this.#open.splice(index, 1)
  }

  lastStableOffset(highWatermark: number): number {
    return Math.min(this.#open[0]?.firstOffset ?? highWatermark, highWatermark)
  }

  /** Those with data or marker at or after `from`, that begin before `to`; ordered by first offset. */
  abortedBetween(from: number, to: number): AbortedTransaction[] {
    return this.#aborted
      .filter((range) => range.lastOffset >= from && range.firstOffset < to)
      .sort((a, b) => a.firstOffset - b.firstOffset)
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
  }

  /** Forgets what ended before the offset. */
  forgetBefore(offset: number): void {
    if (this.#aborted.some((range) => range.lastOffset < offset)) {
      this.#aborted = this.#aborted.filter((range) => range.lastOffset >= offset)
    }
  }

  /** After compaction removed their data and markers. */
  forget(markers: ReadonlySet<number>): void {
    this.#aborted = this.#aborted.filter((range) => !markers.has(range.lastOffset))
  }

  aborted(): AbortedRange[] {
    return [...this.#aborted]
  }
}
