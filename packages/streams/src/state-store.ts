/**
 * State stores and the journal that can take their writes back. A store is a Map; every write is encoded at once, so that
 * an error belongs to the record that caused it, and noted in the task's journal with the value it replaced. Undoing to a
 * mark serves both a single record (dead letter, wait) and a whole batch (aborted transaction); a store is never ahead of
 * the log for longer than one batch.
 */
import type { RecordToSend } from '@streampay/kafka'
import type { KeyValueStore, OutgoingHeaders, StoreDefinition } from './topology.ts'

type JournalEntry = {
  readonly store: StateStore
  readonly key: string
  /** `undefined`: the key was absent. */
  readonly previous: unknown
  readonly bytes: Buffer | null
  readonly headers: OutgoingHeaders | undefined
  readonly timestamp: number
}

export type Journal = {
  readonly entries: JournalEntry[]
  /** The log time that changelog records get: that of the record being processed, in ms. */
  timestamp: number
  /** Called with the encoded write before it takes effect; throws if it is not allowed. */
  readonly admit: (topic: string, key: string, bytes: Buffer | null) => void
}

export type StoreOptions = {
  readonly definition: StoreDefinition
  readonly changelog: string
  readonly journal: Journal
  /** Freeze values on their way in, so that a processor that changes one in place is found by a test. */
  readonly freezeValues: boolean
}

export class StateStore implements KeyValueStore<unknown> {
  readonly changelog: string
  readonly #definition: StoreDefinition
  readonly #journal: Journal
  readonly #freezeValues: boolean
  readonly #entries = new Map<string, unknown>()

  constructor(options: StoreOptions) {
    this.#definition = options.definition
    this.changelog = options.changelog
    this.#journal = options.journal
    this.#freezeValues = options.freezeValues
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): unknown {
    return this.#entries.get(key)
  }

  set(key: string, value: unknown): void {
    const bytes = this.#definition.value.encode(value)
    const headers = this.#definition.headers?.(key, value)
    this.#note(key, bytes, headers)
    this.#entries.set(key, this.#freezeValues ? frozen(value) : value)
  }

  delete(key: string): void {
    if (!this.#entries.has(key)) return
    this.#note(key, null, undefined)
    this.#entries.delete(key)
  }

  entries(): IterableIterator<[string, unknown]> {
    return this.#entries.entries()
  }

  /** Applies one changelog record. Throws what the serde throws on bytes that it does not accept. */
  restore(key: string, bytes: Buffer | null): void {
    if (bytes === null) this.#entries.delete(key)
    else this.#entries.set(key, this.#definition.value.decode(bytes))
  }

  /** Forgets everything, without a trace in the changelog. */
  clear(): void {
    this.#entries.clear()
  }

  putBack(key: string, previous: unknown): void {
    if (previous === undefined) this.#entries.delete(key)
    else this.#entries.set(key, previous)
  }

  #note(key: string, bytes: Buffer | null, headers: OutgoingHeaders | undefined): void {
    this.#journal.admit(this.changelog, key, bytes)
    const previous = this.#entries.get(key)
    this.#journal.entries.push({ store: this, key, previous, bytes, headers, timestamp: this.#journal.timestamp })
  }
}

/** Takes back the writes noted after the journal had `length` entries, the latest first. */
export function undoTo(journal: Journal, length: number): void {
  while (journal.entries.length > length) {
    const entry = journal.entries.pop()
    entry?.store.putBack(entry.key, entry.previous)
  }
}

/** The changelog records of all noted writes: the last one of each key, which is all that compaction would keep. */
export function changelogRecords(journal: Journal, partition: number): RecordToSend[] {
  const seen = new Map<StateStore, Set<string>>()
  const records: RecordToSend[] = []
  for (let i = journal.entries.length - 1; i >= 0; i--) {
    const entry = journal.entries[i]
    if (entry === undefined) continue
    const keys = seen.get(entry.store) ?? new Set<string>()
    seen.set(entry.store, keys)
    if (keys.has(entry.key)) continue
    keys.add(entry.key)
    const { bytes, headers, key, timestamp } = entry
    records.push({ topic: entry.store.changelog, partition, key, value: bytes, timestamp, ...(headers && { headers }) })
  }
  return records.reverse()
}

/** Freezes plain objects and arrays all the way down; buffers and class instances are left alone. */
export function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}
