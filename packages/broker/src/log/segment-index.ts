/**
 * Finds places in a segment without reading it: the positions of batches, one entry for about every `index.interval.bytes`,
 * and the transactions that end in it with an abort. Both are plain numbers (20 and 32 bytes each), found by binary search.
 *
 * It covers a range of the segment from the first added batch on, and is filled in the order of the log.
 */

import { lastAtMost } from './ascending.ts'
import { baseOffsetAt, lastOffsetAt, maxTimestampAt } from './batch-view.ts'
import type { AbortedRange, OpenTransaction, TransactionScan } from './transaction-scan.ts'

export type IndexEntry = { readonly offset: number; readonly position: number }

/** One aborted transaction; no transaction that is aborted later begins before `floor`. */
type Aborted = AbortedRange & { readonly floor: number }

export class SegmentIndex {
  readonly #offsets = new Numbers(Float64Array)
  readonly #positions = new Numbers(Uint32Array)
  /** The largest timestamp of all batches of the segment before the entry's. */
  readonly #timestampsBefore = new Numbers(Float64Array)
  /** The fields of the aborted transactions, in the order of their markers. */
  readonly #producers = new Numbers(Float64Array)
  readonly #firsts = new Numbers(Float64Array)
  readonly #lasts = new Numbers(Float64Array)
  readonly #floors = new Numbers(Float64Array)
  readonly #intervalBytes: number
  /** The largest timestamp of the segment up to the end of the covered range, also of batches before it. */
  #maxTimestamp: number
  #open: readonly OpenTransaction[] = []
  #endOffset = 0

  constructor(intervalBytes: number, maxTimestamp = -1) {
    this.#intervalBytes = Math.max(intervalBytes, 1)
    this.#maxTimestamp = maxTimestamp
  }

  /** Must be called for every batch, in order; `scan` has read all batches before it. */
  add(bytes: Buffer, at: number, place: { readonly position: number; readonly scan: TransactionScan }): void {
    const last = this.#positions.last()
    if (last === undefined || place.position - last >= this.#intervalBytes) {
      this.addEntry({ offset: baseOffsetAt(bytes, at), position: place.position }, this.#maxTimestamp)
    }
    this.#maxTimestamp = Math.max(this.#maxTimestamp, maxTimestampAt(bytes, at))
    this.#endOffset = lastOffsetAt(bytes, at) + 1
    const aborted = place.scan.take(bytes, at)
    if (aborted) this.addAborted({ ...aborted, floor: place.scan.floor(this.#endOffset) })
  }

  addEntry({ offset, position }: IndexEntry, timestampBefore: number): void {
    this.#offsets.push(offset)
    this.#positions.push(position)
    this.#timestampsBefore.push(timestampBefore)
  }

  addAborted({ producerId, firstOffset, lastOffset, floor }: Aborted): void {
    this.#producers.push(producerId)
    this.#firsts.push(firstOffset)
    this.#lasts.push(lastOffset)
    this.#floors.push(floor)
  }

  /** Sets the state at the end of the range. */
  endAt(end: { open: readonly OpenTransaction[]; endOffset?: number; maxTimestamp?: number }): void {
    this.#open = end.open
    this.#endOffset = end.endOffset ?? this.#endOffset
    this.#maxTimestamp = end.maxTimestamp ?? this.#maxTimestamp
  }

  /** The transactions that are open at its end, as set by `endAt`. */
  get open(): readonly OpenTransaction[] {
    return this.#open
  }

  /** The position behind the last added batch. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** No transaction that is aborted after the range begins before this offset. */
  get floor(): number {
    return Math.min(this.#endOffset, ...this.#open.map(({ firstOffset }) => firstOffset))
  }

  /** The entries after the first ones, whose number is given. */
  after(first: { readonly entries: number; readonly aborted: number }): SegmentIndex {
    const rest = new SegmentIndex(this.#intervalBytes, this.#maxTimestamp)
    for (let at = first.entries; at < this.entryCount; at++) {
      const { timestampBefore, ...entry } = this.entry(at)
      rest.addEntry(entry, timestampBefore)
    }
    for (let at = first.aborted; at < this.abortedCount; at++) rest.addAborted(this.aborted(at))
    rest.endAt({ open: this.#open, endOffset: this.#endOffset })
    return rest
  }

  get entryCount(): number {
    return this.#offsets.count
  }

  get abortedCount(): number {
    return this.#lasts.count
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** The size in memory. */
  get bytes(): number {
    return this.entryCount * 20 + this.abortedCount * 32 + this.open.length * 16
  }

  /** The marker of the last aborted transaction, or -1. */
  get lastAborted(): number {
    return this.#lasts.last() ?? -1
  }

  get lastPosition(): number {
    return this.#positions.last() ?? 0
  }

  entry(index: number): IndexEntry & { readonly timestampBefore: number } {
    const timestampBefore = this.#timestampsBefore.at(index)
    return { offset: this.#offsets.at(index), position: this.#positions.at(index), timestampBefore }
  }

  aborted(index: number): Aborted {
    return {
      producerId: this.#producers.at(index),
      firstOffset: this.#firsts.at(index),
      lastOffset: this.#lasts.at(index),
      floor: this.#floors.at(index),
    }
  }

  /** The last entry at or before the batch that holds the offset, or, if none does, the first batch after it. */
  entryForOffset(offset: number): IndexEntry | undefined {
    return this.#entryAt(this.#offsets.lastAtMost(offset))
  }

  /** The last entry at or before the first batch with a record at or after the time. */
  entryForTimestamp(timestamp: number): IndexEntry | undefined {
    return this.#entryAt(this.#timestampsBefore.lastAtMost(timestamp - 1))
  }

  /**
   * Adds those that end here at or after `from`, and begin before `to`, to `found`.
   * @returns whether none that is aborted later can begin before `to`
   */
  findAborted(from: number, to: number, found: AbortedRange[]): boolean {
    for (let index = this.#lasts.lastAtMost(from - 1) + 1; index < this.abortedCount; index++) {
      const { floor, ...range } = this.aborted(index)
      if (range.firstOffset < to) found.push(range)
      if (floor >= to) return true
    }
    return false
  }

  #entryAt(index: number): IndexEntry | undefined {
    return index < 0 ? undefined : { offset: this.#offsets.at(index), position: this.#positions.at(index) }
  }
}

/** An array of plain numbers that grows. */
class Numbers {
  readonly #kind: Float64ArrayConstructor | Uint32ArrayConstructor
  #values: Float64Array | Uint32Array
  count = 0

  constructor(kind: Float64ArrayConstructor | Uint32ArrayConstructor) {
    this.#kind = kind
    this.#values = new kind(4)
  }

  push(value: number): void {
    if (this.count === this.#values.length) {
      const larger = new this.#kind(this.count * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.count++] = value
  }

  at(index: number): number {
    return this.#values[index] ?? 0
  }

  last(): number | undefined {
    return this.count === 0 ? undefined : this.#values[this.count - 1]
  }

  lastAtMost(limit: number): number {
    return lastAtMost(this.#values, limit, this.count)
  }
}
