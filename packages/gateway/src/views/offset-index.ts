/**
 * The places of each group's records in a topic that keeps every record: only offsets, because the values stay in the log.
 * A row has up to `mostOfRow` ascending offsets of one group and partition (offset-row.ts). Added offsets are kept in memory until they
 * are written. Adding an offset to a row copies the row's bytes, at any number of offsets: none of them is decoded.
 */
import { keyAfter, type LocalBatch, type LocalEntry, type LocalTable } from '@streampay/local-store'
import { appended, countOf, lastOf, mostOfRow, offsetsOf, rowOf } from './offset-row.ts'
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

/** If at most this number of groups are written at once, their last rows are filled up; for more it would cost a read for each of them. */
const fewGroups = 64
/** The number of rows that one step of trimming reads. */
const trimRows = 500

export class OffsetIndex {
  readonly #table: LocalTable
  readonly #prefix: Buffer
  /** Not written yet, by partition. */
  #added: PendingOffsets[] = []

  /** @param number distinguishes the indexes of a topic */
  constructor(table: LocalTable, number: number) {
    this.#table = table
    this.#prefix = Buffer.of(rowKinds.offsets, number)
  }

  /** The memory of the offsets that are not written yet. */
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
        const begun = isFew ? this.#lastRow(group, partition) : undefined
        let from = start
        if (begun !== undefined) {
          from = Math.min(end, start + Math.max(0, mostOfRow - countOf(begun.value)))
          if (from > start) batch.put(this.#table, begun.key, appended(begun, offsets.subarray(start, from)))
        }
        this.#put(batch, { group, partition, offsets, start: from, end })
      })
    }
  }

  /** The added offsets are written, or void. */
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
    // The row that begins before `from` may extend beyond it.
    for (const { key, value } of this.#table.range({
      gte: placeKey(prefix, partition, 0),
      lt: start,
      reverse: true,
      limit: 1,
    })) {
      take(offsetsOf({ key, value }))
    }
    if (found.length >= limit) return found
    for (const { key, value } of this.#table.range({ gte: start, lt: placeKey(prefix, partition, before) })) {
      take(offsetsOf({ key, value }))
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
      for (const offset of offsetsOf({ key, value }).reverse()) {
        if (offset < from) return found.reverse()
        if (offset < before && found.length < limit) found.push(offset)
      }
      if (found.length >= limit) break
    }
    return found.reverse()
  }

  /**
   * One step of deleting offsets that the log has deleted; rows that also have others stay. Returns the key to continue from, or
   * undefined at the end.
   */
  trim(batch: LocalBatch, logStarts: readonly number[], from: Buffer = this.#prefix): Buffer | undefined {
    const end = Buffer.of(rowKinds.offsets, (this.#prefix[1] ?? 0) + 1)
    let last: Buffer | undefined
    for (const { key, value } of this.#table.range({ gte: from, lt: end, limit: trimRows })) {
      const { partition } = placeOf(key)
      // All further offsets in this partition of the group are newer.
      if (lastOf({ key, value }) >= (logStarts[partition] ?? 0))
        return placeKey(key.subarray(0, -placeBytes), partition + 1, 0)
      batch.delete(this.#table, key)
      last = key
    }
    return last === undefined ? undefined : keyAfter(last)
  }

  #put(batch: LocalBatch, { group, partition, offsets, start, end }: GroupOffsets): void {
    for (let at = start; at < end; at += mostOfRow) {
      const key = textPlaceKey(this.#prefix, group, { partition, offset: offsets[at] ?? 0 })
      batch.put(this.#table, key, rowOf(offsets.subarray(at, Math.min(end, at + mostOfRow))))
    }
  }

  #lastRow(group: string, partition: number): LocalEntry | undefined {
    const prefix = this.#groupPrefix(group)
    const range = {
      gte: placeKey(prefix, partition, 0),
      lt: placeKey(prefix, partition + 1, 0),
      reverse: true,
      limit: 1,
    }
    for (const row of this.#table.range(range)) return row
    return undefined
  }

  #groupPrefix(group: string): Buffer {
    return Buffer.concat([this.#prefix, idOf(group)])
  }
}
