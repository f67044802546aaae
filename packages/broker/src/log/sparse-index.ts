/**
 * Where to begin reading in a segment: one entry for about every `index.interval.bytes`, in memory. It is filled as
 * batches are appended, and rebuilt by a scan of the headers when an older segment is first read; a file of its own
 * would only be one more thing that can be torn or stale.
 */
export class SparseIndex {
  readonly #offsets: number[] = []
  readonly #positions: number[] = []
  /** The largest timestamp of all batches before the entry's. */
  readonly #timestampsBefore: number[] = []
  readonly #intervalBytes: number
  #maxTimestamp = -1

  constructor(intervalBytes: number) {
    this.#intervalBytes = Math.max(intervalBytes, 1)
  }

  /** Must be called for every batch, in order. */
  add(batch: { readonly baseOffset: number; readonly position: number; readonly maxTimestamp: number }): void {
    const last = this.#positions.at(-1)
    if (last === undefined || batch.position - last >= this.#intervalBytes) {
      this.#offsets.push(batch.baseOffset)
      this.#positions.push(batch.position)
      this.#timestampsBefore.push(this.#maxTimestamp)
    }
    if (batch.maxTimestamp > this.#maxTimestamp) this.#maxTimestamp = batch.maxTimestamp
  }

  /** A position at or before the batch that holds the offset, or, if none does, the first batch after it. */
  positionForOffset(offset: number): number {
    return this.#positions[lastAtMost(this.#offsets, offset)] ?? 0
  }

  /** A position at or before the first batch with a record at or after the time. */
  positionForTimestamp(timestamp: number): number {
    return this.#positions[lastAtMost(this.#timestampsBefore, timestamp - 1)] ?? 0
  }
}

/** The index of the last of the ascending numbers that is at most `limit`, or -1. */
export function lastAtMost(ascending: readonly number[], limit: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low - 1
}
