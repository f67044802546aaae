import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Partition } from '../../src/log/index.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { newestJournal, segmentOf } from '../support/log-files.ts'
import {
  closeStorages,
  partitionOf,
  readAll,
  temporaryFolder,
  testPartition,
  testStorage,
} from '../support/test-storage.ts'

const append = (partition: Partition, value: string) => partition.append(batchOf([value]), 'client')

/** Everything acknowledged, in a folder that is left as after a kill. */
async function killedLog(values: readonly string[]): Promise<string> {
  const dataDir = temporaryFolder()
  const { partition } = await testPartition({}, { dataDir })
  for (const value of values) await append(partition, value)
  return crashCopy(dataDir)
}

describe('after a kill', () => {
  it('everything acknowledged is there', async () => {
    const dataDir = await killedLog(['a', 'b', 'c'])
    const partition = partitionOf(await testStorage({ dataDir }), 'events')
    expect(valuesOf(await readAll(partition))).toEqual(['a', 'b', 'c'])
    expect((await append(partition, 'd')).baseOffset).toBe(3)
  })

  it('a torn end of the journal is cut off, at any byte', async () => {
    const dataDir = await killedLog(['a', 'b', 'c'])
    const size = statSync(newestJournal(dataDir)).size
    // The last frame holds `c`: 24 bytes of frame, 25 of entry, the batch.
    const lastFrame = 24 + 25 + batchOf(['c']).length
    for (let lost = 1; lost < lastFrame; lost++) {
      const torn = crashCopy(dataDir)
      truncateSync(newestJournal(torn), size - lost)
      const partition = partitionOf(await testStorage({ dataDir: torn }), 'events')
      expect(valuesOf(await readAll(partition))).toEqual(['a', 'b'])
      expect((await append(partition, 'd')).baseOffset).toBe(2)
      await closeStorages()
    }
  }, 60_000)

  it('a torn end that was padded with zeros is cut off too', async () => {
    const dataDir = await killedLog(['a', 'b'])
    const journal = newestJournal(dataDir)
    const bytes = readFileSync(journal)
    writeFileSync(journal, Buffer.concat([bytes.subarray(0, bytes.length - 30), Buffer.alloc(5000)]))
    expect(valuesOf(await readAll(partitionOf(await testStorage({ dataDir }), 'events')))).toEqual(['a'])
  })

  it('bytes that the segment files lost or gained since the checkpoint do not matter', async () => {
    const dataDir = await killedLog(['a', 'b', 'c'])
    for (const damage of [
      (path: string) => truncateSync(path, 10),
      (path: string) => writeFileSync(path, Buffer.alloc(100_000, 1)),
      (path: string) => rmSync(path),
    ]) {
      const damaged = crashCopy(dataDir)
      damage(segmentOf(damaged))
      const partition = partitionOf(await testStorage({ dataDir: damaged }), 'events')
      expect(valuesOf(await readAll(partition))).toEqual(['a', 'b', 'c'])
    }
  })

  it('an incomplete checkpoint is ignored, torn at any byte', async () => {
    const dataDir = await killedLog(['a', 'b'])
    const whole = crashCopy(dataDir)
    await (await testStorage({ dataDir: whole })).close()
    const checkpoint = readFileSync(join(whole, 'checkpoint'))
    for (let bytes = 0; bytes <= checkpoint.length; bytes += 7) {
      const torn = crashCopy(dataDir)
      writeFileSync(join(torn, 'checkpoint.new'), checkpoint.subarray(0, bytes))
      expect(valuesOf(await readAll(partitionOf(await testStorage({ dataDir: torn }), 'events')))).toEqual(['a', 'b'])
      await closeStorages()
    }
  }, 60_000)

  it('again and again, nothing is lost or doubled', async () => {
    let dataDir = temporaryFolder()
    await (await testStorage({ dataDir })).createTopic({ name: 'events', partitions: 1 })
    const expected: string[] = []
    for (let round = 0; round < 5; round++) {
      dataDir = crashCopy(dataDir)
      const partition = partitionOf(await testStorage({ dataDir, checkpointBytes: 300 }), 'events')
      expect(valuesOf(await readAll(partition))).toEqual(expected)
      for (let index = 0; index < 7; index++) {
        expected.push(`${round}.${index}`)
        await append(partition, `${round}.${index}`)
      }
    }
  })

  it('topics, their configuration and deletions are as they were acknowledged', async () => {
    const dataDir = temporaryFolder()
    const storage = await testStorage({ dataDir })
    const kept = await storage.createTopic({ name: 'kept', partitions: 2, config: { 'retention.ms': '5' } })
    await storage.createTopic({ name: 'gone', partitions: 1 })
    await append(partitionOf(storage, 'gone'), 'x')
    await storage.deleteTopic('gone')
    const newer = await storage.createTopic({ name: 'gone', partitions: 1 })
    await storage.createPartitions('kept', 3)
    await storage.setTopicConfig('kept', { 'retention.ms': '6' })
    const ids = [await storage.nextProducerId(), await storage.nextProducerId()]
    const again = await testStorage({ dataDir: crashCopy(dataDir) })
    expect(again.topics()).toEqual([newer, { ...kept, partitions: 3, config: { 'retention.ms': '6' } }])
    expect(await readAll(partitionOf(again, 'gone'))).toHaveLength(0)
    expect(again.partition('kept', 2)?.logEndOffset).toBe(0)
    expect(ids).not.toContain(await again.nextProducerId())
  })
})
