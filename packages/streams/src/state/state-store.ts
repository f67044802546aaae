/**
 * A state store in layers. What a batch writes is seen by it alone; a commit makes it part of what is committed, which goes
 * to the disk a moment later, off the path of the next batch; an abort forgets it:
 *
 *     get ─► written ─► committed ─► cache ─► local store          set, delete ─► written, and the journal
 *            (batch)    (not yet      (bounded)  (disk)            commit      ─► committed     (rollback: written is forgotten)
 *                        on disk)                                  flush       ─► local store, and the cache
 *
 * The disk never holds what is not committed on the log. Every write is encoded at once, so that an error belongs to the record
 * that caused it, and noted in the task's journal, by which a single record (dead letter, wait) is undone.
 */
import type { RecordToSend } from '@streampay/kafka'
import { type LocalBatch, LocalStoreError } from '@streampay/local-store'
import { StreamsError } from '../errors.ts'
import type { AnyStoreDefinition, KeyRange, KeyValueStore, OutgoingHeaders } from '../topology/topology.ts'
import { frozen } from './frozen.ts'
import type { KeptTable } from './kept-table.ts'
import { mergedRange } from './merged-range.ts'
import type { CachedValue, CachePart } from './value-cache.ts'

/** A write, or what stands for it in memory: `value` is undefined for a delete. */
type Entry = CachedValue & {
  readonly key: Buffer
  readonly bytes: Buffer | null
  /** Read from the changelog: nobody has asked for it yet, so it stays out of the cache. */
  readonly isRestored?: boolean
}

type JournalEntry = {
  readonly store: StateStore
  readonly id: string
  /** The batch's write before this one, if there was one. */
  readonly previous: Entry | undefined
  readonly entry: Entry
  readonly headers: OutgoingHeaders | undefined
}

export type Journal = {
  readonly entries: JournalEntry[]
  /** The log time that changelog records get: that of the record being processed, in ms. */
  timestamp: number
  /** Called with the encoded write before it takes effect; throws if it is not allowed. */
  readonly admit: (record: RecordToSend) => void
}

export type StoreOptions = {
  readonly definition: AnyStoreDefinition
  readonly changelog: string
  readonly journal: Journal
  readonly table: KeptTable
  readonly cache: CachePart
  /** The time of a source, or stream time, as the records before the present one make it; in ms. */
  readonly time: (source: string | undefined) => number
  /** Freeze values on their way in, so that a processor that changes one in place is found by a test. */
  readonly freezeValues: boolean
}

export class StateStore implements KeyValueStore<unknown, unknown> {
  readonly changelog: string
  readonly #options: StoreOptions
  /** By the batch under way. */
  #written = new Map<string, Entry>()
  /** On the log, and not yet on the disk. */
  #committed = new Map<string, Entry>()

  constructor(options: StoreOptions) {
    this.changelog = options.changelog
    this.#options = options
  }

  /** How many entries are to be written to the disk. */
  get unflushed(): number {
    return this.#committed.size
  }

  get(key: unknown): unknown {
    const id = this.#idOf(key)
    const found = this.#written.get(id) ?? this.#committed.get(id) ?? this.#kept(id, key)
    return found === undefined || this.#isExpired(found.timestamp) ? undefined : found.value
  }

  set(key: unknown, value: unknown): void {
    const { definition, freezeValues } = this.#options
    const bytes = definition.value.encode(value)
    const headers = definition.headers?.(key, value)
    const kept = freezeValues ? frozen(value) : value
    this.#note(key, { key: this.#bytesOf(key), value: kept, bytes, timestamp: this.#entryTime() }, headers)
  }

  delete(key: unknown): void {
    if (this.get(key) === undefined) return
    const timestamp = this.#entryTime()
    this.#note(key, { key: this.#bytesOf(key), value: undefined, bytes: null, timestamp }, undefined)
  }

  *range({
    gte,
    lt,
    reverse = false,
    limit = Number.POSITIVE_INFINITY,
  }: KeyRange<unknown> = {}): Generator<[unknown, unknown]> {
    const bounds = {
      ...(gte !== undefined && { gte: this.#bytesOf(gte) }),
      ...(lt !== undefined && { lt: this.#bytesOf(lt) }),
      reverse,
    }
    let left = limit
    if (left <= 0) return
    const newest = new Map([...this.#committed, ...this.#written])
    for (const entry of mergedRange(newest.values(), this.#keptRange(bounds), bounds)) {
      if (entry.value === undefined || this.#isExpired(entry.timestamp)) continue
      yield [this.#keyOf(entry.key), entry.value]
      if (--left <= 0) return
    }
  }

  /** Applies one changelog record. Throws what the serde throws on bytes that it does not accept. */
  restore(key: Buffer, bytes: Buffer | null, timestamp: number): void {
    if (key.length === 0) throw new Error('the key is empty')
    const value = bytes === null ? undefined : this.#decoded(bytes)
    // Records of a restoration may be lent.
    const copy = bytes === null ? null : Buffer.from(bytes)
    const entry = { key: Buffer.from(key), value, bytes: copy, timestamp, isRestored: true }
    const name = key.toString(this.#options.definition.key === undefined ? 'utf8' : 'latin1')
    this.#committed.set(this.#options.cache.idOf(name), entry)
  }

  /** The batch's writes are on the log. */
  commit(): void {
    if (this.#committed.size === 0) {
      ;[this.#written, this.#committed] = [this.#committed, this.#written]
      return
    }
    for (const [id, entry] of this.#written) this.#committed.set(id, entry)
    this.#written.clear()
  }

  /** The batch's writes have never been. */
  rollback(): void {
    this.#written.clear()
  }

  putBack(id: string, previous: Entry | undefined): void {
    if (previous === undefined) this.#written.delete(id)
    else this.#written.set(id, previous)
  }

  /**
   * Writes what is committed to the disk, and deletes what has expired at `time`, in bounded steps.
   * @param time Of what is committed: `Expiry.timeOf` tells which.
   */
  flush(batch: LocalBatch, time: number): void {
    const { table, definition } = this.#options
    const { expires } = definition
    if (expires !== undefined) table.purge(batch, time - expires.afterMs + 1, purgedAtLeast + 2 * this.#committed.size)
    for (const { key, bytes, timestamp } of this.#committed.values()) {
      if (bytes === null) table.delete(batch, key)
      else table.put(batch, { key, value: bytes, timestamp })
    }
  }

  /** The flush is on the disk. What was never read, as most idempotency keys, is not kept in memory for having been written. */
  flushed(): void {
    const { cache } = this.#options
    for (const [id, { value, bytes, timestamp, isRestored = false }] of this.#committed) {
      if (!cache.has(id)) continue
      if (bytes === null || isRestored) cache.delete(id)
      else cache.set(id, { value, timestamp }, bytes.length)
    }
    this.#committed = new Map()
  }

  /** Forgets everything, without a trace in the changelog. */
  clear(batch: LocalBatch): void {
    this.#written.clear()
    this.#committed.clear()
    this.#options.cache.clear()
    this.#options.table.clear(batch)
  }

  #note(key: unknown, entry: Entry, headers: OutgoingHeaders | undefined): void {
    const { journal } = this.#options
    if (entry.key.length === 0) throw new StreamsError('STREAMS_CONTEXT_MISUSED', 'A key of a store may not be empty.')
    const id = this.#idOf(key)
    const written = { topic: this.changelog, key: typeof key === 'string' ? key : entry.key, value: entry.bytes }
    journal.admit({ ...written, ...(headers && { headers }) })
    journal.entries.push({ store: this, id, previous: this.#written.get(id), entry, headers })
    this.#written.set(id, entry)
  }

  #kept(id: string, key: unknown): CachedValue | undefined {
    const { cache, table } = this.#options
    const cached = cache.get(id)
    if (cached !== undefined) return cached
    const bytes = this.#bytesOf(key)
    if (bytes.length === 0) return undefined
    const kept = fromDisk(table.name, () => {
      const entry = table.get(bytes)
      return entry && { size: entry.value.length, value: this.#decoded(entry.value), timestamp: entry.timestamp }
    })
    if (kept === undefined) return undefined
    const { value, timestamp, size } = kept
    cache.set(id, { value, timestamp }, size)
    return kept
  }

  *#keptRange(bounds: { gte?: Buffer; lt?: Buffer; reverse: boolean }): Generator<Entry> {
    const { table } = this.#options
    const rows = table.range(bounds)
    try {
      for (;;) {
        const next = fromDisk(table.name, () => {
          const row = rows.next()
          if (row.done === true) return undefined
          const { key, value: bytes, timestamp } = row.value
          return { key, bytes, timestamp, value: this.#decoded(bytes) }
        })
        if (next === undefined) return
        yield next
      }
    } finally {
      rows.return(undefined)
    }
  }

  #decoded(bytes: Buffer): unknown {
    const { definition, freezeValues } = this.#options
    const value: unknown = definition.value.decode(bytes)
    return freezeValues ? frozen(value) : value
  }

  /** A record whose writer's clock is behind must not leave an entry that is gone at once. */
  #entryTime(): number {
    const { definition, journal, time } = this.#options
    const { expires } = definition
    return expires === undefined ? journal.timestamp : Math.max(journal.timestamp, time(expires.timeOf))
  }

  #isExpired(timestamp: number): boolean {
    const { definition, time } = this.#options
    const { expires } = definition
    return expires !== undefined && timestamp + expires.afterMs <= time(expires.timeOf)
  }

  /** Text stands for itself; other keys are told apart by their bytes, a character each. */
  #idOf(key: unknown): string {
    const { cache, definition } = this.#options
    return cache.idOf(definition.key === undefined ? (key as string) : definition.key.encode(key).toString('latin1'))
  }

  #bytesOf(key: unknown): Buffer {
    const { definition } = this.#options
    return definition.key === undefined ? Buffer.from(key as string) : definition.key.encode(key)
  }

  #keyOf(bytes: Buffer): unknown {
    const { definition } = this.#options
    return definition.key === undefined ? bytes.toString('utf8') : definition.key.decode(bytes)
  }
}

/** Rows of times that a flush looks at, beside two for each entry that it writes: so a backlog becomes smaller. */
const purgedAtLeast = 256

/**
 * What is read of the disk was written by this application, so whatever is wrong with it is the disk's fault and no record's.
 * @throws StreamsError STREAMS_STATE_FAILED
 */
export function fromDisk<T>(table: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const why = cause instanceof LocalStoreError ? cause.code : 'its bytes are not what was written'
    throw new StreamsError('STREAMS_STATE_FAILED', `The state in "${table}" could not be read (${why}).`, cause)
  }
}

/** Takes back the writes noted after the journal had `length` entries, the latest first. */
export function undoTo(journal: Journal, length: number): void {
  while (journal.entries.length > length) {
    const undone = journal.entries.pop()
    undone?.store.putBack(undone.id, undone.previous)
  }
}

/** The changelog records of all noted writes: the last one of each key, which is all that compaction would keep. */
export function changelogRecords(journal: Journal, partition: number): RecordToSend[] {
  const seen = new Map<StateStore, Set<string>>()
  const records: RecordToSend[] = []
  for (let i = journal.entries.length - 1; i >= 0; i--) {
    const noted = journal.entries[i]
    if (noted === undefined) continue
    const { store, id, entry, headers } = noted
    const ids = seen.get(store) ?? new Set<string>()
    seen.set(store, ids)
    if (ids.has(id)) continue
    ids.add(id)
    const { key, bytes: value, timestamp } = entry
    records.push({ topic: store.changelog, partition, key, value, timestamp, ...(headers && { headers }) })
  }
  return records.reverse()
}
