import { batchesOf, decodeRecords, errors } from '@streampay/kafka/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ApiError, nodeFiles, type Partition, type Storage } from '../../src/log/index.ts'
import type { LogPartition } from '../../src/log/partition.ts'
import { batchOf, newYear } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { faultyFiles, systemError } from '../support/faulty-files.ts'
import {
  partitionOf,
  readAll,
  TestClock,
  temporaryFolder,
  testPartition,
  testStorage,
} from '../support/test-storage.ts'

const retentionMs = 10_000
const config = {
  'cleanup.policy': 'compact',
  'segment.ms': '1000',
  'delete.retention.ms': String(retentionMs),
  'min.cleanable.dirty.ratio': '0.01',
}

type Entry = [key: string, value: string | null]

async function put(partition: Partition, entries: readonly Entry[], options = {}): Promise<void> {
  const records = entries.map(([key, value]) => ({ key, value }))
  await partition.append(batchOf(records, options), 'client')
}

/** Closes the open segment by its age, and compacts. */
async function compact(storage: Storage, clock: TestClock, afterMs = 1000): Promise<void> {
  clock.time += afterMs
  await storage.maintain()
}

/** The records that a consumer gets: offset, key and value of each; of transactions only committed ones. */
async function contentOf(partition: Partition): Promise<[offset: number, key: string, value: string | null][]> {
  const content: [number, string, string | null][] = []
  for (const { header, bytes } of batchesOf(await readAll(partition))) {
    if (header.isControl) continue
    for (const record of decodeRecords(bytes)) {
      content.push([record.offset, record.key?.toString() ?? '', record.value?.toString() ?? null])
    }
  }
  return content
}

const markersIn = async (partition: Partition) =>
  [...batchesOf(await readAll(partition))]
    .filter((batch) => batch.header.isControl)
    .map((batch) => batch.header.baseOffset)

describe('compaction', () => {
  it('keeps the newest record of each key at its offset', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    await put(partition, [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
    ])
    await put(partition, [['c', '1']], { compression: 'gzip' })
    await put(
      partition,
      [
        ['c', '2'],
        ['d', '1'],
      ],
      { compression: 'gzip' },
    )
    await compact(storage, clock)
    expect(await contentOf(partition)).toEqual([
      [1, 'b', '1'],
      [2, 'a', '2'],
      [4, 'c', '2'],
      [5, 'd', '1'],
    ])
    expect(partition.logEndOffset).toBe(6)
    expect((await partition.append(batchOf([{ key: 'e', value: '1' }]), 'client')).baseOffset).toBe(6)
  })

  it('keeps the times and the producer of the records that stay', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    const producer = { producerId: 5, producerEpoch: 2, baseSequence: 0 }
    const records = [
      { key: 'a', value: '1', timestamp: newYear - 50 },
      { key: 'a', value: '2', timestamp: newYear + 70 },
      { key: 'b', value: null, timestamp: newYear + 30 },
    ]
    await partition.append(batchOf(records, producer), 'client')
    await compact(storage, clock)
    const [batch] = [...batchesOf(await readAll(partition))]
    expect(batch?.header).toMatchObject({ ...producer, recordCount: 2, lastOffset: 2, maxTimestamp: newYear + 70 })
    expect(decodeRecords(batch?.bytes ?? Buffer.alloc(0)).map((record) => [record.offset, record.timestamp])).toEqual([
      [1, newYear + 70],
      [2, newYear + 30],
    ])
    expect(await partition.offsetForTimestamp(newYear + 60)).toEqual({ offset: 1, timestamp: newYear + 70 })
  })

  it('keeps a tombstone until delete.retention.ms after it was first compacted', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    await put(partition, [
      ['a', '1'],
      ['b', '1'],
    ])
    await put(partition, [['a', null]])
    await compact(storage, clock)
    expect(await contentOf(partition)).toEqual([
      [1, 'b', '1'],
      [2, 'a', null],
    ])
    await put(partition, [['x', '1']])
    await compact(storage, clock, retentionMs - 1)
    expect((await contentOf(partition)).map(([, key]) => key)).toEqual(['b', 'a', 'x'])
    await put(partition, [['x', '2']])
    await compact(storage, clock)
    expect((await contentOf(partition)).map(([, key]) => key)).toEqual(['b', 'x'])
  })

  it('never passes the last stable offset', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    await put(partition, [['a', '1']])
    await put(partition, [['a', '2']], producer)
    await compact(storage, clock)
    await put(partition, [['a', '3']])
    await compact(storage, clock)
    expect((await contentOf(partition)).map(([offset]) => offset)).toEqual([0, 1, 2])
    await partition.appendMarker({ producerId: 1, producerEpoch: 0, commit: false, coordinatorEpoch: 0 })
    await compact(storage, clock)
    expect((await contentOf(partition)).map(([offset]) => offset)).toEqual([2])
  })

  it('drops aborted records at once, and markers only when their data is gone and the time is over', async () => {
    const [clock, dataDir] = [new TestClock(), temporaryFolder()]
    const { storage, partition } = await testPartition(config, { clock, dataDir })
    const send = (baseSequence: number, entry: Entry) =>
      put(partition, [entry], { producerId: 1, producerEpoch: 0, baseSequence, isTransactional: true })
    const end = (commit: boolean) =>
      partition.appendMarker({ producerId: 1, producerEpoch: 0, commit, coordinatorEpoch: 0 })
    await put(partition, [['a', 'before']])
    await send(0, ['a', 'aborted']) // 1, marker 2
    await end(false)
    await send(1, ['b', 'committed']) // 3, marker 4
    await end(true)
    await put(partition, [['z', '1']]) // 5
    await compact(storage, clock)
    expect(await contentOf(partition)).toEqual([
      [0, 'a', 'before'],
      [3, 'b', 'committed'],
      [5, 'z', '1'],
    ])
    expect(await markersIn(partition)).toEqual([2, 4])
    await put(partition, [['z', '2']])
    await compact(storage, clock, retentionMs + 1000)
    expect(await markersIn(partition)).toEqual([4])
    const read = { offset: 0, maxBytes: 1000, isolation: 'read_committed', minOneBatch: true } as const
    expect((await partition.read(read)).abortedTransactions).toEqual([])
    const again = partitionOf(await testStorage({ dataDir: crashCopy(dataDir), clock }), 'events')
    expect(await contentOf(again)).toEqual(await contentOf(partition))
    expect((await again.read(read)).abortedTransactions).toEqual([])
  })

  it('lets readers reach the end of the log when the last records are removed', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    await put(partition, [['a', null]])
    await compact(storage, clock)
    await put(partition, [['b', null]])
    await compact(storage, clock)
    await put(partition, [['b', null]])
    await compact(storage, clock, retentionMs * 2)
    await put(partition, [['c', null]])
    await compact(storage, clock, retentionMs * 2)
    const last = [...batchesOf(await readAll(partition))].at(-1)
    expect(last?.header.lastOffset).toBe(partition.highWatermark - 1)
  })

  it('still knows the last sequence of a producer whose records were removed', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    const producer = { producerId: 1, producerEpoch: 0 }
    await put(partition, [['a', '1']], { ...producer, baseSequence: 0 })
    await put(partition, [['a', '2']])
    await compact(storage, clock)
    const refused = put(partition, [['a', '3']], { ...producer, baseSequence: 5 }).catch(
      (error: ApiError) => error.code,
    )
    expect(await refused).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
    await put(partition, [['a', '3']], { ...producer, baseSequence: 1 })
  })

  it('compacts large segments in a worker, while producers continue', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(
      { ...config, 'segment.bytes': '200000' },
      { clock, files: nodeFiles },
    )
    const value = 'x'.repeat(1000)
    for (let round = 0; round < 4; round++) {
      const keys = Array.from({ length: 100 }, (_, index): Entry => [`key ${index}`, `${round} ${value}`])
      await put(partition, keys)
    }
    clock.time += 1000
    const compacting = storage.maintain()
    await put(partition, [['late', '1']])
    expect((await compacting).partitionsCompacted).toBe(1)
    const content = await contentOf(partition)
    expect(content).toHaveLength(101)
    expect(content.slice(0, 100).every(([, , text]) => text?.startsWith('3 '))).toBe(true)
  })

  // The open segment was closed only while nothing was being written: under load it grew until it was full.
  it('closes the open segment when it is due, also while something is being written all the time', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    // As much as closes it by size; the time that closes it has not come yet.
    for (let count = 0; count < 5; count++) await put(partition, [['a', 'x'.repeat(1_000_000)]])
    const writing = put(partition, [['a', '2']])
    expect(partition.logEndOffset).toBeGreaterThan(partition.highWatermark)
    const maintained = storage.maintain()
    await Promise.all([writing, maintained])
    expect((partition as LogPartition).segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 5])
  })

  // The first partition whose compaction failed ended the round, at every round.
  it('continues with the other partitions when that of one fails', async () => {
    const clock = new TestClock()
    let failures = 1
    const files = faultyFiles(({ operation, name, when }) => {
      if (operation === 'open' && when === 'before' && name.endsWith('-1.log') && failures-- > 0)
        throw systemError('EIO')
    })
    const storage = await testStorage({ clock, files })
    for (const name of ['first', 'second']) {
      await storage.createTopic({ name, partitions: 1, config })
      for (const value of ['1', '2']) await put(partitionOf(storage, name), [['a', value]])
    }
    clock.time += 1000
    expect(await storage.maintain()).toMatchObject({ partitionsCompacted: 1 })
    expect(await contentOf(partitionOf(storage, 'first'))).toHaveLength(2)
    expect(await contentOf(partitionOf(storage, 'second'))).toEqual([[1, 'a', '2']])
  })

  it('leaves the same state as the whole log, after any writes, in any steps', async () => {
    const operation = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      value: fc.option(fc.nat(99).map(String), { nil: null, freq: 3 }),
      compactAfter: fc.nat(5).map((n) => n === 0),
    })
    const property = fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
      const [clock, dataDir] = [new TestClock(), temporaryFolder()]
      const { storage, partition } = await testPartition(config, { clock, dataDir })
      const expected = new Map<string, string>()
      for (const { key, value, compactAfter } of operations) {
        await put(partition, [[key, value]])
        if (value === null) expected.delete(key)
        else expected.set(key, value)
        if (compactAfter) await compact(storage, clock, 4000)
      }
      const state = new Map<string, string>()
      for (const [, key, value] of await contentOf(partition)) {
        if (value === null) state.delete(key)
        else state.set(key, value)
      }
      expect(state).toEqual(expected)
      await storage.close()
    })
    await fc.assert(property, { numRuns: 25 })
  })
})
