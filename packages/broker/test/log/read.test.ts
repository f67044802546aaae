import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchesOf, errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import type { ApiError, Partition } from '../../src/log/index.ts'
import { batchOf, newYear, valuesOf } from '../support/batches.ts'
import { partitionOf, readAll, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const codeOf = (error: unknown) => (error as ApiError).code
const append = (partition: Partition, values: string[]) => partition.append(batchOf(values), 'client')
const read = (partition: Partition, offset: number, maxBytes = 1_000_000, minOneBatch = true) =>
  partition.read({ offset, maxBytes, isolation: 'read_uncommitted', minOneBatch })

describe('reading', () => {
  it('gives the whole batch for an offset in its middle', async () => {
    const { partition } = await testPartition()
    await append(partition, ['a', 'b', 'c'])
    await append(partition, ['d'])
    const { records } = await read(partition, 1)
    expect([...batchesOf(records)].map((batch) => batch.header.baseOffset)).toEqual([0, 3])
  })

  it('gives whole batches within the limit, and one beyond it only when asked to', async () => {
    const { partition } = await testPartition()
    const size = batchOf(['a']).length
    for (const value of ['a', 'b', 'c']) await append(partition, [value])
    expect(valuesOf((await read(partition, 0, 2 * size)).records)).toEqual(['a', 'b'])
    expect(valuesOf((await read(partition, 0, 2 * size - 1)).records)).toEqual(['a'])
    expect(valuesOf((await read(partition, 0, 1)).records)).toEqual(['a'])
    expect((await read(partition, 0, size - 1, false)).records).toHaveLength(0)
    expect(valuesOf((await read(partition, 0, size, false)).records)).toEqual(['a'])
  })

  // When little space was left in a response, a partition whose next batch was too large returned the first one of its next segment, which
  // was smaller: a client that read on from there had lost everything in between.
  it('gives nothing rather than a batch of a later segment when the next one does not fit', async () => {
    const { partition } = await testPartition({ 'segment.bytes': '1600' })
    await append(partition, ['x'.repeat(1_500)])
    await append(partition, ['small'])
    expect((await read(partition, 0, 1_000, false)).records).toHaveLength(0)
    expect(valuesOf((await read(partition, 1, 1_000, false)).records)).toEqual(['small'])
  })

  it('gives a batch that is much larger than the limit and the index interval', async () => {
    const { partition } = await testPartition()
    await append(partition, ['small'])
    await append(partition, ['x'.repeat(300_000)])
    const { records } = await read(partition, 1, 10)
    expect(valuesOf(records)[0]).toHaveLength(300_000)
  })

  it('is empty at the end and refused beyond it and before the start', async () => {
    const { partition } = await testPartition()
    await append(partition, ['a', 'b'])
    expect((await read(partition, 2)).records).toHaveLength(0)
    expect(await read(partition, 3).catch(codeOf)).toBe(errors.OFFSET_OUT_OF_RANGE)
    await partition.deleteRecords(1)
    expect(await read(partition, 0).catch(codeOf)).toBe(errors.OFFSET_OUT_OF_RANGE)
  })

  it.each([
    ['while the segments are open', false],
    ['after a restart, when indexes are built anew', true],
  ])('finds every offset in many segments %s', async (_, restart) => {
    const dataDir = temporaryFolder()
    const config = { 'segment.bytes': '10000', 'index.interval.bytes': '500' }
    const { storage, partition } = await testPartition(config, { dataDir })
    const values = Array.from({ length: 400 }, (_, index) => `${index} ${'.'.repeat(index % 300)}`)
    await Promise.all(values.map((value) => append(partition, [value])))
    if (restart) await storage.close()
    const log = restart ? partitionOf(await testStorage({ dataDir }), 'events') : partition
    expect(valuesOf(await readAll(log))).toEqual(values)
    for (let offset = 0; offset < values.length; offset += 7) {
      expect(valuesOf((await read(log, offset, 1)).records)).toEqual([values[offset]])
    }
  })
})

describe('waiting', () => {
  it('ends when something is visible and when the topic is deleted, and can be cancelled', async () => {
    const { storage, partition } = await testPartition()
    const wakes: string[] = []
    const wait = (offset: number, name: string) =>
      partition.onAdvance(offset, 'read_uncommitted', () => wakes.push(name))
    expect(partition.isAtEnd(0, 'read_uncommitted')).toBe(true)
    const callOff = wait(0, 'data')
    wait(0, 'called off')()
    await append(partition, ['a'])
    expect(wakes).toEqual(['data'])
    expect([0, 1, 2].map((offset) => partition.isAtEnd(offset, 'read_uncommitted'))).toEqual([false, true, false])
    callOff()
    wait(0, 'there already')()
    expect(wakes).toEqual(['data', 'there already'])
    wait(1, 'deleted')
    await storage.deleteTopic('events')
    expect(wakes).toEqual(['data', 'there already', 'deleted'])
    expect(partition.isAtEnd(1, 'read_uncommitted')).toBe(false)
    wait(1, 'deleted before')
    expect(wakes.at(-1)).toBe('deleted before')
    expect(await read(partition, 1).catch(codeOf)).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await append(partition, ['b']).catch(codeOf)).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('offsets by time', () => {
  it('are those of the first record at or after it, whatever the order of times', async () => {
    const { partition } = await testPartition({ 'segment.bytes': '300' })
    const at = (...seconds: number[]) =>
      partition.append(batchOf(seconds.map((second) => ({ value: 'x', timestamp: newYear + second }))), 'client')
    await at(10, 20)
    await at(5)
    await at(30, 25, 40)
    await at(35)
    const find = async (second: number) => (await partition.offsetForTimestamp(newYear + second))?.offset
    expect(await find(0)).toBe(0)
    expect(await find(10)).toBe(0)
    expect(await find(11)).toBe(1)
    expect(await find(21)).toBe(3)
    expect(await find(31)).toBe(5)
    expect(await find(40)).toBe(5)
    expect(await find(41)).toBeUndefined()
    expect(await partition.offsetOfMaxTimestamp()).toEqual({ offset: 5, timestamp: newYear + 40 })
    await partition.deleteRecords(4)
    expect(await find(0)).toBe(4)
  })

  // A client that asked for the beginning got an unknown error, as long as the batch was there: nothing could be read.
  it('are that of a batch that cannot be decoded, if its times say so', async () => {
    const dataDir = temporaryFolder()
    const { partition } = await testPartition({}, { dataDir })
    const batches = [10, 20, 30].map((second) => batchOf([{ value: 'x', timestamp: newYear + second }]))
    for (const batch of batches) await partition.append(Buffer.from(batch), 'client')
    const [name = ''] = readdirSync(join(dataDir, 'topics'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.log'),
    )
    const path = join(dataDir, 'topics', name)
    const bytes = readFileSync(path)
    // The length of the record.
    bytes.writeUInt8(0xff, (batches[0]?.length ?? 0) + 61)
    writeFileSync(path, bytes)
    const find = (second: number) => partition.offsetForTimestamp(newYear + second)
    expect(await find(10)).toEqual({ offset: 0, timestamp: newYear + 10 })
    expect(await find(11)).toEqual({ offset: 1, timestamp: newYear + 20 })
    expect(await find(21)).toEqual({ offset: 2, timestamp: newYear + 30 })
  })

  it('do not pass the last stable offset for readers of committed records', async () => {
    const { partition } = await testPartition()
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    await partition.append(batchOf(['open'], producer), 'client')
    expect(await partition.offsetForTimestamp(newYear, 'read_uncommitted')).toEqual({ offset: 0, timestamp: newYear })
    expect(await partition.offsetForTimestamp(newYear, 'read_committed')).toBeUndefined()
  })
})

describe('deleting records', () => {
  it('moves the start, up to the high watermark and never back, and outlives a restart', async () => {
    const dataDir = temporaryFolder()
    const { storage, partition } = await testPartition({}, { dataDir })
    for (const value of ['a', 'b', 'c']) await append(partition, [value])
    expect(await partition.deleteRecords(2)).toBe(2)
    expect(await partition.deleteRecords(1)).toBe(2)
    expect(await partition.deleteRecords(4).catch(codeOf)).toBe(errors.OFFSET_OUT_OF_RANGE)
    await storage.close()
    const again = partitionOf(await testStorage({ dataDir }), 'events')
    expect(valuesOf(await readAll(again))).toEqual(['c'])
    expect(await again.deleteRecords(-1)).toBe(3)
    expect((await append(again, ['d'])).baseOffset).toBe(3)
  })
})
