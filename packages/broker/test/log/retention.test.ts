import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Partition } from '../../src/log/index.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import {
  partitionOf,
  readAll,
  TestClock,
  temporaryFolder,
  testPartition,
  testStorage,
} from '../support/test-storage.ts'

const batchBytes = batchOf(['v0']).length
/** Every segment takes one batch. */
const oneBatchSegments = { 'segment.bytes': String(batchBytes) }

async function appendAt(partition: Partition, clock: TestClock, values: readonly string[]): Promise<void> {
  for (const value of values) {
    await partition.append(batchOf([{ value, timestamp: clock.now() }]), 'client')
    clock.time += 1000
  }
}

function segmentFiles(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'topics'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.log'),
  )
}

describe('retention', () => {
  it('by time deletes segments whose newest record is too old, and moves the log start', async () => {
    const [clock, dataDir] = [new TestClock(), temporaryFolder()]
    const config = { ...oneBatchSegments, 'retention.ms': '5000' }
    const { storage, partition } = await testPartition(config, { clock, dataDir })
    await appendAt(partition, clock, ['v0', 'v1', 'v2', 'v3'])
    expect(await storage.maintain()).toMatchObject({ segmentsDeleted: 0 })
    clock.time += 2001 // v0 is 6.001 s old, v1 5.001 s, v2 4.001 s
    expect(await storage.maintain()).toMatchObject({ segmentsDeleted: 2 })
    expect(partition.logStartOffset).toBe(2)
    expect(valuesOf(await readAll(partition))).toEqual(['v2', 'v3'])
    expect(segmentFiles(dataDir)).toHaveLength(2)
    const again = partitionOf(await testStorage({ dataDir: crashCopy(dataDir) }), 'events')
    expect(again.logStartOffset).toBe(2)
  })

  it('by time empties a log without new writes, and keeps its end', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition({ 'retention.ms': '5000' }, { clock })
    await appendAt(partition, clock, ['v0', 'v1'])
    clock.time += 60_000
    await storage.maintain()
    expect([partition.logStartOffset, partition.logEndOffset]).toEqual([2, 2])
    clock.time += 1
    await appendAt(partition, clock, ['v2'])
    expect(valuesOf(await readAll(partition))).toEqual(['v2'])
  })

  it('by size deletes the oldest segments as long as enough stays', async () => {
    const clock = new TestClock()
    const config = { ...oneBatchSegments, 'retention.bytes': String(2 * batchBytes + 1) }
    const { storage, partition } = await testPartition(config, { clock })
    await appendAt(partition, clock, ['v0', 'v1', 'v2', 'v3'])
    await storage.maintain()
    expect(valuesOf(await readAll(partition))).toEqual(['v1', 'v2', 'v3'])
  })

  it('deletes nothing where both limits are -1', async () => {
    const clock = new TestClock()
    const config = { ...oneBatchSegments, 'retention.ms': '-1', 'retention.bytes': '-1', 'segment.ms': '1000' }
    const { storage, partition } = await testPartition(config, { clock })
    await appendAt(partition, clock, ['v0', 'v1'])
    clock.time += 1000 * 86_400_000
    expect(await storage.maintain()).toEqual({ segmentsDeleted: 0, partitionsCompacted: 0 })
    expect(valuesOf(await readAll(partition))).toEqual(['v0', 'v1'])
  })

  it('keeps segments with an open transaction', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition({ ...oneBatchSegments, 'retention.ms': '1000' }, { clock })
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    await partition.append(batchOf(['open'], producer), 'client')
    await appendAt(partition, clock, ['v1', 'v2'])
    clock.time += 60_000
    await storage.maintain()
    expect(partition.logStartOffset).toBe(0)
    await partition.appendMarker({ producerId: 1, producerEpoch: 0, commit: true, coordinatorEpoch: 0 })
    clock.time += 60_000
    await storage.maintain()
    expect(partition.logStartOffset).toBe(4)
  })

  it('removes the files of deleted records', async () => {
    const [clock, dataDir] = [new TestClock(), temporaryFolder()]
    const config = { ...oneBatchSegments, 'retention.ms': '-1' }
    const { storage, partition } = await testPartition(config, { clock, dataDir })
    await appendAt(partition, clock, ['v0', 'v1', 'v2'])
    await partition.deleteRecords(2)
    await storage.maintain()
    expect(segmentFiles(dataDir)).toHaveLength(1)
    expect(valuesOf(await readAll(partition))).toEqual(['v2'])
  })

  it('does not disturb a reader that is in the middle of the log', async () => {
    const clock = new TestClock()
    const { storage, partition } = await testPartition({ ...oneBatchSegments, 'retention.bytes': '0' }, { clock })
    await appendAt(partition, clock, ['v0', 'v1', 'v2'])
    const reading = Promise.all(
      [0, 1, 2].map((from) => readAll(partition, 'read_uncommitted', from).catch((e) => e.code)),
    )
    await storage.maintain()
    for (const outcome of await reading) expect(outcome === 1 || valuesOf(outcome).at(-1) === 'v2').toBe(true)
  })
})
