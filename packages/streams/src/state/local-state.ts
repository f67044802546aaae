/**
 * The state of one topology in the local store of its process: the tables of its stores and global tables, and notes about
 * their contents. The log is the source of truth, and this state is the part of it that was read or written up to one moment:
 *
 *     store/<task>/<store>      entries          task/<task>           note: how far each changelog is read, the input positions
 *     table/<table>             entries          topic/<topic>         note: how far each partition is read
 *
 * Entries and the note about them are written in one local transaction, so they match each other, at whichever moment a process is
 * killed. Whether they match the *log* is checked at each start (runtime/proof.ts): a note has the topic's id, and the offset
 * and the checksum of the last record read. A log that lost its end, was created anew or restored has another record there, or
 * none; state without this proof is deleted and read again from the beginning.
 */
import type { RecordWitness, TopicPartition } from '@streampay/kafka'
import { type LocalBatch, type LocalStore, LocalStoreError, type LocalTable } from '@streampay/local-store'
import { reasonOf, StreamsError } from '../errors.ts'
import { KeptTable } from './kept-table.ts'
import { type CachePart, ValueCache } from './value-cache.ts'

/** The part of the log that must be the same for the state to match it. */
export type Claim = TopicPartition & { readonly position: number; readonly last: RecordWitness }

/** How far a partition has been applied. */
export type PartitionNote = {
  readonly topicId: string
  /** The next offset to read. */
  readonly position: number
  /** Null: the last record is not known, so a match can't be proven. */
  readonly last: RecordWitness | null
}

const notesTable = 'notes'

/** A table with its part of the cache. */
export type KeptValues = { readonly table: KeptTable; readonly cache: CachePart }

export class LocalState {
  readonly #store: LocalStore
  readonly #cache: ValueCache
  readonly #notes: LocalTable
  readonly #open = new Map<string, KeptValues>()

  /** @param maxCacheBytes the limit of decoded values in memory, for all stores and tables together */
  constructor(store: LocalStore, { maxCacheBytes }: { readonly maxCacheBytes: number }) {
    this.#store = store
    this.#cache = new ValueCache(maxCacheBytes)
    this.#notes = fallible('opened', () => store.table(notesTable))
  }

  /** The size on the disk. */
  get bytes(): number {
    return this.#store.bytes()
  }

  storeTable(task: number, name: string, { expires }: { readonly expires: boolean }): KeptValues {
    return this.#tableOf(`store/${task}/${name}`, expires)
  }

  globalTable(name: string): KeptValues {
    return this.#tableOf(`table/${name}`, false)
  }

  /** The note that the last `putNote` wrote. */
  note<T>(name: string): T | undefined {
    const bytes = fallible('read', () => this.#notes.get(Buffer.from(name)))
    return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as T)
  }

  /** The tasks that have a note. */
  tasks(): number[] {
    const names = fallible('read', () => [...this.#notes.range()].map(({ key }) => key.toString('utf8')))
    return names.filter((name) => name.startsWith(taskNote(''))).map((name) => Number(name.slice(taskNote('').length)))
  }

  /** Marks the state on the disk as unusable for the next start. */
  distrust(): void {
    this.write((batch) => batch.deleteRange(this.#notes))
  }

  putNote(batch: LocalBatch, name: string, note: object): void {
    batch.put(this.#notes, Buffer.from(name), Buffer.from(JSON.stringify(note)))
  }

  deleteNote(batch: LocalBatch, name: string): void {
    batch.delete(this.#notes, Buffer.from(name))
  }

  /** Writes all or nothing. @throws StreamsError STREAMS_STATE_FAILED */
  write(change: (batch: LocalBatch) => void): void {
    fallible('written', () => this.#store.write(change))
  }

  /** Drops the tables of a task that this process neither owns nor follows any more. */
  forgetTask(task: number): void {
    this.write((batch) => this.deleteNote(batch, taskNote(task)))
    this.#drop((name) => name.startsWith(`store/${task}/`))
  }

  /** Drops tables and notes that belong to no store and no table of the present topology. */
  keepOnly(known: { readonly stores: ReadonlySet<string>; readonly tables: ReadonlySet<string> }): void {
    this.#drop((name) => {
      const [kind, ...rest] = name.replace(/\.times$/, '').split('/')
      if (kind === 'store') return !known.stores.has(rest.slice(1).join('/'))
      return kind === 'table' && !known.tables.has(rest.join('/'))
    })
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #drop(isConcerned: (name: string) => boolean): void {
    for (const name of fallible('read', () => this.#store.tableNames()).filter(isConcerned)) {
      fallible('deleted', () => this.#store.dropTable(name))
      this.#open.delete(name.replace(/\.times$/, ''))
    }
  }

  #tableOf(name: string, expires: boolean): KeptValues {
    const open = this.#open.get(name)
    if (open !== undefined) return open
    const table = fallible('opened', () => new KeptTable(this.#store, { name, expires }))
    const values = { table, cache: this.#cache.part() }
    this.#open.set(name, values)
    return values
  }
}

/** The largest number of tables that a topology needs for this many tasks. */
export function tableCount(
  topology: { stores: readonly unknown[]; tables: readonly unknown[] },
  tasks: number,
): number {
  return 1 + topology.tables.length + 2 * topology.stores.length * tasks
}

export function taskNote(task: number | ''): string {
  return `task/${task}`
}

/** Data as it was sent to the log, in the type in which it is read from there. */
export function bytesOnLog(data: Buffer | string | null): Buffer | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}

/** Whether the disk returned data that was never written; not whether it could not be read or is full. */
export function isUnreadable(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof StreamsError && at.code === 'STREAMS_STATE_FAILED') return !(at.cause instanceof LocalStoreError)
  }
  return false
}

/** If the disk is full or broken, the process can't continue: the state does not fit into memory. */
function fallible<T>(how: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    if (cause instanceof StreamsError) throw cause
    throw new StreamsError('STREAMS_STATE_FAILED', `The local state could not be ${how}: ${reasonOf(cause)}`, cause)
  }
}
