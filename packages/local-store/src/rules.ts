/**
 * The contract of a local store over an engine: which calls are allowed when, with which tables, names and keys. The engines
 * only store bytes, so all of them allow and refuse the same calls.
 */
import { LocalStoreError, reasonOf } from './errors.ts'
import { checkBounds, checkKey, checkTableName, isEmptyRange } from './keys.ts'
import type { KeyBounds, LocalBatch, LocalEntry, LocalRange, LocalStore, LocalTable } from './local-store.ts'

/** Stores tables of bytes. `Table` is its handle of one. Every error that it throws becomes LOCAL_STORE_FAILED. */
export type Engine<Table> = {
  /** Opens the table, or creates it. */
  openTable(name: string): Table
  /** The names of the tables that exist at the start. */
  tableNames(): string[]
  dropTable(table: Table): void
  get(table: Table, key: Uint8Array): Buffer | undefined
  /** Never called for a range that can't have a key. `return` of the iterator is called if it is not read to its end. */
  entries(table: Table, range: LocalRange): Iterator<LocalEntry, undefined>
  count(table: Table): number
  /** All or nothing, in this order. */
  commit(changes: readonly Change<Table>[]): void
  bytes(): number
  /** Called once, while no range is being read. */
  close(): Promise<void>
}

/** A requested change of one table. */
export type Change<Table> =
  | { readonly type: 'put'; readonly table: Table; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly table: Table; readonly key: Uint8Array }
  | { readonly type: 'deleteRange'; readonly table: Table; readonly bounds: KeyBounds }

export class RuledStore<Table> implements LocalStore {
  readonly #engine: Engine<Table>
  readonly #maxTables: number
  readonly #tables = new Map<string, RuledTable<Table>>()
  readonly #readers = new Set<RangeReader>()
  #state: 'open' | 'writing' | 'closed' = 'open'

  constructor(engine: Engine<Table>, options: { readonly maxTables: number }) {
    this.#engine = engine
    this.#maxTables = options.maxTables
    for (const name of engine.tableNames()) this.#open(name)
  }

  table(name: string): LocalTable {
    this.#checkOpen()
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    checkTableName(name)
    this.#checkIdle(`Table "${name}" can't be made`)
    if (this.#tables.size >= this.#maxTables) {
      throw misuse(`Table "${name}" can't be made beside ${this.#tables.size} others: maxTables is ${this.#maxTables}`)
    }
    return attempt(`Table "${name}" could not be made`, () => this.#open(name))
  }

  tableNames(): string[] {
    this.#checkOpen()
    return [...this.#tables.keys()].sort()
  }

  write(change: (batch: LocalBatch) => void): void {
    this.#checkOpen()
    if (this.#state === 'writing') throw misuse('A write inside a write')
    this.#state = 'writing'
    try {
      const changes = changesOf(change, (table) => this.#own(table))
      if (changes.length > 0) attempt('A batch could not be written', () => this.#engine.commit(changes))
    } finally {
      this.#state = 'open'
    }
  }

  bytes(): number {
    this.#checkOpen()
    return attempt('The size could not be read', () => this.#engine.bytes())
  }

  dropTable(name: string): void {
    this.#checkOpen()
    const table = this.#tables.get(name)
    if (table === undefined) return
    this.#checkIdle(`Table "${name}" can't be dropped`)
    attempt(`Table "${name}" could not be dropped`, () => this.#engine.dropTable(table.held))
    this.#tables.delete(name)
    table.end('dropped')
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    if (this.#state === 'writing') throw misuse('A close inside a write')
    this.#state = 'closed'
    for (const reader of this.#readers) reader.stop(closedError())
    for (const table of this.#tables.values()) table.end('closed')
    try {
      await this.#engine.close()
    } catch (cause) {
      throw failure('What was written could not be synced', cause)
    }
  }

  #open(name: string): RuledTable<Table> {
    const held = this.#engine.openTable(name)
    const table = new RuledTable({ name, held, engine: this.#engine, readers: this.#readers })
    this.#tables.set(name, table)
    return table
  }

  #own(table: LocalTable): Table {
    const own = this.#tables.get(table.name)
    if (own === table) return own.held
    throw misuse(`Table "${table.name}" is of another store, or was dropped`)
  }

  #checkIdle(what: string): void {
    if (this.#state === 'writing') throw misuse(`${what} inside a write`)
    if (this.#readers.size > 0) throw misuse(`${what} while ranges are being read: ${this.#readers.size}`)
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw closedError()
  }
}

class RuledTable<Table> implements LocalTable {
  readonly name: string
  readonly held: Table
  readonly #engine: Engine<Table>
  readonly #readers: Set<RangeReader>
  #end: 'closed' | 'dropped' | undefined

  constructor(options: { name: string; held: Table; engine: Engine<Table>; readers: Set<RangeReader> }) {
    this.name = options.name
    this.held = options.held
    this.#engine = options.engine
    this.#readers = options.readers
  }

  get(key: Uint8Array): Buffer | undefined {
    if (this.#end !== undefined) this.#refuse(this.#end)
    checkKey(this.name, key)
    try {
      return this.#engine.get(this.held, key)
    } catch (cause) {
      throw failure(`A value of table "${this.name}" could not be read`, cause)
    }
  }

  range(range: LocalRange = {}): Iterable<LocalEntry> {
    checkBounds(this.name, range)
    return {
      [Symbol.iterator]: () => {
        if (this.#end !== undefined) this.#refuse(this.#end)
        if (isEmptyRange(range)) return [][Symbol.iterator]()
        const what = `A range of table "${this.name}" could not be read`
        const entries = attempt(what, () => this.#engine.entries(this.held, range))
        return new RangeReader({ entries, readers: this.#readers, what })
      },
    }
  }

  count(): number {
    if (this.#end !== undefined) this.#refuse(this.#end)
    return attempt(`The entries of table "${this.name}" could not be counted`, () => this.#engine.count(this.held))
  }

  end(end: 'closed' | 'dropped'): void {
    this.#end = end
  }

  #refuse(end: 'closed' | 'dropped'): never {
    throw new LocalStoreError('LOCAL_STORE_CLOSED', `Table "${this.name}" was used after it was ${end}`)
  }
}

class RangeReader implements Iterator<LocalEntry, undefined> {
  readonly #entries: Iterator<LocalEntry, undefined>
  readonly #readers: Set<RangeReader>
  readonly #what: string
  #stopped: LocalStoreError | undefined

  constructor(options: { entries: Iterator<LocalEntry, undefined>; readers: Set<RangeReader>; what: string }) {
    this.#entries = options.entries
    this.#readers = options.readers
    this.#what = options.what
    this.#readers.add(this)
  }

  next(): IteratorResult<LocalEntry, undefined> {
    if (this.#stopped !== undefined) throw this.#stopped
    try {
      const next = this.#entries.next()
      if (next.done === true) this.#readers.delete(this)
      return next
    } catch (cause) {
      this.#readers.delete(this)
      throw failure(this.#what, cause)
    }
  }

  return(): IteratorResult<LocalEntry, undefined> {
    this.#readers.delete(this)
    this.#entries.return?.()
    return { done: true, value: undefined }
  }

  /** A range that ends early must not be taken for a complete one. */
  stop(reason: LocalStoreError): void {
    this.return()
    this.#stopped = reason
  }
}

/** The changes that `change` requests, in its order. `own` throws for a table of another store. */
function changesOf<Table>(change: (batch: LocalBatch) => void, own: (table: LocalTable) => Table): Change<Table>[] {
  const changes: Change<Table>[] = []
  let isOver = false
  const note = (made: Change<Table>) => {
    if (isOver) throw misuse('A batch was used after its write had returned')
    changes.push(made)
  }
  try {
    change({
      put(table, key, value) {
        checkKey(table.name, key)
        note({ type: 'put', table: own(table), key, value })
      },
      delete(table, key) {
        checkKey(table.name, key)
        note({ type: 'delete', table: own(table), key })
      },
      deleteRange(table, bounds = {}) {
        checkBounds(table.name, bounds)
        if (!isEmptyRange(bounds)) note({ type: 'deleteRange', table: own(table), bounds })
      },
    })
  } finally {
    isOver = true
  }
  return changes
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw failure(what, cause)
  }
}

function failure(what: string, cause: unknown): LocalStoreError {
  if (cause instanceof LocalStoreError) return cause
  return new LocalStoreError('LOCAL_STORE_FAILED', `${what}: ${reasonOf(cause)}`, cause)
}

function misuse(message: string): LocalStoreError {
  return new LocalStoreError('LOCAL_STORE_MISUSED', message)
}

function closedError(): LocalStoreError {
  return new LocalStoreError('LOCAL_STORE_CLOSED', 'The store was used after it was closed')
}
