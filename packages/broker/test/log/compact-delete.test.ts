import { batchesOf, decodeRecords } from '@streampay/kafka/wire'
import { describe, expect, test } from 'vitest'
import type { Partition, Storage } from '../../src/log/index.ts'
import { batchOf, newYear } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { partitionOf, TestClock, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const config = {
  'cleanup.policy': 'compact,delete',
  'retention.ms': '100000',
  'delete.retention.ms': '5000',
  'segment.ms': '1000',
  'min.cleanable.dirty.ratio': '0.01',
}

type Entry = [key: string, value: string | null, timestamp: number]

async function put(partition: Partition, ...entries: readonly Entry[]): Promise<void> {
  const records = entries.map(([key, value, time]) => ({ key, value, timestamp: newYear + time }))
  await partition.append(batchOf(records), 'client')
}

async function contentOf(partition: Partition): Promise<[offset: number, key: string, value: string | null][]> {
  const found: [number, string, string | null][] = []
  for (let offset = partition.logStartOffset; offset < partition.highWatermark; ) {
    const read = await partition.read({ offset, maxBytes: 1000, isolation: 'read_uncommitted', minOneBatch: true })
    for (const { header, bytes } of batchesOf(read.records)) {
      offset = header.lastOffset + 1
      for (const record of decodeRecords(bytes)) {
        found.push([record.offset, String(record.key), record.value?.toString() ?? null])
      }
    }
  }
  return found
}

/** Closes the open segment by its age, and runs compaction and retention. */
async function maintain(storage: Storage, clock: TestClock, at: number): Promise<void> {
  clock.time = newYear + at
  await storage.maintain()
}

describe('a topic that is compacted and deleted from', () => {
  test('keeps the newest of each key, and deletes old segments by the times of the records that stayed', async () => {
    const [clock, dataDir] = [new TestClock(), temporaryFolder()]
    const { storage, partition } = await testPartition(config, { clock, dataDir })
    // `c` is the newest of its segment, and is overwritten by an older record: the rest of its segment is older.
    await put(partition, ['a', '1', 0], ['b', '1', 10_000], ['c', '1', 90_000])
    await maintain(storage, clock, 90_001)
    await put(partition, ['a', '2', 91_000], ['c', '2', 80_000])
    await maintain(storage, clock, 92_001)
    await put(partition, ['d', '1', 93_000])
    await maintain(storage, clock, 95_000)
    expect(await contentOf(partition)).toEqual([
      [1, 'b', '1'],
      [3, 'a', '2'],
      [4, 'c', '2'],
      [5, 'd', '1'],
    ])
    await maintain(storage, clock, 110_000)
    expect((await contentOf(partition)).map(([, key]) => key)).toContain('b')
    await maintain(storage, clock, 110_001)
    expect(await contentOf(partition)).toEqual([
      [3, 'a', '2'],
      [4, 'c', '2'],
      [5, 'd', '1'],
    ])
    expect(partition.logStartOffset).toBe(3)
    const again = partitionOf(await testStorage({ dataDir: crashCopy(dataDir), clock }), 'events')
    expect([again.logStartOffset, await contentOf(again)]).toEqual([3, await contentOf(partition)])
    await maintain(storage, clock, 193_001)
    expect([partition.logStartOffset, partition.highWatermark]).toEqual([6, 6])
    await put(partition, ['a', '3', 193_002])
    expect(await contentOf(partition)).toEqual([[6, 'a', '3']])
  })

  test('drops tombstones after delete.retention.ms, and the records that they deleted at once', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    await put(partition, ['a', '1', 0], ['b', '1', 0])
    await put(partition, ['a', null, 1])
    await maintain(storage, clock, 1000)
    expect(await contentOf(partition)).toEqual([
      [1, 'b', '1'],
      [2, 'a', null],
    ])
    await put(partition, ['x', '1', 2000])
    await maintain(storage, clock, 5999)
    expect((await contentOf(partition)).map(([, key]) => key)).toEqual(['b', 'a', 'x'])
    await put(partition, ['y', '1', 6000])
    await maintain(storage, clock, 7001)
    expect((await contentOf(partition)).map(([, key]) => key)).toEqual(['b', 'x', 'y'])
  })

  test('does not merge segments if their records would then be deleted too late', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition(config, { clock })
    for (let time = 0; time < 80_000; time += 8000) {
      await put(partition, [`key ${time}`, '1', time], ['always', `${time}`, time])
      await maintain(storage, clock, time + 1000)
    }
    await maintain(storage, clock, 140_001)
    // Records that are too old are gone within an eighth of retention.ms.
    const [oldest] = await contentOf(partition)
    expect(Number(oldest?.[1].slice(4))).toBeGreaterThanOrEqual(40_000 - 12_500)
    expect(Number(oldest?.[1].slice(4))).toBeLessThanOrEqual(48_000)
  })

  test('keeps records younger than min.compaction.lag.ms, and does not compact below min.cleanable.dirty.ratio', async () => {
    const clock = new TestClock()
    const lagging = {
      ...config,
      'retention.ms': '-1',
      'min.compaction.lag.ms': '50000',
      'min.cleanable.dirty.ratio': '0.5',
    }
    const { storage, partition } = await testPartition(lagging, { clock })
    await put(partition, ['a', '1', 0])
    await put(partition, ['a', '2', 1])
    await maintain(storage, clock, 49_000)
    expect(await contentOf(partition)).toHaveLength(2)
    await maintain(storage, clock, 50_001)
    expect(await contentOf(partition)).toEqual([[1, 'a', '2']])
    // The new part is as large as the old one, and not larger.
    await put(partition, ['a', '3', 50_002])
    await maintain(storage, clock, 101_003)
    expect(await contentOf(partition)).toHaveLength(2)
  })
})

describe('a topic that is only compacted', () => {
  test('keeps the newest of each key at any age', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition({ ...config, 'cleanup.policy': 'compact' }, { clock })
    await put(partition, ['a', '1', 0])
    await put(partition, ['a', '2', 1], ['b', '1', 1])
    await maintain(storage, clock, 10_000_000)
    expect(await contentOf(partition)).toEqual([
      [1, 'a', '2'],
      [2, 'b', '1'],
    ])
  })
})
