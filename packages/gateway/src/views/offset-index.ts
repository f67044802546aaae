/**
 * Where the records of each group are in a topic that keeps every record: only offsets, since the values stay in the log.
 * A row holds up to `mostOfRow` ascending offsets of one group and partition: its key the first, its value the gaps to the
 * next ones (LEB128). What is added is kept in memory until it is written.
 */
import { keyAfter, type LocalBatch, type LocalTable } from '@streampay/local-store'
import { PendingOffsets } from './pending-offsets.ts'
import { idOf, placeBytes, placeKey, placeOf, rowKinds, textPlaceKey } from './row-keys.ts'

/** The offsets of one group in one partition, ascending. */
export type PartitionOffsets = { readonly partition: number; readonly offsets: Float64Array }

type GroupOffsets = {
  readonly group: string
  readonly partition: number
  readonly offsets: Float64Array
  readonly start: number
  readonly end: number
}

export type OffsetRange = {
  readonly partition: number
  readonly from: number
  readonly before: number
  readonly limit: number
}

const mostOfRow = 512
/** Where so few groups are written at once, their last rows are filled up; else that would be a read for each of them. */
const fewGroups = 64
/** Rows that one step of trimming looks at. */
const trimRows = 500

export class OffsetIndex {
  readonly #table: LocalTable
  readonly #prefix: Buffer
  /** Not written yet, by partition. */
  #added: PendingOffsets[] = []

  /** @param number tells the indexes of a topic apart */
  constructor(table: LocalTable, number: number) {
    this.#table = table
    this.#prefix = Buffer.of(rowKinds.offsets, number)
  }

  /** Of what is not written yet. */
  get pendingBytes(): number {
    return this.#added.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Offsets of a partition come in ascending order. */
  add(group: string, partition: number, offset: number): void {
    let added = this.#added[partition]
    if (added === undefined) {
      added = new PendingOffsets()
      this.#added[partition] = added
    }
    added.add(group, offset)
  }

  write(batch: LocalBatch): void {
    for (const [partition, added] of this.#added.entries()) {
      if (added === undefined) continue
      const isFew = added.groupCount <= fewGroups
      added.visit((group, offsets, start, end) => {
        const begun = isFew ? this.#lastRow(group, partition) : none
        if (begun.length === 0 || begun.length >= mostOfRow) {
          this.#put(batch, { group, partition, offsets, start, end })
          return
        }
        // There may be half a million of one group: too many for arguments.
        const all = new Float64Array(begun.length + end - start)
        all.set(begun)
        all.set(offsets.subarray(start, end), begun.length)
        this.#put(batch, { group, partition, offsets: all, start: 0, end: all.length })
      })
    }
  }

  /** What was added is written, or void. */
  settle(): void {
    this.#added = []
  }

  /** In [from, before), ascending, the first `limit`. */
  first(group: string, { partition, from, before, limit }: OffsetRange): number[] {
    const prefix = this.#groupPrefix(group)
    const found: number[] = []
    const take = (offsets: readonly number[]) => {
      for (const offset of offsets) if (offset >= from && offset < before && found.length < limit) found.push(offset)
    }
    const start = placeKey(prefix, partition, from)
    // The row that begins before `from` may reach beyond it.
    for (const { key, value } of this.#table.range({
      gte: placeKey(prefix, partition, 0),
      lt: start,
      reverse: true,
      limit: 1,
    })) {
      take(offsetsOf(key, value))
    }
    if (found.length >= limit) return found
    for (const { key, value } of this.#table.range({ gte: start, lt: placeKey(prefix, partition, before) })) {
      take(offsetsOf(key, value))
      if (found.length >= limit) break
    }
    return found
  }

  /** In [from, before), ascending, the last `limit`. */
  last(group: string, { partition, from, before, limit }: OffsetRange): number[] {
    const prefix = this.#groupPrefix(group)
    const found: number[] = []
    for (const { key, value } of this.#table.range({
      gte: placeKey(prefix, partition, 0),
      lt: placeKey(prefix, partition, before),
      reverse: true,
    })) {
      for (const offset of offsetsOf(key, value).reverse()) {
        if (offset < from) return found.reverse()
        if (offset < before && found.length < limit) found.push(offset)
      }
      if (found.length >= limit) break
    }
    return found.reverse()
  }

  /**
   * One step of dropping what the log has deleted; rows that hold something else, too, stay. The key to go on from, or undefined
   * when it is through.
   */
  trim(batch: LocalBatch, logStarts: readonly number[], from: Buffer = this.#prefix): Buffer | undefined {
    const end = Buffer.of(rowKinds.offsets, (this.#prefix[1] ?? 0) + 1)
    let last: Buffer | undefined
    for (const { key, value } of this.#table.range({ gte: from, lt: end, limit: trimRows })) {
      const { partition } = placeOf(key)
      const newest = offsetsOf(key, value).at(-1) ?? 0
      // Whatever follows in this partition of the group is newer.
      if (newest >= (logStarts[partition] ?? 0)) return placeKey(key.subarray(0, -placeBytes), partition + 1, 0)
      batch.delete(this.#table, key)
      last = key
    }
    return last === undefined ? undefined : keyAfter(last)
  }

  #put(batch: LocalBatch, { group, partition, offsets, start, end }: GroupOffsets): void {
    for (let at = start; at < end; at += mostOfRow) {
      const key = textPlaceKey(this.#prefix, group, { partition, offset: offsets[at] ?? 0 })
      batch.put(this.#table, key, gapsOf(offsets, at, Math.min(end, at + mostOfRow)))
    }
  }

  #lastRow(group: string, partition: number): readonly number[] {
    const prefix = this.#groupPrefix(group)
    const range = {
      gte: placeKey(prefix, partition, 0),
      lt: placeKey(prefix, partition + 1, 0),
      reverse: true,
      limit: 1,
    }
    for (const { key, value } of this.#table.range(range)) return offsetsOf(key, value)
    return none
  }

  #groupPrefix(group: string): Buffer {
    return Buffer.concat([this.#prefix, idOf(group)])
  }
}

const none: readonly number[] = []
const noBytes = Buffer.alloc(0)
/** A gap has 53 bits at most. */
const gapBuffer = Buffer.alloc(mostOfRow * 8)

/** Of the offsets from `start` to before `end`. */
function gapsOf(offsets: Float64Array, start: number, end: number): Buffer {
  let length = 0
  for (let at = start + 1; at < end; at++) {
    let gap = (offsets[at] ?? 0) - (offsets[at - 1] ?? 0)
    while (gap >= 0x80) {
      gapBuffer[length++] = (gap % 0x80) | 0x80
      gap = Math.floor(gap / 0x80)
    }
    gapBuffer[length++] = gap
  }
  return length === 0 ? noBytes : Buffer.from(gapBuffer.subarray(0, length))
}

function offsetsOf(key: Buffer, gaps: Buffer): number[] {
  let { offset } = placeOf(key)
  const offsets = [offset]
  let gap = 0
  let unit = 1
  for (const byte of gaps) {
    gap += (byte & 0x7f) * unit
    unit *= 0x80
    if (byte >= 0x80) continue
    offset += gap
    offsets.push(offset)
    gap = 0
    unit = 1
  }
  return offsets
}
