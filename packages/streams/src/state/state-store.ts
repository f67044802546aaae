/**
 * A state store in layers. Only the batch itself sees its writes; a commit moves them to the committed entries, which are written
 * to the disk a moment later, without delaying the next batch; an abort drops them:
 *
 *     get ─► written ─► committed ─► cache ─► local store          set, delete ─► written, and the journal
 *            (batch)    (not yet      (bounded)  (disk)            commit      ─► committed     (rollback: written is dropped)
 *                        on disk)                                  flush       ─► local store, and the cache
 *
 * The disk has only entries that are committed on the log. Every write is encoded at once, so that an error belongs to the record
 * that caused it, and is noted in the task's journal, by which a single record (dead letter, wait) is undone.
 */
import type { RecordToSend } from '@streampay/kafka'
import { type LocalBatch, LocalStoreError } from '@streampay/local-store'
import { StreamsError } from '../errors.ts'
import type { AnyStoreDefinition, KeyRange, KeyValueStore, OutgoingHeaders } from '../topology/topology.ts'
import { frozen } from './frozen.ts'
import type { KeptTable } from './kept-table.ts'
import { mergedRange } from './merged-range.ts'
import type { CachedValue, CachePart } from './value-cache.ts'

/** A write as it is kept in memory: `value` is undefined for a delete. */
type Entry = CachedValue & {
  readonly key: Buffer
  readonly bytes: Buffer | null
  /** Read from the changelog: no processor has asked for it yet, so it is not cached. */
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
  /** The log time of changelog records: that of the record being processed, in ms. */
  timestamp: number
  /** Called with the encoded write before it takes effect; throws if the write is not allowed. */
  readonly admit: (record: RecordToSend) => void
}

export type StoreOptions = {
  readonly definition: AnyStoreDefinition
  readonly changelog: string
  readonly journal: Journal
  readonly table: KeptTable
  readonly cache: CachePart
  /** The time of a source, or stream time, according to the records before the present one; in ms. */
  readonly time: (source: string | undefined) => number
  /** Freezes values when they are set, so that a test detects a processor that changes one in place. */
  readonly freezeValues: boolean
}

export class StateStore implements KeyValueStore<unknown, unknown> {
  readonly changelog: string
  readonly #options: StoreOptions
  /** Writes of the batch under way. */
  #written = new Map<string, Entry>()
  /** Entries on the log that are not on the disk yet. */
  #committed = new Map<string, Entry>()

  constructor(options: StoreOptions) {
    this.changelog = options.changelog
    this.#options = options
  }

  /** The number of entries that wait to be written to the disk. */
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

  /** Applies one changelog record. Throws the serde's error for bytes that it does not accept. */
  restore(key: Buffer, bytes: Buffer | null, timestamp: number): void {
    if (key.length === 0) throw new Error('the key is empty')
    const value = bytes === null ? undefined : this.#decoded(bytes)
    // Records of a restoration may be lent, so their buffers are copied.
    const copy = bytes === null ? null : Buffer.from(bytes)
    const entry = { key: Buffer.from(key), value, bytes: copy, timestamp, isRestored: true }
    const name = key.toString(this.#options.definition.key === undefined ? 'utf8' : 'latin1')
    this.#committed.set(this.#options.cache.idOf(name), entry)
  }

  /** Commits the batch's writes: they are on the log. */
  commit(): void {
    if (this.#committed.size === 0) {
      ;[this.#written, this.#committed] = [this.#committed, this.#written]
      return
    }
    for (const [id, entry] of this.#written) this.#committed.set(id, entry)
    this.#written.clear()
  }

  /** Drops the batch's writes. */
  rollback(): void {
    this.#written.clear()
  }

  putBack(id: string, previous: Entry | undefined): void {
    if (previous === undefined) this.#written.delete(id)
    else this.#written.set(id, previous)
  }

  /**
   * Writes the committed entries to the disk, and deletes those that have expired at `time`, in bounded steps.
   * @param time the time up to the last commit, of the source that `Expiry.timeOf` names
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

  /** The flush is on the disk. Entries that no processor has read, such as most idempotency keys, leave memory. */
  flushed(): void {
    const { cache } = this.#options
    for (const [id, { value, bytes, timestamp, isRestored = false }] of this.#committed) {
      if (!cache.has(id)) continue
      if (bytes === null || isRestored) cache.delete(id)
      else cache.set(id, { value, timestamp }, bytes.length)
    }
    this.#committed = new Map()
  }

  /** Deletes all entries, without writing to the changelog. */
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

  /** A record whose writer's clock is behind must not create an entry that expires at once. */
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

  /** A text key is used directly; other keys are identified by their bytes, one character each. */
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

/** How many rows of times a flush reads beside two for each entry that it writes: so a backlog shrinks. */
const purgedAtLeast = 256

/**
 * Only this application wrote the data on the disk, so an undecodable value is an error of the disk and not of a record.
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

/** Undoes the writes noted after the journal had `length` entries, the latest first. */
export function undoTo(journal: Journal, length: number): void {
  while (journal.entries.length > length) {
    const undone = journal.entries.pop()
    undone?.store.putBack(undone.id, undone.previous)
  }
}

/** The changelog records of all noted writes: only the last one of each key, as compaction would keep. */
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
