import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { boundedFiles } from '../../src/log/bounded-files.ts'
import { type Files, nodeFiles } from '../../src/log/index.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { partitionOf, readAll, TestClock, temporaryFolder, testStorage } from '../support/test-storage.ts'

/** The real files, with a limit of this many open ones. */
function limitedFiles(limit: number): Files & { readonly open: Files['open']; mostOpen(): number } {
  let [now, most] = [0, 0]
  const opened = (fd: number) => {
    now += 1
    most = Math.max(most, now)
    return fd
  }
  const checked = <T>(work: () => T): T => {
    if (now >= limit) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
    return work()
  }
  return {
    ...nodeFiles,
    mostOpen: () => most,
    open: (path) => opened(checked(() => nodeFiles.open(path))),
    openForReading: (path) => opened(checked(() => nodeFiles.openForReading(path))),
    syncFolder: async (folder) => checked(() => nodeFiles.syncFolder(folder)),
    close: (fd) => {
      now -= 1
      nodeFiles.close(fd)
    },
  }
}

const text = (files: Files, fd: number, length: number) => {
  const buffer = Buffer.alloc(length)
  files.readNow(fd, buffer, 0)
  return buffer.toString()
}

test('many files share few descriptors, and each keeps its content', () => {
  const folder = temporaryFolder()
  const limited = limitedFiles(1000)
  const files = boundedFiles(limited, { maxOpenFiles: 3 })
  const opened = Array.from({ length: 20 }, (_, index) => files.open(join(folder, String(index))))
  for (const round of [0, 1, 2]) {
    for (const [index, fd] of opened.entries()) files.write(fd, [Buffer.from(`${index % 10}`)], round)
  }
  expect(opened.map((fd) => text(files, fd, 3))).toEqual(opened.map((_, index) => String(index % 10).repeat(3)))
  expect(limited.mostOpen()).toBe(3)
  for (const fd of opened) files.close(fd)
  expect(readFileSync(join(folder, '19'), 'utf8')).toBe('999')
})

test('a file whose name was removed can still be read', async () => {
  const folder = temporaryFolder()
  const files = boundedFiles(nodeFiles, { maxOpenFiles: 1 })
  const first = files.open(join(folder, 'first'))
  files.write(first, [Buffer.from('gone')], 0)
  const second = files.open(join(folder, 'second')) // The first one rests now.
  files.removeFile(join(folder, 'first'))
  files.write(second, [Buffer.from('x')], 0)
  expect(text(files, first, 4)).toBe('gone')
})

test('written data is synced before its descriptor is closed', () => {
  const folder = temporaryFolder()
  const synced: number[] = []
  const inner = { ...nodeFiles, syncNow: (fd: number) => void synced.push(fd) }
  const files = boundedFiles(inner, { maxOpenFiles: 1 })
  const written = files.open(join(folder, 'written'))
  files.write(written, [Buffer.from('x')], 0)
  files.close(files.open(join(folder, 'other')))
  expect(synced).toHaveLength(1)
})

test('descriptors are closed when the system has none left', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'sub'))
  const files = boundedFiles(limitedFiles(4), { maxOpenFiles: 100 })
  const opened = Array.from({ length: 10 }, (_, index) => files.open(join(folder, String(index))))
  for (const [index, fd] of opened.entries()) files.write(fd, [Buffer.from(String(index))], 0)
  expect(opened.map((fd) => text(files, fd, 1))).toEqual(opened.map((_, index) => String(index)))
})

// With one descriptor a partition, a log with more partitions than descriptors ended at the first append beyond.
test('a log with more partitions than descriptors takes and gives all records, also while it compacts and after a restart', async () => {
  const [clock, dataDir, partitions] = [new TestClock(), temporaryFolder(), 40]
  const config = { 'cleanup.policy': 'compact', 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.01' }
  const storage = await testStorage({ dataDir, clock, files: limitedFiles(12), maxOpenFiles: 6 })
  await storage.createTopic({ name: 'wide', partitions, config })
  const all = Array.from({ length: partitions }, (_, index) => partitionOf(storage, 'wide', index))
  for (const value of ['1', '2']) {
    await Promise.all(all.map((partition) => partition.append(batchOf([{ key: 'k', value }]), 'client')))
    clock.time += 1000
    await storage.maintain()
  }
  const contents = async (of: typeof all) => Promise.all(of.map(async (one) => valuesOf(await readAll(one)).at(-1)))
  expect(await contents(all)).toEqual(Array(partitions).fill('2'))
  await storage.close()
  const again = await testStorage({ dataDir, clock, files: limitedFiles(12), maxOpenFiles: 6 })
  const after = Array.from({ length: partitions }, (_, index) => partitionOf(again, 'wide', index))
  expect(await contents(after)).toEqual(Array(partitions).fill('2'))
})
