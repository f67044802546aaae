/**
 * Opens the store of a folder if its data can be used; otherwise it is wiped, and the caller gets the reason.
 *
 * | the folder's data | the result |
 * |---|---|
 * | it was closed: all of it was on the disk before that was noted | it is opened |
 * | it was not closed, but the machine has run since: the kernel has all writes | it is opened |
 * | it was not closed, and the machine was restarted, or is another one: any part may be missing | it is wiped |
 * | it was not closed, and its data file is a copy: it may have pages of different times | it is wiped |
 * | its data file was found damaged while it was in use, or ended the process that opened it | it is wiped |
 * | another format; the data file of another store; a file cut short; one that LMDB refuses | it is wiped |
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LocalStoreError, reasonOf } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import { type OpenedLmdb, openLmdb, tellsOfDamage } from './lmdb-engine.ts'
import type { LocalStore } from './local-store.ts'
import { identityOf, type Note, readNote, writeNote } from './note.ts'
import { RuledStore } from './rules.ts'

/** The folder of a store, its contents, and its largest size. */
export type OpenOptions = {
  /** Created if it does not exist. Only the store may use it. */
  readonly folder: string
  /** Names the contents and their format; a store that was kept under another name is wiped. */
  readonly format: string
  /** The largest size of the data file. */
  readonly maxBytes: number
  /**
   * Called once when the file is found damaged: data read from then on may be wrong, and the next opening wipes it.
   */
  readonly onDamaged?: ((reason: string) => void) | undefined
  /** The largest number of tables; default 250. */
  readonly maxTables?: number | undefined
  /** The id of the machine's boot, for tests; null if it is not known. */
  readonly bootId?: string | null | undefined
}

/** An opened store, and whether older data was deleted. */
export type OpenedLocalStore = {
  readonly store: LocalStore
  /** Why the folder's data was deleted; undefined if it is used, or if there was none. */
  readonly wiped: string | undefined
}

type Paths = { readonly data: string; readonly lmdbLock: string; readonly note: string }

/** After this number of openings that ended the process, the store is wiped: otherwise the process could never start again. */
const mostOpenings = 3

/**
 * Opens the store of a folder for this process alone. Data that cannot be used is wiped, because all of it
 * can be rebuilt from the log.
 * @throws LocalStoreError LOCAL_STORE_LOCKED if a process has it open, this one included
 * @throws LocalStoreError LOCAL_STORE_UNUSABLE if the folder can't be created, read or written
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs'
 * import { openLocalStore } from '@streampay/local-store'
 *
 * const folder = mkdtempSync('example-store-')
 * const { store, wiped } = await openLocalStore({ folder, format: 'balances 1', maxBytes: 64 * 1024 * 1024 })
 * const balances = store.table('balances')
 * store.write((batch) => batch.put(balances, Buffer.from('ada'), Buffer.from('1250')))
 * console.log(String(balances.get(Buffer.from('ada'))), wiped) // → 1250 undefined
 * await store.close()
 * ```
 */
export async function openLocalStore(options: OpenOptions): Promise<OpenedLocalStore> {
  try {
    // Its data belongs to the users of the application.
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
    const lock = lockFolder(options.folder)
    try {
      return await openLocked(options, () => lock.release())
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (cause) {
    if (cause instanceof LocalStoreError && cause.code === 'LOCAL_STORE_LOCKED') throw cause
    const message = `The folder ${options.folder} can't be used: ${reasonOf(cause)}`
    throw new LocalStoreError('LOCAL_STORE_UNUSABLE', message, cause)
  }
}

async function openLocked(options: OpenOptions, unlock: () => void): Promise<OpenedLocalStore> {
  const { folder, format, maxBytes, maxTables = 250, onDamaged } = options
  const boot = options.bootId === undefined ? bootId() : options.bootId
  const paths: Paths = {
    data: join(folder, 'data.mdb'),
    lmdbLock: join(folder, 'data.mdb-lock'),
    note: join(folder, 'note.json'),
  }
  const openData = () => {
    // Lock data of another process is not needed: this process holds the folder.
    rmSync(paths.lmdbLock, { force: true })
    // One more table, for the engine's own.
    return openLmdb({ path: paths.data, maxBytes, maxTables: maxTables + 1, newId: randomUUID() })
  }

  const found = await believed({ format, boot, paths, openData })
  const wiped = found !== undefined && 'doubt' in found ? found.doubt : undefined
  if (found === undefined || 'doubt' in found) for (const path of Object.values(paths)) rmSync(path, { force: true })
  const data = found !== undefined && 'data' in found ? found.data : await openData()

  const note: Note = {
    format,
    id: data.id,
    isClosed: false,
    bootId: boot,
    ...factsOf(paths.data),
    openings: 0,
    damage: null,
  }
  try {
    // Noted before any write, so that a kill does not leave it marked as closed.
    writeNote(paths.note, note)
  } catch (error) {
    await data.discard()
    throw error
  }
  // The folder may have been deleted or replaced while it was in use: its present data is then not the open store's.
  const noteOurs = (change: Partial<Note>) => {
    const facts = existsSync(paths.data) ? factsOf(paths.data) : undefined
    if (facts?.file === note.file) writeNote(paths.note, { ...note, ...facts, ...change })
  }
  let damage: string | null = null
  const engine = data.engine({
    damaged(reason) {
      if (damage !== null) return
      damage = reason
      noteOurs({ damage })
      if (onDamaged !== undefined) queueMicrotask(() => onDamaged(reason))
    },
    synced: () => noteOurs({ damage, isClosed: true }),
    closed: unlock,
  })
  return { store: new RuledStore(engine, { maxTables }), wiped }
}

type Found = { readonly data: OpenedLmdb } | { readonly doubt: string } | undefined

/** @returns undefined if there is no data */
async function believed(options: {
  readonly format: string
  readonly boot: string | null
  readonly paths: Paths
  readonly openData: () => Promise<OpenedLmdb>
}): Promise<Found> {
  const { paths, openData } = options
  if (!existsSync(paths.note) && !existsSync(paths.data)) return undefined
  const note = noteIn(paths)
  if ('doubt' in note) return note
  const doubt = doubtOf(note, options)
  if (doubt !== undefined) return { doubt }
  // Noted before, in case the opening ends this process.
  writeNote(paths.note, { ...note, openings: note.openings + 1 })
  try {
    const data = await openData()
    if (data.id === note.id) return { data }
    await data.discard()
    return { doubt: 'its data file is of another store' }
  } catch (error) {
    if (!tellsOfDamage(error)) throw error
    return { doubt: `its data file is damaged: ${reasonOf(error)}` }
  }
}

function noteIn(paths: Paths): Note | { readonly doubt: string } {
  if (!existsSync(paths.data)) return { doubt: 'its data file is missing' }
  try {
    return readNote(paths.note) ?? { doubt: 'the note beside its data file is missing' }
  } catch (error) {
    return { doubt: `the note beside its data file is damaged: ${reasonOf(error)}` }
  }
}

function factsOf(path: string): Pick<Note, 'file' | 'bytes'> {
  return { file: identityOf(path), bytes: statSync(path).size }
}

function doubtOf(note: Note, options: { format: string; boot: string | null; paths: Paths }): string | undefined {
  const { format, boot, paths } = options
  if (note.format !== format) return `its format is "${note.format}", but "${format}" is needed`
  if (note.damage !== null) return `its data file was found damaged: ${note.damage}`
  if (note.openings >= mostOpenings) return `the process ended ${note.openings} times in a row while it opened it`
  const { file, bytes } = factsOf(paths.data)
  if (bytes < note.bytes) return `its data file was cut short: ${bytes} of ${note.bytes} bytes`
  if (note.isClosed) return undefined
  if (boot === null) return 'it was not closed, and this system does not say whether it was started since'
  if (note.bootId !== boot) return 'it was not closed, and the machine was started since, or is another one'
  if (note.file !== file) return 'it was not closed, and its data file is a copy'
  return undefined
}

/**
 * The id of the machine's boot: writes since that boot are in the files, also if processes were killed.
 * @returns null if the system does not report it (Windows)
 */
function bootId(): string | null {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  if (process.platform !== 'darwin') return null
  return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
}
