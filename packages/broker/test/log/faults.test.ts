import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { type ApiError, BrokenLogError, FolderLockedError, type Partition } from '../../src/log/index.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { faultyFiles, systemError } from '../support/faulty-files.ts'
import { flipByte, isJournal, newestJournal, segmentOf } from '../support/log-files.ts'
import { partitionOf, readAll, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const codeOf = (error: unknown) => (error as ApiError).code
const append = (partition: Partition, value: string) => partition.append(batchOf([value]), 'client')

/** Everything acknowledged, in a folder that is left as after a kill. */
async function killedLog(values: readonly string[]): Promise<string> {
  const dataDir = temporaryFolder()
  const { partition } = await testPartition({}, { dataDir })
  for (const value of values) await append(partition, value)
  return crashCopy(dataDir)
}

describe('a failed sync', () => {
  it('stops all writing, acknowledges nothing, and keeps what was durable readable', async () => {
    let failing = false
    const files = faultyFiles(({ operation, name, when }) => {
      if (failing && operation === 'sync' && isJournal(name) && when === 'before') throw systemError('EIO')
    })
    const { storage, partition } = await testPartition({}, { files })
    await append(partition, 'durable')
    failing = true
    expect(await append(partition, 'lost').catch(codeOf)).toBe(errors.KAFKA_STORAGE_ERROR)
    failing = false
    expect(await append(partition, 'later').catch(codeOf)).toBe(errors.KAFKA_STORAGE_ERROR)
    expect(await storage.createTopic({ name: 'other', partitions: 1 }).catch(codeOf)).toBe(errors.KAFKA_STORAGE_ERROR)
    expect((await storage.failure).message).toContain('EIO')
    expect(partition.highWatermark).toBe(1)
    expect(valuesOf(await readAll(partition))).toEqual(['durable'])
  })

  it('of a segment at a checkpoint stops it too, and the journal still has everything', async () => {
    const dataDir = temporaryFolder()
    const files = faultyFiles(({ operation, name, when }) => {
      if (operation === 'sync' && name.endsWith('.log') && when === 'before') throw systemError('EIO')
    })
    const { storage, partition } = await testPartition({}, { dataDir, files, checkpointBytes: 100 })
    await append(partition, 'a')
    await storage.failure
    expect(await append(partition, 'b').catch(codeOf)).toBe(errors.KAFKA_STORAGE_ERROR)
    const again = await testStorage({ dataDir: crashCopy(dataDir) })
    expect(valuesOf(await readAll(partitionOf(again, 'events')))).toEqual(['a'])
  })

  it('also refuses appends that waited for the same sync, and duplicates of what failed', async () => {
    let failing = false
    const files = faultyFiles(({ operation, name, when }) => {
      if (failing && operation === 'sync' && isJournal(name) && when === 'before') throw systemError('EIO')
    })
    const { partition } = await testPartition({}, { files })
    failing = true
    const send = () => batchOf(['x'], { producerId: 1, producerEpoch: 0, baseSequence: 0 })
    const outcomes = await Promise.all(
      [send(), send(), batchOf(['y'])].map((batch) => partition.append(batch, 'client').catch(codeOf)),
    )
    expect(outcomes).toEqual(outcomes.map(() => errors.KAFKA_STORAGE_ERROR))
    expect(await partition.append(send(), 'client').catch(codeOf)).toBe(errors.KAFKA_STORAGE_ERROR)
  })
})

describe('a full disk', () => {
  it.each(['journal', 'segment'])(
    'in the %s stops writing; after a start with room all acknowledged is there',
    async (file) => {
      const dataDir = temporaryFolder()
      let room = Number.POSITIVE_INFINITY
      const files = faultyFiles(({ operation, name, buffers, when, tear }) => {
        if (operation !== 'write' || when !== 'before' || isJournal(name) !== (file === 'journal')) return
        const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
        if (bytes > room) {
          tear(room)
          throw systemError('ENOSPC')
        }
        room -= bytes
      })
      const { storage, partition } = await testPartition({}, { dataDir, files })
      room = 300
      const acknowledged: string[] = []
      let refusal: unknown
      for (let index = 0; refusal === undefined; index++) {
        const value = `value ${index}`
        await append(partition, value).then(
          () => acknowledged.push(value),
          (error) => {
            refusal = error
          },
        )
      }
      expect(codeOf(refusal)).toBe(errors.KAFKA_STORAGE_ERROR)
      expect((refusal as Error).message).toContain('no space left')
      await storage.close().catch(() => undefined)
      const again = partitionOf(await testStorage({ dataDir }), 'events')
      const values = valuesOf(await readAll(again))
      expect(values.slice(0, acknowledged.length)).toEqual(acknowledged)
      expect(values.length).toBeLessThanOrEqual(acknowledged.length + 1)
      await append(again, 'more')
    },
  )
})

describe('a broken log is reported in one sentence', () => {
  const open = (dataDir: string) => testStorage({ dataDir }).catch((error) => error)

  it('when the journal is damaged before its end', async () => {
    const dataDir = await killedLog(['a', 'b', 'c'])
    flipByte(newestJournal(dataDir), 300)
    const error = await open(dataDir)
    expect(error).toBeInstanceOf(BrokenLogError)
    expect(error.message).toMatch(/^The journal .*journal-0000000001 is broken at byte \d+/)
  })

  it('when a journal is missing', async () => {
    const dataDir = await killedLog(['a'])
    rmSync(newestJournal(dataDir))
    expect((await open(dataDir)).message).toMatch(/is broken: .*journal-0000000001 is missing/)
  })

  async function closedLog(): Promise<string> {
    const dataDir = temporaryFolder()
    const { storage, partition } = await testPartition({}, { dataDir })
    for (const value of ['a', 'b', 'c']) await append(partition, value)
    await storage.close()
    return dataDir
  }

  it('when a segment was cut', async () => {
    const dataDir = await closedLog()
    truncateSync(segmentOf(dataDir), 100)
    expect((await open(dataDir)).message).toMatch(/\.log is broken: it has 100 of \d+ bytes$/)
  })

  it('when a segment was changed', async () => {
    const dataDir = await closedLog()
    flipByte(segmentOf(dataDir), 100)
    expect((await open(dataDir)).message).toMatch(/\.log is broken at byte 69: its checksum is wrong$/)
  })

  it('when the checkpoint was changed', async () => {
    const dataDir = await closedLog()
    flipByte(join(dataDir, 'checkpoint'), 30)
    expect((await open(dataDir)).message).toMatch(/^The checkpoint .* is broken/)
  })
})

describe('the lock on the data folder', () => {
  it('keeps a second storage out and names the holder, until the first one closes', async () => {
    const dataDir = temporaryFolder()
    const first = await testStorage({ dataDir })
    const refusal = await testStorage({ dataDir }).catch((error) => error)
    expect(refusal).toBeInstanceOf(FolderLockedError)
    expect(refusal.message).toBe(`The data folder ${dataDir} is in use by process ${process.pid}`)
    await first.close()
    await testStorage({ dataDir })
  })
})
