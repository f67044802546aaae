/** The bound of a store, and a disk that is full. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it, test } from 'vitest'
import { type LocalStore, LocalStoreError, openLocalStore } from '../src/index.ts'

const maxBytes = 8 * 1024 * 1024
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-store-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const opened = async (where = folder) => (await openLocalStore({ folder: where, format: 'full', maxBytes })).store
const keyOf = (n: number) => Buffer.from(String((n * 7919) % 1_000_003))

/** Writes batches of 100 entries of 300 bytes until one fails. */
function fillUp(store: LocalStore): { readonly error: LocalStoreError; readonly entries: number } {
  const table = store.table('t')
  for (let n = 0; n < 1_000_000; n += 100) {
    try {
      store.write((batch) => {
        for (let at = n; at < n + 100; at++) batch.put(table, keyOf(at), Buffer.alloc(300, at))
      })
    } catch (error) {
      if (error instanceof LocalStoreError) return { error, entries: n }
      throw error
    }
  }
  throw new Error('a million entries found room')
}

it('writes nothing more at its bound, reads on, and takes more once there is room again', async () => {
  const store = await opened()
  const { error, entries } = fillUp(store)
  expect(error).toMatchObject({ code: 'LOCAL_STORE_FULL', retriable: true })
  expect(error.message).toMatch(/^The store .*data\.mdb has a bound of 8388608 bytes: \d+ are in use/)
  const table = store.table('t')
  expect(table.count()).toBe(entries)
  expect([...table.range()]).toHaveLength(entries)
  // Most of the bound can be used (leaves are two thirds full), and the file is not much larger.
  expect(entries * 300).toBeGreaterThan(maxBytes * 0.4)
  expect(store.bytes()).toBeLessThan(maxBytes * 1.5)

  for (let n = 0; n < entries; n += 100) {
    store.write((batch) => {
      for (let at = n; at < n + 100; at++) batch.delete(table, keyOf(at))
    })
  }
  expect(table.count()).toBe(0)
  expect(fillUp(store).entries).toBeGreaterThan(entries * 0.9)
  expect(store.bytes()).toBeLessThan(maxBytes * 1.5)
  store.write((batch) => batch.deleteRange(table))
  expect(fillUp(store).entries).toBeGreaterThan(entries * 0.9)
  await store.close()
})

it('refuses a batch that is larger than its bound, whole', async () => {
  const store = await opened()
  const table = store.table('t')
  const write = () =>
    store.write((batch) => {
      for (let n = 0; n < 20; n++) batch.put(table, keyOf(n), Buffer.alloc(1024 * 1024))
    })
  expect(write).toThrow(expect.objectContaining({ code: 'LOCAL_STORE_FULL' }))
  expect(table.count()).toBe(0)
  await store.close()
})

it('stays within its bound while the same keys are written again and again', async () => {
  const store = await opened()
  const table = store.table('t')
  for (let round = 0; round < 200; round++) {
    store.write((batch) => {
      for (let n = 0; n < 500; n++) batch.put(table, keyOf(n), Buffer.alloc(1_000, round))
    })
  }
  expect(table.count()).toBe(500)
  expect(store.bytes()).toBeLessThan(maxBytes * 1.5)
  await store.close()
})

/** A file system of 8 MB, which only the superuser can make. */
const disk = mkdtempSync(join(tmpdir(), 'local-store-disk-'))
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]).status === 0

afterAll(() => {
  if (isMounted) spawnSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})

test.runIf(isMounted)('a full disk fails the batch alone, and the process continues', async () => {
  const where = join(disk, 'store')
  const store = await opened(where)
  const table = store.table('t')
  const { error, entries } = fillUp(store)
  expect(error.code).toBe('LOCAL_STORE_FAILED')
  expect(error.message).toMatch(/There is no room on the disk for what is to be written: \d+ bytes are free/)
  expect(entries).toBeGreaterThan(1_000)
  expect([...table.range()]).toHaveLength(entries)

  // Another process takes the rest. Closing needs no space.
  const filler = join(disk, 'filler')
  fill(filler)
  expect(table.count()).toBe(entries)
  await store.close()
  await expect(opened(where)).rejects.toMatchObject({
    code: 'LOCAL_STORE_UNUSABLE',
    message: expect.stringMatching(/There is no room on the disk/),
  })
  rmSync(filler)
  rmSync(where, { recursive: true })
})

test.runIf(isMounted)('a disk without room for a store is named when it is opened', async () => {
  const filler = join(disk, 'filler')
  fill(filler)
  const where = join(disk, 'late')
  await expect(opened(where)).rejects.toMatchObject({
    code: 'LOCAL_STORE_UNUSABLE',
    message: expect.stringMatching(/ENOSPC|disk is full|no room on the disk/),
  })
  rmSync(filler)
  await (await opened(where)).close()
})

/** Takes the disk to its last block. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4096))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(file)
  }
}
