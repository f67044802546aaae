import { batchesOf, errors, readBatchHeader, verifyCrc } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import type { ApiError } from '../../src/log/index.ts'
import { batchOf, newYear, valuesOf } from '../support/batches.ts'
import {
  partitionOf,
  readAll,
  TestClock,
  temporaryFolder,
  testPartition,
  testStorage,
} from '../support/test-storage.ts'

const codeOf = (error: unknown) => (error as ApiError).code

describe('a partition', () => {
  it('answers the offsets of the batches that it accepted, and returns them unchanged', async () => {
    const { partition } = await testPartition()
    const first = await partition.append(batchOf(['a', 'b']), 'client')
    const second = await partition.append(batchOf(['c']), 'client')
    expect([first.baseOffset, second.baseOffset]).toEqual([0, 2])
    expect(partition.highWatermark).toBe(3)
    expect(valuesOf(await readAll(partition))).toEqual(['a', 'b', 'c'])
  })

  it('returns everything after a clean restart', async () => {
    const dataDir = temporaryFolder()
    const { storage, partition } = await testPartition({}, { dataDir })
    await partition.append(batchOf(['a', 'b']), 'client')
    await storage.close()
    const again = partitionOf(await testStorage({ dataDir }), 'events')
    expect(valuesOf(await readAll(again))).toEqual(['a', 'b'])
    expect((await again.append(batchOf(['c']), 'client')).baseOffset).toBe(2)
  })

  it('writes its own base offset and leader epoch, and keeps everything else', async () => {
    const { partition } = await testPartition()
    await partition.append(batchOf(['first']), 'client')
    const sent = batchOf(['a', 'b'], { partitionLeaderEpoch: 5, compression: 'gzip' })
    const content = Buffer.from(sent.subarray(16))
    await partition.append(sent, 'client')
    const [, stored] = [...batchesOf(await readAll(partition))]
    expect(stored?.header).toMatchObject({ baseOffset: 1, lastOffset: 2, partitionLeaderEpoch: 0, compression: 'gzip' })
    expect(stored?.bytes.subarray(16).equals(content)).toBe(true)
  })

  it('keeps producers in the order in which they asked, also when they do not wait', async () => {
    const { partition } = await testPartition()
    const values = Array.from({ length: 100 }, (_, index) => `value ${index}`)
    const results = await Promise.all(values.map((value) => partition.append(batchOf([value]), 'client')))
    expect(results.map((result) => result.baseOffset)).toEqual(values.map((_, index) => index))
    expect(valuesOf(await readAll(partition))).toEqual(values)
  })

  it('sets the time of records if the topic has LogAppendTime', async () => {
    const clock = new TestClock()
    const { partition } = await testPartition({ 'message.timestamp.type': 'LogAppendTime' }, { clock })
    clock.time = newYear + 5000
    const result = await partition.append(batchOf([{ value: 'a', timestamp: 1 }]), 'client')
    const stored = await readAll(partition)
    expect(result.logAppendTime).toBe(newYear + 5000)
    expect(verifyCrc(stored, 0)).toBe(true)
    expect(readBatchHeader(stored, 0)).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: newYear + 5000 })
  })
})

describe('a partition refuses', () => {
  const flipped = (batch: Buffer, at: number) => {
    batch.writeUInt8(batch.readUInt8(at) ^ 1, at)
    return batch
  }
  const resized = (batch: Buffer) => {
    batch.writeInt32BE(batch.readInt32BE(8) + 1, 8)
    return batch
  }
  const oldFormat = (batch: Buffer) => {
    batch.writeInt8(1, 16)
    return batch
  }
  const rows: [what: string, batch: () => Buffer, config: Record<string, string>, code: number][] = [
    ['a wrong checksum', () => flipped(batchOf(['a']), 65), {}, errors.CORRUPT_MESSAGE],
    ['less than a header', () => Buffer.alloc(60), {}, errors.CORRUPT_MESSAGE],
    ['a batch that is cut off', () => resized(batchOf(['a'])), {}, errors.CORRUPT_MESSAGE],
    ['an older message format', () => oldFormat(batchOf(['a'])), {}, errors.CORRUPT_MESSAGE],
    ['two batches at once', () => Buffer.concat([batchOf(['a']), batchOf(['b'])]), {}, errors.CORRUPT_MESSAGE],
    ['no records', () => batchOf([]), {}, errors.INVALID_RECORD],
    ['a control batch', () => batchOf(['a'], { isControl: true }), {}, errors.INVALID_RECORD],
    ['offsets with gaps', () => batchOf(['a'], { lastOffsetDelta: 3 }), {}, errors.INVALID_RECORD],
    ['a transaction of nobody', () => batchOf(['a'], { isTransactional: true }), {}, errors.INVALID_RECORD],
    [
      'a producer without sequence',
      () => batchOf(['a'], { producerId: 1, producerEpoch: 0 }),
      {},
      errors.INVALID_RECORD,
    ],
    ['one byte too many', () => batchOf(['a']), { 'max.message.bytes': '68' }, errors.MESSAGE_TOO_LARGE],
    ['no key on a compacted topic', () => batchOf(['a']), { 'cleanup.policy': 'compact' }, errors.INVALID_RECORD],
    [
      'no key in a compressed batch on a compacted topic',
      () => batchOf(['a'], { compression: 'gzip' }),
      { 'cleanup.policy': 'compact' },
      errors.INVALID_RECORD,
    ],
    [
      'a time further ahead than allowed',
      () => batchOf([{ value: 'a', timestamp: newYear + 3_600_001 }]),
      {},
      errors.INVALID_TIMESTAMP,
    ],
    [
      'a time longer ago than allowed',
      () => batchOf([{ value: 'a', timestamp: newYear - 1001 }]),
      { 'message.timestamp.before.max.ms': '1000' },
      errors.INVALID_TIMESTAMP,
    ],
  ]

  it.each(rows)('%s', async (_, batch, config, code) => {
    const { partition } = await testPartition(config)
    expect(codeOf(await partition.append(batch(), 'client').catch((error) => error))).toBe(code)
    expect(partition.logEndOffset).toBe(0)
  })

  it('nothing just within the limits', async () => {
    const size = batchOf(['a']).length
    const { partition } = await testPartition({
      'max.message.bytes': String(size),
      'message.timestamp.before.max.ms': '1000',
    })
    await partition.append(batchOf(['a']), 'client')
    await partition.append(batchOf([{ value: 'b', timestamp: newYear + 3_600_000 }]), 'client')
    await partition.append(batchOf([{ value: 'c', timestamp: newYear - 1000 }]), 'client')
    expect(valuesOf(await readAll(partition))).toEqual(['a', 'b', 'c'])
  })
})
