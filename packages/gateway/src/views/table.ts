/**
 * The newest record of each key of a compacted topic, grouped by owner as its views need it. Rows:
 *
 *     record:  key                       → the record
 *     group:   group, partition, offset  → the key, or that it has left the group
 *     leaving: time, …                   → which of them to delete, `delete.retention.ms` after that time
 *
 * A group is in log order, so that its newest records, and those after a position, are ranges. A record whose group is its
 * key is in the group by its own row alone. Tombstones, and records that went to another owner, are kept for
 * `delete.retention.ms`, so that a reconnecting stream still learns which keys are gone.
 */
import type { LocalBatch, LocalTable } from '@streampay/local-store'
import type { Owner } from '../definition/definition.ts'
import { everything } from './access.ts'
import { PendingRows } from './pending-rows.ts'
import { decodeRecord, encodeRecord, type RowShape, type StoredRecord } from './record-row.ts'
import { idOf, placeKey, placeOf, rowKinds } from './row-keys.ts'
import { inLogOrder, isPast, ownerName, ownerOf, type ViewRecord } from './view-record.ts'

/** The change of a record for one group; `before` is the group's record under this key before the change. */
export type Transition = {
  /** `ownerName` of the grouping; undefined for the table as a whole. */
  readonly grouping: string | undefined
  readonly group: string
  readonly before: ViewRecord | undefined
  readonly after: ViewRecord
}

export type TableOptions = {
  readonly owners: readonly Owner[]
  /** Whether there is also a list of all records. */
  readonly listsAll: boolean
  /** The headers that are stored. */
  readonly headerNames: readonly string[]
}

/** A list of one group in one partition. */
export type GroupRange = {
  readonly grouping: string | undefined
  readonly group: string
  readonly partition: number
  readonly from: number
  readonly before: number
  readonly limit: number
}

type Grouping = { readonly name: string | undefined; readonly of: (record: ViewRecord) => string | undefined }

/** The approximate memory of an unwritten row beside its texts. */
const overheadBytes = 300
/** The number of rows that one step of a sweep reads. */
const sweepRows = 1_000

export class Table {
  readonly #table: LocalTable
  readonly #groupings: readonly Grouping[]
  readonly #shape: RowShape
  /** Records that are not written yet. */
  readonly #records = new Map<string, StoredRecord>()
  #recordBytes = 0
  /** The rows beside them. */
  readonly #rows = new PendingRows()

  constructor(table: LocalTable, { owners, listsAll, headerNames }: TableOptions) {
    const ofOwners = owners.map(
      (owner): Grouping => ({ name: ownerName(owner), of: (record) => ownerOf(record, owner) }),
    )
    this.#table = table
    this.#groupings = listsAll ? [...ofOwners, { name: undefined, of: () => everything }] : ofOwners
    this.#shape = { headerNames, groupsOf: (record) => this.#groupings.map(({ of }) => of(record)) }
  }

  /** The memory of the unwritten rows. */
  get pendingBytes(): number {
    return this.#recordBytes + this.#rows.bytes
  }

  /** Applies a record; ranges show it once it is written. */
  apply(record: ViewRecord): Transition[] {
    const before = this.#stored(record.key)
    const groups = this.#groupings.map(({ of }, index) => {
      // A tombstone need not name the owner of its record.
      return of(record) ?? (record.value === null ? before?.groups[index] : undefined)
    })
    const transitions: Transition[] = [{ grouping: undefined, group: everything, before, after: record }]
    for (const [index, { name }] of this.#groupings.entries()) {
      const former = before?.groups[index]
      const group = groups[index]
      if (before !== undefined && former !== undefined && former !== group && before.value !== null) {
        // For the former owner the record is gone, although it still exists. That owner does not learn its new state.
        const gone = { ...record, value: null }
        this.#drop(index, former, before)
        this.#leave(index, former, record)
        if (name !== undefined) transitions.push({ grouping: name, group: former, before, after: gone })
      }
      if (before !== undefined && former !== undefined && former === group) this.#drop(index, former, before)
      if (group === undefined) continue
      if (name !== undefined) {
        transitions.push({ grouping: name, group, before: former === group ? before : undefined, after: record })
      }
      if (group !== record.key)
        this.#put(this.#groupKey(index, group, record), memberRow(record, record.value === null))
    }
    if (record.value === null) this.#put(leavingKey(record, 0), Buffer.from(record.key))
    this.#records.set(record.key, { ...record, groups })
    this.#recordBytes += overheadBytes + record.key.length + (record.value?.length ?? 0)
    return transitions
  }

  get(key: string): ViewRecord | undefined {
    return this.#stored(key)
  }

  /** Records of a group at offsets in [from, before), those without value included, ascending, the first `limit`. */
  first(range: GroupRange): ViewRecord[] {
    return this.#read(range, false)
  }

  /** The same, the last `limit`. */
  last(range: GroupRange): ViewRecord[] {
    return this.#read(range, true).reverse()
  }

  /** The records of these keys, at or past `from` (without it all), those without value included, in log order. */
  ofKeys(keys: ReadonlySet<string>, from?: readonly number[]): ViewRecord[] {
    const records = [...keys].map((key) => this.#stored(key)).filter((record) => record !== undefined)
    return inLogOrder(records.filter((record) => isPast(record, from)))
  }

  write(batch: LocalBatch): void {
    const records = [...this.#records.values()].map((record) => ({ key: recordKey(record.key), record }))
    records.sort((a, b) => Buffer.compare(a.key, b.key))
    for (const { key, record } of records) batch.put(this.#table, key, encodeRecord(record, this.#shape))
    this.#rows.write(batch, this.#table)
  }

  /** The applied records are written, or void. */
  settle(): void {
    this.#records.clear()
    this.#recordBytes = 0
    this.#rows.settle()
  }

  /** One step of deleting records that are gone since before `time`. True if there may be more. Everything must be written. */
  sweep(batch: LocalBatch, time: number): boolean {
    let looked = 0
    const range = { gte: Buffer.of(rowKinds.leaving), lt: leavingBound(time), limit: sweepRows }
    for (const { key, value } of this.#table.range(range)) {
      looked++
      batch.delete(this.#table, key)
      if (key[key.length - 1] !== 0) {
        batch.delete(this.#table, value)
        continue
      }
      const { partition, offset } = placeOf(key.subarray(0, -1))
      const record = this.#stored(value.toString('utf8'))
      // A key that was written again is kept.
      if (record === undefined || record.offset !== offset || record.partition !== partition) continue
      batch.delete(this.#table, recordKey(record.key))
      for (const [index, group] of record.groups.entries()) {
        if (group !== undefined) batch.delete(this.#table, this.#groupKey(index, group, record))
      }
    }
    return looked === sweepRows
  }

  #stored(key: string): StoredRecord | undefined {
    const pending = this.#records.get(key)
    if (pending !== undefined) return pending
    const row = this.#table.get(recordKey(key))
    return row === undefined ? undefined : decodeRecord(row, key, this.#shape)
  }

  #read({ grouping, group, partition, from, before, limit }: GroupRange, reverse: boolean): ViewRecord[] {
    const index = this.#groupings.findIndex(({ name }) => name === grouping)
    if (index === -1) throw new TypeError(`The table has no groups by ${grouping ?? 'all'}`)
    const prefix = this.#groupPrefix(index, group)
    const found: ViewRecord[] = []
    const range = { gte: placeKey(prefix, partition, from), lt: placeKey(prefix, partition, before), reverse, limit }
    for (const { key, value } of this.#table.range(range)) {
      const record = this.#member(key, value)
      if (record !== undefined) found.push(record)
    }
    const own = this.#stored(group)
    if (own?.groups[index] !== group || own.partition !== partition) return found
    if (own.offset < from || own.offset >= before) return found
    // The record that is in the group by its own row, at its place.
    const isAfter = ({ offset }: ViewRecord) => (reverse ? offset < own.offset : offset > own.offset)
    const at = found.findIndex(isAfter)
    return found.toSpliced(at === -1 ? found.length : at, 0, own).slice(0, limit)
  }

  #member(rowKey: Buffer, row: Buffer): ViewRecord | undefined {
    const key = row.toString('utf8', memberBytes)
    const record = this.#stored(key)
    const { partition, offset } = placeOf(rowKey)
    if (row[0] === isGone) return { partition, offset, timestamp: row.readUIntBE(1, 6), key, value: null, headers: {} }
    return record?.offset === offset && record.partition === partition ? record : undefined
  }

  #put(key: Buffer, row: Buffer): void {
    this.#rows.set(key, row, overheadBytes)
  }

  /** The row of a group whose record has moved on. */
  #drop(index: number, group: string, record: ViewRecord): void {
    if (group === record.key) return
    const key = this.#groupKey(index, group, record)
    // A row that was added since the last write is not on the disk yet.
    if (!this.#rows.forget(key)) this.#rows.set(key, null, overheadBytes)
  }

  /** From here on the record is no longer in the group. */
  #leave(index: number, group: string, record: ViewRecord): void {
    const key = this.#groupKey(index, group, record)
    this.#put(key, memberRow(record, true))
    this.#put(leavingKey(record, index + 1), key)
  }

  #groupPrefix(index: number, group: string): Buffer {
    return Buffer.concat([Buffer.of(rowKinds.group, index), idOf(group)])
  }

  #groupKey(index: number, group: string, { partition, offset }: ViewRecord): Buffer {
    return placeKey(this.#groupPrefix(index, group), partition, offset)
  }
}

const isMember = 0
const isGone = 1
/** The kind of the row, and the time. */
const memberBytes = 7

function memberRow({ key, timestamp }: ViewRecord, gone: boolean): Buffer {
  const row = Buffer.concat([Buffer.alloc(memberBytes), Buffer.from(key)])
  row[0] = gone ? isGone : isMember
  row.writeUIntBE(Math.max(0, timestamp), 1, 6)
  return row
}

function recordKey(key: string): Buffer {
  return Buffer.concat([Buffer.of(rowKinds.record), idOf(key)])
}

/** `number`: 0 for the record itself, otherwise the number of the grouping, from 1. */
function leavingKey({ timestamp, partition, offset }: ViewRecord, number: number): Buffer {
  return Buffer.concat([placeKey(leavingBound(timestamp), partition, offset), Buffer.of(number)])
}

function leavingBound(time: number): Buffer {
  const bound = Buffer.alloc(7)
  bound[0] = rowKinds.leaving
  bound.writeUIntBE(Math.max(0, time), 1, 6)
  return bound
}
