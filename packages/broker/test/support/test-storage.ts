import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Files, openStorage, type Partition, type Storage, type StorageLogger } from '../../src/log/index.ts'
import { newYear } from './batches.ts'

export class TestClock {
  time = newYear
  now(): number {
    return this.time
  }
}

export const silentLogger: StorageLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

const opened: Storage[] = []
const folders: string[] = []

/** Closes all storages and removes their folders before the test ends: for one that needs many, one after the other. */
export async function closeAll(): Promise<void> {
  await closeStorages()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

export async function closeStorages(): Promise<void> {
  for (const storage of opened.splice(0)) await storage.close().catch(() => undefined)
}

/** Removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-broker-'))
  folders.push(folder)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type TestStorageOptions = {
  dataDir?: string
  files?: Files
  clock?: TestClock
  checkpointBytes?: number
  compactionMaxKeys?: number
  maxOpenFiles?: number
}

/** A storage that is closed, and whose folder is removed, after the test. */
export async function testStorage(options: TestStorageOptions = {}): Promise<Storage> {
  const { dataDir = temporaryFolder(), clock = new TestClock(), ...rest } = options
  const storage = await openStorage({ logger: silentLogger, maintenanceIntervalMs: 0, ...rest, dataDir, clock })
  opened.push(storage)
  onTestFinished(closeStorages)
  return storage
}

export function partitionOf(storage: Storage, topic: string, index = 0): Partition {
  const partition = storage.partition(topic, index)
  if (partition === undefined) throw new Error(`no partition ${topic}-${index}`)
  return partition
}

export async function testPartition(
  config: Record<string, string> = {},
  options: TestStorageOptions = {},
): Promise<{ storage: Storage; partition: Partition }> {
  const storage = await testStorage(options)
  await storage.createTopic({ name: 'events', partitions: 1, config })
  return { storage, partition: partitionOf(storage, 'events') }
}

/** Everything visible from the offset on. */
export async function readAll(
  partition: Partition,
  isolation: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
  from = partition.logStartOffset,
): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let offset = from; ; ) {
    const { records } = await partition.read({ offset, maxBytes: 1024 * 1024, isolation, minOneBatch: true })
    if (records.length === 0) return Buffer.concat(parts)
    parts.push(records)
    offset = nextOffsetAfter(records)
  }
}

function nextOffsetAfter(records: Buffer): number {
  let next = 0
  for (let at = 0; at < records.length; at += records.readInt32BE(at + 8) + 12) {
    next = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
  }
  return next
}
