/**
 * Where the records of each group are in a topic that keeps every record: 8 bytes for each, since the values stay in the
 * log. Offsets of a partition come in ascending order, as the feed reads them.
 */

/** Ascending offsets in a typed array that doubles when it is full. */
export class OffsetList {
  #offsets = new Float64Array(2)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(offset: number): void {
    if (this.#length === this.#offsets.length) {
      const larger = new Float64Array(Math.max(2, this.#length * 2))
      larger.set(this.#offsets)
      this.#offsets = larger
    }
    this.#offsets[this.#length++] = offset
  }

  /** Those in [from, before), without a copy. It stays valid and unchanged while the list grows or is trimmed. */
  between(from: number, before: number): Float64Array {
    return this.#offsets.subarray(this.#indexOf(from), this.#indexOf(before))
  }

  trim(logStart: number): void {
    const index = this.#indexOf(logStart)
    if (index === 0) return
    this.#offsets = this.#offsets.slice(index, this.#length)
    this.#length -= index
  }

  /** Of the first offset that is not below. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[middle] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The offsets of one group in one partition. */
export type PartitionOffsets = { readonly partition: number; readonly offsets: Float64Array }

export class OffsetIndex {
  readonly #groups = new Map<string, { readonly partition: number; readonly list: OffsetList }[]>()

  add(group: string, partition: number, offset: number): void {
    let lists = this.#groups.get(group)
    if (lists === undefined) {
      lists = []
      this.#groups.set(group, lists)
    }
    let entry = lists.find((candidate) => candidate.partition === partition)
    if (entry === undefined) {
      entry = { partition, list: new OffsetList() }
      lists.push(entry)
    }
    entry.list.push(offset)
  }

  /** A snapshot per partition of what lies in [from, before); bounds are indexed by partition. */
  between(group: string, from: readonly number[], before: readonly number[]): PartitionOffsets[] {
    const found: PartitionOffsets[] = []
    for (const { partition, list } of this.#groups.get(group) ?? []) {
      const offsets = list.between(from[partition] ?? 0, before[partition] ?? 0)
      if (offsets.length > 0) found.push({ partition, offsets })
    }
    return found.sort((a, b) => a.partition - b.partition)
  }

  /** Drops what the log has deleted. */
  trim(logStarts: readonly number[]): void {
    for (const [group, lists] of this.#groups) {
      for (const { partition, list } of lists) list.trim(logStarts[partition] ?? 0)
      if (lists.every(({ list }) => list.length === 0)) this.#groups.delete(group)
    }
  }

  clear(): void {
    this.#groups.clear()
  }
}
