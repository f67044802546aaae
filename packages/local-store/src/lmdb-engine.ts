/**
 * Tables in an LMDB file: a copy-on-write B+ tree, read and written through a memory map. Its pages belong to the kernel, which
 * reclaims them when memory is short; the process itself needs nearly no memory for them.
 *
 * - `useWritemap`: a batch changes copies of pages in the map, and then a meta page, which makes them valid. Without it each
 *   page is copied to the heap and written to the file by a call: three times the processor time for a batch of 1,000.
 *   After a kill at any moment, the file has a whole number of batches, because the kernel has the contents of the map.
 * - `noSync`: a commit does not wait for the disk. After a power loss any part of it may exist: `open.ts` detects that case.
 * - Each value has a checksum before it (`seal.ts`), because the pages have none.
 * - Disk space is reserved before a batch is written (`space.ts`), so that a full disk causes an error and no SIGBUS.
 */
import { type Database, open, type RangeOptions, type RootDatabase } from 'lmdb'
import { LocalStoreError, reasonOf } from './errors.ts'
import { DamagedFileError, prepareFile } from './lmdb-file.ts'
import type { KeyBounds, LocalEntry, LocalRange } from './local-store.ts'
import type { Change, Engine } from './rules.ts'
import { sealBytes, sealed, unsealed } from './seal.ts'
import { Space } from './space.ts'

type LmdbTable = Database<Uint8Array, Uint8Array>
type Root = RootDatabase<Uint8Array, Uint8Array>

export type LmdbOptions = {
  readonly path: string
  /** The size of the pages in use. */
  readonly maxBytes: number
  readonly maxTables: number
  /** For a file that does not exist yet. */
  readonly newId: string
}

export type EngineEvents = {
  /** Called when a read or a write finds the file damaged. */
  readonly damaged: (reason: string) => void
  /** Called during `close`, when everything is on the disk. */
  readonly synced: () => void
  /** Called at the end of `close`, also if it failed. */
  readonly closed: () => void
}

export type OpenedLmdb = {
  /** The id that the file got when it was created. */
  readonly id: string
  engine(events: EngineEvents): Engine<LmdbTable>
  /** Closes it without using it. */
  discard(): Promise<void>
}

const binary = { keyEncoding: 'binary', encoding: 'binary' } as const
/** The engine's own table; no table of a caller can have this name. */
const ownTable = 'STORE'
const idKey = Buffer.from('id')
/** The number of keys of a range that are deleted at a time, so that the memory does not depend on its length. */
const deletedAtOnce = 1_000
/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_PANIC, MDB_VERSION_MISMATCH, MDB_INVALID (lmdb.h). */
const damageCodes = [-30_797, -30_796, -30_795, -30_794, -30_793]
/**
 * The map is larger than the limit: pages that a batch no longer uses are free only after the next batch, and a deletion in a full
 * store also needs pages.
 */
const mapShare = 1.5
const mapUnit = 16 * 1024 * 1024
/** The overhead of a key and a value on a page, with the checksum of the value. */
const bytesOfNode = 16 + sealBytes
/** The pages for a new table, for the list of free pages, and for the branches near the root. */
const spareBytes = 1024 * 1024

/** Whether the error means that the file is not LMDB's, or that its pages contradict each other. */
export function tellsOfDamage(error: unknown): boolean {
  if (error instanceof DamagedFileError) return true
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'number' && damageCodes.includes(code)
}

/** @throws errors that `tellsOfDamage` recognizes, or Error if the file can't be used */
export async function openLmdb(options: LmdbOptions): Promise<OpenedLmdb> {
  const { path, maxBytes, maxTables, newId } = options
  const mapSize = Math.ceil((maxBytes * mapShare) / mapUnit) * mapUnit
  prepareFile(path, { mapBytes: mapSize, spareBytes })
  const root = open<Uint8Array, Uint8Array>({
    path,
    ...binary,
    useWritemap: true,
    noSync: true,
    mapSize,
    maxDbs: maxTables,
  })
  const space = new Space({ path, usedBytes: bytesOf(root), mapBytes: mapSize })
  const discard = () => {
    space.close()
    return root.close()
  }
  try {
    space.take({ usedBytes: bytesOf(root), neededBytes: spareBytes })
    const own = root.openDB({ name: ownTable, ...binary })
    if (own.getBinary(idKey) === undefined) own.putSync(idKey, Buffer.from(newId))
    const id = own.getBinary(idKey)?.toString() ?? ''
    return { id, engine: (events) => new LmdbEngine({ ...options, root, own, space, events }), discard }
  } catch (error) {
    await discard()
    throw error
  }
}

class LmdbEngine implements Engine<LmdbTable> {
  readonly #path: string
  readonly #maxBytes: number
  readonly #root: Root
  readonly #own: LmdbTable
  readonly #space: Space
  readonly #events: EngineEvents
  readonly #tables = new Set<LmdbTable>()
  readonly #pageSize: number

  constructor(options: LmdbOptions & { root: Root; own: LmdbTable; space: Space; events: EngineEvents }) {
    this.#path = options.path
    this.#maxBytes = options.maxBytes
    this.#root = options.root
    this.#own = options.own
    this.#space = options.space
    this.#events = options.events
    this.#pageSize = statsOf(options.root).pageSize
  }

  openTable(name: string): LmdbTable {
    this.#makeRoom(spareBytes)
    const table = this.#noting(() => this.#root.openDB({ name, ...binary }))
    this.#tables.add(table)
    return table
  }

  tableNames(): string[] {
    // The keys of the root are the names of its tables, each with a zero byte at its end.
    const keys = [...this.#root.getKeys({ start: Buffer.of(0) })].map((key) => Buffer.from(key))
    return keys.map((key) => key.toString('latin1').replace(/\0$/, '')).filter((name) => name !== ownTable)
  }

  dropTable(table: LmdbTable): void {
    this.#makeRoom(spareBytes)
    this.#noting(() => table.dropSync())
    this.#tables.delete(table)
  }

  get(table: LmdbTable, key: Uint8Array): Buffer | undefined {
    return this.#noting(() => {
      const bytes = table.getBinary(key)
      return bytes === undefined ? undefined : unsealed(key, bytes)
    })
  }

  *entries(table: LmdbTable, range: LocalRange): Generator<LocalEntry, undefined> {
    try {
      // LMDB returns a copy, as a buffer.
      for (const { key, value } of table.getRange(lmdbRange(range))) {
        yield { key: key as Buffer, value: unsealed(key, value as Buffer) }
      }
    } catch (cause) {
      throw this.#noted(cause)
    }
  }

  count(table: LmdbTable): number {
    return this.#noting(() => statsOf(table).entryCount)
  }

  commit(changes: readonly Change<LmdbTable>[]): void {
    this.#admit(changes)
    this.#noting(() =>
      this.#root.transactionSync(() => {
        for (const made of changes) {
          if (made.type === 'put') made.table.putSync(made.key, sealed(made.key, made.value))
          else if (made.type === 'delete') made.table.removeSync(made.key)
          else deleteRange(made.table, made.bounds)
        }
      }),
    )
  }

  bytes(): number {
    return this.#space.bytes()
  }

  async close(): Promise<void> {
    try {
      await syncMap(this.#root)
      await this.#root.close()
      await this.#space.sync()
      this.#events.synced()
    } finally {
      this.#space.close()
      this.#events.closed()
    }
  }

  #noting<T>(act: () => T): T {
    try {
      return act()
    } catch (cause) {
      throw this.#noted(cause)
    }
  }

  #noted(cause: unknown): unknown {
    if (tellsOfDamage(cause)) this.#events.damaged(reasonOf(cause))
    return cause
  }

  /** @throws LocalStoreError LOCAL_STORE_FULL, LOCAL_STORE_FAILED */
  #admit(changes: readonly Change<LmdbTable>[]): void {
    const usedBytes = bytesOf(this.#root)
    const { pages, isLess } = pagesFor(changes, { pageSize: this.#pageSize, inUse: usedBytes / this.#pageSize })
    const neededBytes = pages * this.#pageSize
    // Only a batch of deletions may use the part of the map beyond the limit: otherwise a full store could not be made smaller.
    const boundBytes = isLess ? this.#maxBytes * mapShare : this.#maxBytes
    // Usually it is far from the limit: then the pages of each table need not be counted.
    if (usedBytes + neededBytes > boundBytes && this.#bytesInUse() + neededBytes > boundBytes) {
      throw new LocalStoreError(
        'LOCAL_STORE_FULL',
        `The store ${this.#path} has a bound of ${this.#maxBytes} bytes: ${this.#bytesInUse()} are in use, and what is to be written may need ${neededBytes}`,
      )
    }
    this.#space.take({ usedBytes, neededBytes })
  }

  #makeRoom(neededBytes: number): void {
    this.#space.take({ usedBytes: bytesOf(this.#root), neededBytes })
  }

  /** The size without free pages. */
  #bytesInUse(): number {
    let pages = 2
    for (const table of [this.#root, this.#own, ...this.#tables]) {
      const { treeBranchPageCount, treeLeafPageCount, overflowPages } = statsOf(table)
      pages += treeBranchPageCount + treeLeafPageCount + overflowPages
    }
    return pages * this.#pageSize
  }
}

/** The largest number of pages that a batch changes or adds; `isLess` if it only deletes. */
function pagesFor(
  changes: readonly Change<LmdbTable>[],
  { pageSize, inUse }: { readonly pageSize: number; readonly inUse: number },
): { readonly pages: number; readonly isLess: boolean } {
  let own = 0
  let bytes = 0
  let ranges = 0
  let isLess = true
  for (const made of changes) {
    if (made.type === 'deleteRange') ranges += 1
    if (made.type !== 'put') continue
    isLess = false
    bytes += made.key.length + bytesOfNode
    // A value of more than about half a page has pages of its own.
    if (made.value.length > pageSize / 4) own += Math.ceil(made.value.length / pageSize) + 1
    else bytes += made.value.length
  }
  // Each change copies a leaf and a branch above it (higher ones are shared), at most all existing ones. Added entries fill
  // leaves to a third at least.
  const made = Math.min(2 * changes.length, inUse) + 3 * Math.ceil(bytes / pageSize)
  const listed = Math.ceil((made + (ranges > 0 ? inUse : 0)) / 128)
  return { pages: Math.ceil(made + own + listed + spareBytes / pageSize), isLess }
}

type Stats = {
  readonly entryCount: number
  readonly pageSize: number
  readonly lastPageNumber: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

/** Members that LMDB's types lack. */
function statsOf(table: LmdbTable): Stats {
  return table.getStats() as Stats
}

/** The end of the file's pages, free ones included. */
function bytesOf(root: Root): number {
  const { lastPageNumber, pageSize } = statsOf(root)
  return (lastPageNumber + 1) * pageSize
}

/** To be called inside a transaction. */
function deleteRange(table: LmdbTable, bounds: KeyBounds): void {
  if (bounds.gte === undefined && bounds.lt === undefined) {
    table.clearSync()
    return
  }
  for (;;) {
    const keys = [...table.getKeys({ ...lmdbRange(bounds), limit: deletedAtOnce })]
    for (const key of keys) table.removeSync(key)
    if (keys.length < deletedAtOnce) return
  }
}

function lmdbRange({ gte, lt, reverse = false, limit }: LocalRange): RangeOptions {
  // No key is lower than this one, and LMDB accepts no empty key.
  const from = gte === undefined || gte.length === 0 ? Buffer.of(0) : gte
  const bounds = reverse
    ? { reverse, end: from, inclusiveEnd: true, ...(lt && { start: lt, exclusiveStart: true }) }
    : { start: from, ...(lt && { end: lt }) }
  return { ...bounds, ...(limit !== undefined && { limit }) }
}

/** Writes the changed pages of the map to the file. */
function syncMap(root: Root): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sync: unknown = Reflect.get(root, 'sync')
  if (typeof sync !== 'function') throw new Error('LMDB has no sync')
  sync.call(root, (error: unknown) => (error ? reject(error) : resolve()))
  return promise
}
