/** The stores that `local-stores` compares, with the same three tables and no more than what the scenario does with them. */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLocalStore } from '../../packages/local-store/src/index.ts'

export const tables = ['hot', 'cold', 'times'] as const
export type Table = (typeof tables)[number]

export type Change = { readonly table: Table; readonly key: Buffer; readonly value?: Buffer | undefined }

export type RivalStore = {
  get(table: Table, key: Buffer): Uint8Array | undefined
  /** All or nothing; a change without a value deletes. */
  write(changes: readonly Change[]): void | Promise<void>
  /** The first keys of a table. */
  first(table: Table, limit: number): Buffer[] | Promise<Buffer[]>
  bytes(): number
}

export const storeNames = ['lmdb', 'sqlite', 'level'] as const
export type StoreName = (typeof storeNames)[number]

/** None waits for the disk at a commit: the comparison is about surviving a kill, not a loss of power. */
export function openStore(name: StoreName, folder: string): Promise<RivalStore> {
  mkdirSync(folder, { recursive: true })
  if (name === 'lmdb') return lmdb(folder)
  if (name === 'sqlite') return sqlite(folder)
  return level(folder)
}

/** packages/local-store. */
async function lmdb(folder: string): Promise<RivalStore> {
  const { store, wiped } = await openLocalStore({ folder, format: 'bench', maxBytes: 2 ** 36 })
  if (wiped !== undefined) throw new Error(`the store was wiped: ${wiped}`)
  const byName = { hot: store.table('hot'), cold: store.table('cold'), times: store.table('times') }
  return {
    get: (table, key) => byName[table].get(key),
    write: (changes) =>
      store.write((batch) => {
        for (const { table, key, value } of changes) {
          if (value === undefined) batch.delete(byName[table], key)
          else batch.put(byName[table], key, value)
        }
      }),
    first: (table, limit) => [...byName[table].range({ limit })].map(({ key }) => key),
    bytes: () => store.bytes(),
  }
}

const cacheBytes = 64 * 1024 * 1024

async function sqlite(folder: string): Promise<RivalStore> {
  const database = new DatabaseSync(join(folder, 'store'))
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -${cacheBytes / 1024}; PRAGMA mmap_size = ${2 ** 36}`,
  )
  const statements = Object.fromEntries(
    tables.map((table) => {
      database.exec(`CREATE TABLE IF NOT EXISTS ${table} (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID`)
      return [
        table,
        {
          get: database.prepare(`SELECT value FROM ${table} WHERE key = ?`),
          put: database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?)`),
          delete: database.prepare(`DELETE FROM ${table} WHERE key = ?`),
          first: database.prepare(`SELECT key FROM ${table} ORDER BY key LIMIT ?`),
        },
      ]
    }),
  )
  const of = (table: Table) => {
    const found = statements[table]
    if (found === undefined) throw new Error(`no table ${table}`)
    return found
  }
  const bytesOf = (row: unknown, column: string) => {
    const value: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, column) : undefined
    return value instanceof Uint8Array ? value : undefined
  }
  return {
    get: (table, key) => bytesOf(of(table).get.get(key), 'value'),
    write(changes) {
      database.exec('BEGIN')
      for (const { table, key, value } of changes) {
        if (value === undefined) of(table).delete.run(key)
        else of(table).put.run(key, value)
      }
      database.exec('COMMIT')
    },
    first: (table, limit) =>
      of(table)
        .first.all(limit)
        .map((row) => Buffer.from(bytesOf(row, 'key') ?? [])),
    bytes: () => bytesIn(folder),
  }
}

/** As much of classic-level as is used. It is no dependency: `npm install --no-save classic-level@3.0.0`. */
type Level = {
  open(): Promise<void>
  getSync(key: Buffer): Buffer | undefined
  batch(operations: object[]): Promise<void>
  keys(range: object): AsyncIterable<Buffer>
}

async function level(folder: string): Promise<RivalStore> {
  const name = 'classic-level'
  const { ClassicLevel } = (await import(name)) as { ClassicLevel: new (folder: string, options: object) => Level }
  const database = new ClassicLevel(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: cacheBytes,
    writeBufferSize: cacheBytes / 4,
  })
  await database.open()
  const prefixes = Object.fromEntries(tables.map((table, at) => [table, Buffer.of(at)]))
  const keyIn = (table: Table, key: Buffer) => Buffer.concat([prefixes[table] ?? Buffer.alloc(0), key])
  return {
    get: (table, key) => database.getSync(keyIn(table, key)),
    write: (changes) =>
      database.batch(
        changes.map(({ table, key, value }) =>
          value === undefined
            ? { type: 'del', key: keyIn(table, key) }
            : { type: 'put', key: keyIn(table, key), value },
        ),
      ),
    async first(table, limit) {
      const keys: Buffer[] = []
      // Its ranges can't be read in one call: a processor would have to wait.
      for await (const key of database.keys({ gte: prefixes[table], limit })) keys.push(key.subarray(1))
      return keys
    },
    bytes: () => bytesIn(folder),
  }
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, file) => {
    const { blocks = 0 } = statSync(join(folder, file), { throwIfNoEntry: false }) ?? {}
    return sum + blocks * 512
  }, 0)
}
