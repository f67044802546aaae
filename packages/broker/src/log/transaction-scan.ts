/**
 * Follows the batches of a partition in their order, and finds the transactions that they abort. It needs only the
 * batches, and the transactions that are open before the first of them: so an index can always be rebuilt from the log.
 */

import {
  baseOffsetAt,
  batchBytesAt,
  isControlAt,
  isTransactionalAt,
  lastOffsetAt,
  producerIdAt,
  recordCountAt,
} from './batch-view.ts'
import { controlRecordOf } from './log-records.ts'

export type OpenTransaction = { readonly producerId: number; readonly firstOffset: number }
/** `lastOffset` is that of the abort marker. */
export type AbortedRange = OpenTransaction & { readonly lastOffset: number }

export class TransactionScan {
  /** First offsets by producer, in log order. */
  readonly #open = new Map<number, number>()

  constructor(open: readonly OpenTransaction[] = []) {
    const inOrder = [...open].sort((a, b) => a.firstOffset - b.firstOffset)
    for (const { producerId, firstOffset } of inOrder) this.#open.set(producerId, firstOffset)
  }

  /** Applies the next batch. Returns the transaction that it aborts, if it does. @throws MalformedError for an invalid marker */
  take(bytes: Buffer, at: number): AbortedRange | undefined {
    if (!isTransactionalAt(bytes, at) || recordCountAt(bytes, at) === 0) return undefined
    const producerId = producerIdAt(bytes, at)
    const firstOffset = this.#open.get(producerId)
    if (!isControlAt(bytes, at)) {
      if (firstOffset === undefined) this.#open.set(producerId, baseOffsetAt(bytes, at))
      return undefined
    }
    this.#open.delete(producerId)
    if (firstOffset === undefined) return undefined
    const { type } = controlRecordOf(bytes.subarray(at, at + batchBytesAt(bytes, at)))
    return type === 'abort' ? { producerId, firstOffset, lastOffset: lastOffsetAt(bytes, at) } : undefined
  }

  open(): OpenTransaction[] {
    return [...this.#open].map(([producerId, firstOffset]) => ({ producerId, firstOffset }))
  }

  /** No transaction that is open now or begins at `end` or later begins before this offset. */
  floor(end: number): number {
    for (const firstOffset of this.#open.values()) return Math.min(firstOffset, end)
    return end
  }
}
