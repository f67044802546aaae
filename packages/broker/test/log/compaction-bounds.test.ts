import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { batchesOf, decodeRecords } from '@streampay/kafka/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Files, Partition, Storage } from '../../src/log/index.ts'
import { NewestOffsets } from '../../src/log/newest-offsets.ts'
import { batchOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { faultyFiles } from '../support/faulty-files.ts'
import { partitionOf, TestClock, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const segmentBytes = 2000
const config = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(segmentBytes),
  'min.cleanable.dirty.ratio': '0.01',
}

/** One key a batch of about 100 bytes, in transactions of three, of which every fourth is aborted; then a last key. */
async function write(partition: Partition, keys: number, rounds: number): Promise<Map<string, string>> {
  const expected = new Map<string, string>()
  let [written, transaction] = [0, new Map<string, string>()]
  const producer = { producerId: 1, producerEpoch: 0, isTransactional: true }
  for (let round = 0; round < rounds; round++) {
    for (let key = 0; key < keys; key++) {
      const record = { key: `key ${key}`, value: `${round}` }
      await partition.append(batchOf([record], producer), 'coordinator')
      transaction.set(record.key, record.value)
      if (++written % 3 !== 0) continue
      const commit = written % 4 !== 0
      await partition.appendMarker({ producerId: 1, producerEpoch: 0, commit, coordinatorEpoch: 0 })
      if (commit) for (const [name, value] of transaction) expected.set(name, value)
      transaction = new Map()
    }
  }
  await partition.appendMarker({ producerId: 1, producerEpoch: 0, commit: false, coordinatorEpoch: 0 })
  await partition.append(batchOf([{ key: 'last', value: 'x'.repeat(segmentBytes) }]), 'client')
  return expected.set('last', 'x'.repeat(segmentBytes))
}

/** The records that a consumer of committed records gets, with their number. */
async function committed(partition: Partition): Promise<{ state: Map<string, string>; records: number }> {
  const state = new Map<string, string>()
  let records = 0
  for (let offset = 0; offset < partition.lastStableOffset; ) {
    const read = await partition.read({ offset, maxBytes: 300, isolation: 'read_committed', minOneBatch: true })
    const aborted = new Set<number>()
    for (const { header, bytes } of batchesOf(read.records)) {
      offset = header.lastOffset + 1
      for (const { producerId, firstOffset } of read.abortedTransactions) {
        if (firstOffset <= header.baseOffset) aborted.add(producerId)
      }
      const isOver = read.abortedTransactions.every((one) => one.firstOffset > header.baseOffset)
      if (header.isControl || (header.isTransactional && !isOver && (await isAborted(partition, header.baseOffset))))
        continue
      for (const { key, value } of decodeRecords(bytes)) {
        records += 1
        if (value === null) state.delete(String(key))
        else state.set(String(key), String(value))
      }
    }
  }
  return { state, records }
}

/** Fetches this batch alone. */
async function isAborted(partition: Partition, offset: number): Promise<boolean> {
  const read = await partition.read({ offset, maxBytes: 1, isolation: 'read_committed', minOneBatch: true })
  return read.abortedTransactions.length > 0
}

async function setUp(keys: number, rounds: number, options: { files?: Files; compactionMaxKeys?: number } = {}) {
  const dataDir = temporaryFolder()
  const clock = new TestClock()
  const { storage, partition } = await testPartition(config, { dataDir, clock, ...options })
  const expected = await write(partition, keys, rounds)
  return { dataDir, clock, storage, partition, expected }
}

describe('compaction', () => {
  test('of more keys than fit into memory takes several passes, and loses none', async () => {
    const { storage, partition, expected } = await setUp(40, 5, { compactionMaxKeys: 7 })
    const before = partition.sizeBytes
    await storage.maintain()
    const { state, records } = await committed(partition)
    expect(state).toEqual(expected)
    expect(records).toBe(expected.size)
    expect(partition.sizeBytes).toBeLessThan(before / 2)
  })

  test('needs disk space for one segment more, whatever the size of the log', async () => {
    let most = 0
    const bytesIn = (folder: string) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.log'))
        .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    let dataDir = ''
    const files = faultyFiles(({ operation, name, when }) => {
      if (dataDir !== '' && operation === 'sync' && name.endsWith('.log') && when === 'after') {
        most = Math.max(most, bytesIn(dataDir))
      }
    })
    // Each key occurs once: only aborted records are removed, and the markers stay.
    const { storage, partition, dataDir: folder } = await setUp(300, 1, { files })
    const before = partition.sizeBytes
    expect(before).toBeGreaterThan(15 * segmentBytes)
    dataDir = folder
    await storage.maintain()
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(before + segmentBytes)
  })

  test('does not rewrite segments from which nothing is removed', async () => {
    const { storage, partition, clock } = await setUp(200, 1)
    await storage.maintain()
    const names = () => new Set(partitionFiles(partition))
    const compacted = names()
    await partition.append(batchOf([{ key: 'new', value: 'y'.repeat(segmentBytes) }]), 'client')
    await partition.append(batchOf([{ key: 'newer', value: 'y'.repeat(segmentBytes) }]), 'client')
    clock.time += 1
    await storage.maintain()
    const kept = [...names()].filter((name) => compacted.has(name))
    expect(kept.length).toBeGreaterThan(compacted.size / 2)
  })

  test('that is killed at any step loses nothing that was committed', async () => {
    const copies: { readonly what: string; readonly folder: string }[] = []
    let dataDir = ''
    const files = faultyFiles(({ operation, name, when }) => {
      if (dataDir === '' || operation === 'open' || when === 'before') return
      copies.push({ what: `${when} ${operation} ${name}`, folder: crashCopy(dataDir) })
    })
    const { storage, dataDir: folder, clock, expected } = await setUp(12, 3, { files, compactionMaxKeys: 9 })
    dataDir = folder
    await storage.maintain()
    dataDir = ''
    expect(copies.length).toBeGreaterThan(20)
    for (const { what, folder: copy } of copies) {
      const again: Storage = await testStorage({ dataDir: copy, clock })
      const partition = partitionOf(again, 'events')
      expect({ what, state: (await committed(partition)).state }).toEqual({ what, state: expected })
      await again.close()
    }
  }, 120_000)
})

test('the table of newest offsets is a map from keys', () => {
  const writes = fc.array(fc.string({ maxLength: 3 }), { maxLength: 300 })
  fc.assert(
    fc.property(writes, writes, (keys, others) => {
      const expected = new Map<string, number>()
      const newest = new NewestOffsets(1000)
      for (const [offset, key] of keys.entries()) {
        expected.set(key, offset)
        newest.set(Buffer.from(key), offset)
      }
      for (const key of [...keys, ...others]) expect(newest.get(Buffer.from(key))).toBe(expected.get(key) ?? -1)
    }),
  )
  const large = new NewestOffsets(50_000)
  for (let key = 0; key < 50_000; key++) large.set(Buffer.from(`${key}`), key)
  expect([large.hasRoomFor(0), large.hasRoomFor(1)]).toEqual([true, false])
  for (let key = 0; key < 50_000; key += 7) expect(large.get(Buffer.from(`${key}`))).toBe(key)
})

function partitionFiles(partition: Partition): string[] {
  return (partition as unknown as { readonly segments: readonly { readonly file: string }[] }).segments.map(
    ({ file }) => file,
  )
}
