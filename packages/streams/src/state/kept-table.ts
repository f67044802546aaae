/**
 * The entries of one store or global table in the local store, as bytes. If the entries of a store expire, a second
 * table lists them by time, so that the oldest are found without reading the others:
 *
 *     <name>         key                 → [time (6), if it expires], [length (4) and key, if the key is long], value
 *     <name>.times   time (6 bytes), key → nothing
 *
 * An entry that is written again leaves the row of its old time: when that row is due, the entry has a later time and stays.
 */
import { createHash } from 'node:crypto'
import { type LocalBatch, type LocalStore, type LocalTable, maxKeyBytes } from '@streampay/local-store'

export type KeptEntry = { readonly key: Buffer; readonly value: Buffer; readonly timestamp: number }

const timeBytes = 6
const latest = 2 ** 48 - 1
const digestBytes = 32
const lengthBytes = 4
/** A long key is replaced by one whose length no other key has; with a time before it, it still fits. */
const longBytes = maxKeyBytes - timeBytes
const nothing = Buffer.alloc(0)

export class KeptTable {
  readonly name: string
  readonly #entries: LocalTable
  /** Undefined: entries don't expire. */
  readonly #times: LocalTable | undefined

  constructor(store: LocalStore, { name, expires }: { readonly name: string; readonly expires: boolean }) {
    this.name = name
    this.#entries = store.table(name)
    this.#times = expires ? store.table(timesOf(name)) : undefined
  }

  /** The number of entries that are on the disk, expired ones included. */
  get count(): number {
    return this.#entries.count()
  }

  get(key: Buffer): KeptEntry | undefined {
    const row = this.#entries.get(rowKey(key))
    return row === undefined ? undefined : this.#entryOf(key, row)
  }

  /** In key order, as `KeyValueStore.range`. */
  *range(range: { readonly gte?: Buffer; readonly lt?: Buffer; readonly reverse?: boolean }): Generator<KeptEntry> {
    const gte = range.gte && rowKey(range.gte)
    const lt = range.lt && rowKey(range.lt)
    for (const { key, value } of this.#entries.range({ gte, lt, reverse: range.reverse })) {
      yield this.#entryOf(key, value)
    }
  }

  put(batch: LocalBatch, { key, value, timestamp }: KeptEntry): void {
    const row = rowKey(key)
    const time = this.#times === undefined ? nothing : timeOf(timestamp)
    const long = row.length === longBytes ? withLength(key) : nothing
    const isBare = time === nothing && long === nothing
    batch.put(this.#entries, row, isBare ? value : Buffer.concat([time, long, value]))
    if (this.#times !== undefined) batch.put(this.#times, Buffer.concat([time, row]), nothing)
  }

  delete(batch: LocalBatch, key: Buffer): void {
    batch.delete(this.#entries, rowKey(key))
  }

  clear(batch: LocalBatch): void {
    batch.deleteRange(this.#entries)
    if (this.#times !== undefined) batch.deleteRange(this.#times)
  }

  /**
   * Deletes entries of a time before `before` (ms), the oldest first; must be called before the puts of the same batch.
   * @param limit the largest number of rows to read
   */
  purge(batch: LocalBatch, before: number, limit: number): void {
    if (this.#times === undefined) return
    for (const { key: row } of this.#times.range({ lt: timeOf(before), limit })) {
      batch.delete(this.#times, row)
      const key = row.subarray(timeBytes)
      const isNewest = this.#entries.get(key)?.subarray(0, timeBytes).equals(row.subarray(0, timeBytes)) === true
      if (isNewest) batch.delete(this.#entries, key)
    }
  }

  /** @param key the key of the row, which is the entry's own unless that is long */
  #entryOf(key: Buffer, row: Buffer): KeptEntry {
    const timestamp = this.#times === undefined ? 0 : row.readUIntBE(0, timeBytes)
    const rest = this.#times === undefined ? row : row.subarray(timeBytes)
    if (key.length < longBytes) return { key, value: rest, timestamp }
    const end = lengthBytes + rest.readUInt32BE(0)
    return { key: rest.subarray(lengthBytes, end), value: rest.subarray(end), timestamp }
  }
}

/** The name of the table that has the times of another. */
function timesOf(name: string): string {
  return `${name}.times`
}

/** A key that the local store accepts: the key itself, or its first bytes and a digest. */
function rowKey(key: Buffer): Buffer {
  if (key.length < longBytes) return key
  return Buffer.concat([key.subarray(0, longBytes - digestBytes), createHash('sha256').update(key).digest()])
}

function withLength(key: Buffer): Buffer {
  const length = Buffer.allocUnsafe(lengthBytes)
  length.writeUInt32BE(key.length)
  return Buffer.concat([length, key])
}

function timeOf(timestamp: number): Buffer {
  const time = Buffer.allocUnsafe(timeBytes)
  time.writeUIntBE(Math.min(Math.max(timestamp, 0), latest), 0, timeBytes)
  return time
}
