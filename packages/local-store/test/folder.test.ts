/** Which folders are used, and which are wiped. */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { type LocalStore, openLocalStore } from '../src/index.ts'

const maxBytes = 16 * 1024 * 1024
const bytes = (text: string) => Buffer.from(text)
let root = ''
let open: LocalStore[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'local-store-'))
  open = []
})

afterEach(async () => {
  for (const store of open) await store.close().catch(() => undefined)
  rmSync(root, { recursive: true, force: true })
})

type Options = { readonly format?: string; readonly bootId?: string | null; readonly maxBytes?: number }

async function opened(name: string, options: Options = {}) {
  const found = await openLocalStore({
    folder: join(root, name),
    format: 'one',
    maxBytes,
    bootId: 'this run',
    ...options,
  })
  open.push(found.store)
  return { ...found, content: found.store.table('t').get(bytes('key'))?.toString() }
}

/** A folder with an entry, closed. */
async function closed(name: string, content = 'value'): Promise<void> {
  const { store } = await opened(name)
  const table = store.table('t')
  store.write((batch) => batch.put(table, bytes('key'), bytes(content)))
  await store.close()
}

/** A folder with an entry as a killed process leaves it: its files, moved away while it runs. */
async function killed(name: string, options: Options = {}): Promise<void> {
  const { store } = await opened(`${name} of before`, options)
  const table = store.table('t')
  store.write((batch) => batch.put(table, bytes('key'), bytes('value')))
  renameSync(join(root, `${name} of before`), join(root, name))
  await store.close().catch(() => undefined)
}

const at = (name: string, file: string) => join(root, name, file)

it('uses a folder that was closed, on any run of any machine, and copies of it', async () => {
  await closed('a')
  cpSync(join(root, 'a'), join(root, 'copy'), { recursive: true })
  expect(await opened('a', { bootId: 'a later run' })).toMatchObject({ wiped: undefined, content: 'value' })
  expect(await opened('copy', { bootId: null })).toMatchObject({ wiped: undefined, content: 'value' })
})

it('uses a folder that was not closed during the same run of the machine alone', async () => {
  for (const name of ['a', 'b', 'c']) await killed(name)
  expect(await opened('a')).toMatchObject({ wiped: undefined, content: 'value' })
  expect(await opened('b', { bootId: 'a later run' })).toMatchObject({
    wiped: 'it was not closed, and the machine was started since, or is another one',
    content: undefined,
  })
  expect(await opened('c', { bootId: null })).toMatchObject({
    wiped: 'it was not closed, and this system does not say whether it was started since',
    content: undefined,
  })
})

it('uses no folder that was opened, killed on an earlier run, opened again and killed', async () => {
  await closed('a')
  renameSync(join(root, 'a'), join(root, 'b of before'))
  await killed('b', { bootId: 'a later run' })
  expect(await opened('b')).toMatchObject({
    wiped: 'it was not closed, and the machine was started since, or is another one',
  })
})

it('uses no copy of a folder that was not closed', async () => {
  await killed('a')
  cpSync(join(root, 'a'), join(root, 'copy'), { recursive: true })
  expect(await opened('copy')).toMatchObject({
    wiped: 'it was not closed, and its data file is a copy',
    content: undefined,
  })
})

it('wipes what was kept under another format, and says so once', async () => {
  await closed('a')
  expect(await opened('a', { format: 'two' })).toMatchObject({
    wiped: 'its format is "one", but "two" is needed',
    content: undefined,
  })
  await open.at(-1)?.close()
  expect(await opened('a', { format: 'two' })).toMatchObject({ wiped: undefined })
})

const damages: [string, (name: string) => void, string | RegExp][] = [
  [
    'a data file cut short',
    (name) => truncateSync(at(name, 'data.mdb'), 8192),
    /^its data file was cut short: 8192 of \d+ bytes$/,
  ],
  [
    'an empty data file',
    (name) => truncateSync(at(name, 'data.mdb'), 0),
    /^its data file was cut short: 0 of \d+ bytes$/,
  ],
  ['no data file', (name) => rmSync(at(name, 'data.mdb')), 'its data file is missing'],
  [
    'a data file of garbage',
    (name) => writeFileSync(at(name, 'data.mdb'), Buffer.alloc(statSync(at(name, 'data.mdb')).size, 'garbage')),
    "its data file is damaged: it has no page of LMDB's data version 2 at byte 0",
  ],
  [
    'a data file of zeros',
    (name) => writeFileSync(at(name, 'data.mdb'), Buffer.alloc(statSync(at(name, 'data.mdb')).size)),
    "its data file is damaged: it has no page of LMDB's data version 2 at byte 0",
  ],
  [
    'the data file of another',
    (name) => copyFileSync(at('other', 'data.mdb'), at(name, 'data.mdb')),
    'its data file is of another store',
  ],
  [
    'a data file of another version',
    (name) => overwrite(at(name, 'data.mdb'), { at: 4096 + 28, bytes: Buffer.of(99) }),
    "its data file is damaged: it has no page of LMDB's data version 2 at byte 4096",
  ],
  ['no note', (name) => rmSync(at(name, 'note.json')), 'the note beside its data file is missing'],
  ['half a note', (name) => truncateSync(at(name, 'note.json'), 30), /^the note beside its data file is damaged: /],
  [
    'another note',
    (name) => writeFileSync(at(name, 'note.json'), '{"format":"one"}'),
    /^the note .* has no note of a store$/,
  ],
]

function overwrite(path: string, patch: { readonly at: number; readonly bytes: Buffer }): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, patch.bytes, 0, patch.bytes.length, patch.at)
  closeSync(fd)
}

describe.each(damages)('%s', (_what, damage, reason) => {
  it('is noticed and wiped, whether the store was closed or not', async () => {
    await closed('other', 'of another')
    for (const [name, make] of Object.entries({ closed, killed })) {
      await make(name)
      damage(name)
      const found = await opened(name)
      expect(found.content).toBeUndefined()
      if (typeof reason === 'string') expect(found.wiped).toBe(reason)
      else expect(found.wiped).toMatch(reason)
      await found.store.close()
      expect(await opened(name)).toMatchObject({ wiped: undefined })
    }
  })
})

/** Needs more room than the file has when it is made. */
function fill(store: LocalStore): number {
  const table = store.table('t')
  for (let n = 0; n < 40; n++) {
    store.write((batch) => {
      for (let key = 0; key < 100; key++) batch.put(table, bytes(`${n}/${key}`), Buffer.alloc(1_000, n))
    })
  }
  return table.count()
}

test.skipIf(process.platform === 'win32')(
  'continues without its folder until it is closed, when that is deleted',
  async () => {
    const { store } = await opened('a')
    rmSync(join(root, 'a'), { recursive: true })
    expect(fill(store)).toBe(4_000)
    expect(store.bytes()).toBeGreaterThan(4_000_000)
    await store.close()
    expect(readdirSync(root)).toEqual([])
    expect(await opened('a')).toMatchObject({ wiped: undefined, content: undefined })
  },
)

test.skipIf(process.platform === 'win32')('leaves alone what was put in place of its folder meanwhile', async () => {
  await closed('closed')
  await killed('killed')
  for (const name of ['closed', 'killed']) {
    const { store } = await opened('a')
    rmSync(join(root, 'a'), { recursive: true })
    cpSync(join(root, name), join(root, 'a'), { recursive: true })
    fill(store)
    await store.close()
    const isBelieved = name === 'closed'
    expect(await opened('a')).toMatchObject({
      wiped: isBelieved ? undefined : 'it was not closed, and its data file is a copy',
      content: isBelieved ? 'value' : undefined,
    })
    await open.at(-1)?.close()
    rmSync(join(root, 'a'), { recursive: true })
  }
})

it('wipes nothing but its own files', async () => {
  await closed('a')
  writeFileSync(at('a', 'letter.txt'), 'mine')
  await (await opened('a', { format: 'two' })).store.close()
  expect(readdirSync(join(root, 'a')).sort()).toEqual([
    'data.mdb',
    'data.mdb-lock',
    'holder',
    'letter.txt',
    'lock',
    'note.json',
  ])
})

test.skipIf(process.platform === 'win32')('is for its owner alone', async () => {
  await opened('below/a')
  expect(statSync(join(root, 'below/a')).mode & 0o777).toBe(0o700)
  expect(statSync(at('below/a', 'data.mdb')).mode & 0o077).toBe(0)
})

it('opens with another bound, smaller or larger', async () => {
  await closed('a')
  for (const bound of [maxBytes / 4, maxBytes * 4, maxBytes]) {
    const { store, content, wiped } = await opened('a', { maxBytes: bound })
    expect([content, wiped]).toEqual(['value', undefined])
    await store.close()
  }
})

it('says which folder cannot be used, and why', async () => {
  writeFileSync(join(root, 'file'), '')
  await expect(opened('file/below')).rejects.toMatchObject({
    code: 'LOCAL_STORE_UNUSABLE',
    message: expect.stringMatching(/^The folder .*file\/below can't be used: ENOTDIR/),
    retriable: false,
  })
})

it('says that a bound is too large, and leaves nothing behind', async () => {
  for (const bound of [2 ** 62, 2 ** 44])
    await expect(opened('a', { maxBytes: bound })).rejects.toMatchObject({
      code: 'LOCAL_STORE_UNUSABLE',
      message: expect.stringMatching(/a map of \d+ bytes is asked for, and may have 17592186044416|EFBIG/),
    })
  expect(await opened('a')).toMatchObject({ wiped: undefined })
})

it('notices that pages are missing that were written after its note', async () => {
  const { store } = await opened('a of before', { maxBytes: 2 ** 30 })
  const table = store.table('t')
  const { size } = statSync(at('a of before', 'data.mdb'))
  for (let n = 0; store.bytes() < size + 2 ** 22; n++) {
    store.write((batch) => batch.put(table, bytes(`${n}`), Buffer.alloc(2 ** 20)))
  }
  renameSync(join(root, 'a of before'), join(root, 'a'))
  await store.close().catch(() => undefined)
  truncateSync(at('a', 'data.mdb'), size)
  expect((await opened('a')).wiped).toMatch(/^its data file is damaged: it was cut short: \d+ of \d+ bytes$/)
})

it('wipes at the next opening what was found damaged while it was in use', async () => {
  const { store } = await opened('a')
  const table = store.table('t')
  store.write((batch) => {
    for (let n = 1_000; n < 3_000; n++) batch.put(table, bytes(`${n}`), Buffer.alloc(100, 'filling'))
  })
  await store.close()
  const file = readFileSync(at('a', 'data.mdb'))
  for (let page = 0; page < file.length; page += 4096) {
    if (file.subarray(page, page + 4096).includes('fillingfilling')) file.fill(0, page, page + 4096)
  }
  overwrite(at('a', 'data.mdb'), { at: 0, bytes: file })
  const damaged = await openLocalStore({ folder: join(root, 'a'), format: 'one', maxBytes })
  open.push(damaged.store)
  expect(damaged.wiped).toBeUndefined()
  const read = () => damaged.store.table('t').get(bytes('1500'))
  expect(read).toThrow(/could not be read: MDB_CORRUPTED/)
  expect(() => [...damaged.store.table('t').range()]).toThrow(expect.objectContaining({ code: 'LOCAL_STORE_FAILED' }))
  await damaged.store.close()
  const again = await opened('a')
  expect(again.wiped).toMatch(/^its data file was found damaged: MDB_CORRUPTED/)
  expect(again.store.table('t').count()).toBe(0)
})

it('reports a value that the disk has changed, does not return it, and wipes it at the next opening', async () => {
  const { store } = await opened('a')
  const table = store.table('t')
  store.write((batch) => {
    for (let n = 100; n < 200; n++) batch.put(table, bytes(`${n}`), Buffer.from(`the balance of ${n}`))
  })
  await store.close()
  const file = readFileSync(at('a', 'data.mdb'))
  // Each copy of the page, since a free page may have it as well.
  for (let found = file.indexOf('of 150'); found >= 0; found = file.indexOf('of 150', found + 1))
    file.write('of 950', found)
  overwrite(at('a', 'data.mdb'), { at: 0, bytes: file })
  const told = vi.fn()
  const changed = await openLocalStore({ folder: join(root, 'a'), format: 'one', maxBytes, onDamaged: told })
  open.push(changed.store)
  expect(changed.wiped).toBeUndefined()
  const read = (n: number) =>
    changed.store
      .table('t')
      .get(bytes(`${n}`))
      ?.toString()
  expect(read(149)).toBe('the balance of 149')
  expect(told).not.toHaveBeenCalled()
  for (let times = 0; times < 2; times++) expect(() => read(150)).toThrow('the checksum of a value is wrong')
  expect(() => [...changed.store.table('t').range()]).toThrow(expect.objectContaining({ code: 'LOCAL_STORE_FAILED' }))
  await vi.waitFor(() => expect(told).toHaveBeenCalledExactlyOnceWith('the checksum of a value is wrong'))
  await changed.store.close()
  expect((await opened('a')).wiped).toBe('its data file was found damaged: the checksum of a value is wrong')
})

it('wipes what a process ended of three times in a row while it opened it', async () => {
  await closed('a')
  for (const [openings, wiped] of [
    [2, undefined],
    [3, 'the process ended 3 times in a row while it opened it'],
  ] as const) {
    const note = JSON.parse(readFileSync(at('a', 'note.json'), 'utf8'))
    writeFileSync(at('a', 'note.json'), JSON.stringify({ ...note, openings }))
    const { store, ...found } = await opened('a')
    expect(found.wiped).toBe(wiped)
    await store.close()
  }
})

it('is hardly longer than twice of what it holds, whatever its bound is', async () => {
  const { store } = await opened('a', { maxBytes: 2 ** 40 })
  const table = store.table('t')
  store.write((batch) => batch.put(table, bytes('key'), Buffer.alloc(1_000_000)))
  expect(statSync(at('a', 'data.mdb')).size).toBeLessThan(32 * 1024 * 1024)
  await store.close()
  expect(statSync(at('a', 'data.mdb')).size).toBeLessThan(32 * 1024 * 1024)
})

it('uses the length in a note as the least length, so that a file that grew is whole', async () => {
  await closed('a')
  appendFileSync(at('a', 'data.mdb'), Buffer.alloc(4096))
  expect(await opened('a')).toMatchObject({ wiped: undefined, content: 'value' })
})

// The superuser may write where others may not.
test.runIf(process.getuid?.() !== 0)('says that a folder is read-only', async () => {
  await closed('a')
  chmodSync(join(root, 'a'), 0o500)
  await expect(opened('a')).rejects.toMatchObject({ code: 'LOCAL_STORE_UNUSABLE' })
  chmodSync(join(root, 'a'), 0o700)
})
