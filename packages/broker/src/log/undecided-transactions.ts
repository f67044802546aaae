/**
 * The transactions of a partition for which readers must wait: a transaction counts as open until its marker is durable, not
 * only written. Otherwise the last stable offset would pass it, and a crash could undo the end of a transaction that a
 * consumer has already seen.
 */

import type { OpenTransaction } from './transaction-scan.ts'

export class UndecidedTransactions {
  /** In log order, because transactions are added as they begin. */
  readonly #open: OpenTransaction[]

  constructor(open: readonly OpenTransaction[]) {
    this.#open = [...open].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  begin(producerId: number, firstOffset: number): void {
    this.#open.push({ producerId, firstOffset })
  }

  /** Call it when the marker is durable. */
  end(transaction: OpenTransaction): void {
    const index = this.#open.findIndex(
      (open) => open.producerId === transaction.producerId && open.firstOffset === transaction.firstOffset,
    )
    if (index !== -1) this.#open.splice(index, 1)
  }

  lastStableOffset(highWatermark: number): number {
    return Math.min(this.#open[0]?.firstOffset ?? highWatermark, highWatermark)
  }
}
