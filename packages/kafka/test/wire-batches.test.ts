import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  batchesOf,
  compressions,
  decodeControlRecord,
  decodeRecords,
  encodeBatch,
  encodeControlBatch,
  MalformedError,
  readBatchHeader,
  setBaseOffset,
  setLogAppendTime,
  verifyCrc,
} from '../src/wire/index.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)))
const record = fc.record({
  timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 8 }), bytes), { maxLength: 3 }),
})

test.each(compressions)('gives back the records of a batch with compression %s', (compression) => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), fc.nat(), (records, baseOffset) => {
      const batch = encodeBatch({ records, baseOffset, compression })
      expect(verifyCrc(batch)).toBe(true)
      expect(readBatchHeader(batch)).toMatchObject({
        baseOffset,
        compression,
        sizeInBytes: batch.length,
        recordCount: records.length,
        lastOffset: baseOffset + records.length - 1,
        maxTimestamp: Math.max(...records.map(({ timestamp }) => timestamp)),
      })
      expect(decodeRecords(batch)).toEqual(records.map((one, index) => ({ ...one, offset: baseOffset + index })))
    }),
    { numRuns: 50 },
  )
})

test.each(compressions)(
  'is read by an independent client with compression %s, and reads what that wrote',
  (compression) => {
    const key = Buffer.from('key')
    const value = Buffer.alloc(200_000, 'streampay ')
    const headers: Array<[string, Buffer]> = [['h', Buffer.from('x')]]
    const ours = encodeBatch({
      records: [{ timestamp: 1_700_000_000_000, key, value, headers }],
      compression,
      isTransactional: true,
      producerId: 4_000_000_000,
      producerEpoch: 3,
      baseSequence: 9,
    })
    const theirs = readRecordsBatch(Reader.from(ours))
    expect(theirs).toMatchObject({ producerId: 4_000_000_000n, producerEpoch: 3, firstSequence: 9 })
    expect(theirs.records[0]?.key?.equals(key)).toBe(true)
    expect(theirs.records[0]?.value?.equals(value)).toBe(true)

    const message = {
      topic: 't',
      key,
      value,
      timestamp: 1_700_000_000_000n,
      headers: new Map([[Buffer.from('h'), Buffer.from('x')]]),
    }
    const back = createRecordsBatch([message], { compression }).buffer
    expect(verifyCrc(back)).toBe(true)
    expect(decodeRecords(back)).toEqual([{ offset: 0, timestamp: 1_700_000_000_000, key, value, headers }])
  },
)

test('finds the batches of a buffer and ignores one that is cut off', () => {
  const one = encodeBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('a') }], baseOffset: 5 })
  const two = encodeBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('b') }], baseOffset: 6 })
  const found = [...batchesOf(Buffer.concat([one, two, one.subarray(0, one.length - 1)]))]
  expect(found.map(({ header }) => header.baseOffset)).toEqual([5, 6])
  expect(found[1]?.bytes.equals(two)).toBe(true)
})

test('moves a batch without touching its checksum, and renews it with the log append time', () => {
  const batch = encodeBatch({ records: [{ timestamp: 5, key: null, value: null }] })
  setBaseOffset(batch, 0, 1234, 7)
  expect(readBatchHeader(batch)).toMatchObject({ baseOffset: 1234, partitionLeaderEpoch: 7 })
  expect(verifyCrc(batch)).toBe(true)
  setLogAppendTime(batch, 0, 99)
  expect(verifyCrc(batch)).toBe(true)
  expect(decodeRecords(batch)[0]).toMatchObject({ offset: 1234, timestamp: 99 })
})

test('keeps the offsets that compaction leaves, and the last one of the batch', () => {
  const batch = encodeBatch({
    baseOffset: 100,
    lastOffsetDelta: 9,
    records: [
      { timestamp: 1, key: null, value: null, offset: 102 },
      { timestamp: 1, key: null, value: null, offset: 107 },
    ],
  })
  expect(readBatchHeader(batch).lastOffset).toBe(109)
  expect(decodeRecords(batch).map(({ offset }) => offset)).toEqual([102, 107])
})

test('writes markers that say how a transaction ended', () => {
  const marker = { producerId: 5, producerEpoch: 2, coordinatorEpoch: 3, timestamp: 1 }
  for (const commit of [true, false]) {
    const batch = encodeControlBatch({ ...marker, commit })
    expect(readBatchHeader(batch)).toMatchObject({ isControl: true, isTransactional: true, producerId: 5 })
    const [record] = decodeRecords(batch)
    expect(record && decodeControlRecord(record)).toEqual({ type: commit ? 'commit' : 'abort', coordinatorEpoch: 3 })
  }
})

test.each(compressions)('throws nothing but MalformedError for a damaged batch with compression %s', (compression) => {
  const records = [{ timestamp: 1, key: Buffer.from('key'), value: Buffer.alloc(300, 'abc') }]
  const good = encodeBatch({ records, compression })
  fc.assert(
    fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(good)
      damaged[at] = (damaged[at] ?? 0) ^ flip
      // Everything from the attributes on is under the checksum.
      if (at >= 21) expect(verifyCrc(damaged)).toBe(false)
      try {
        decodeRecords(damaged)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError)
      }
    }),
    { numRuns: 300 },
  )
})
