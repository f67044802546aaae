/** The header of a batch: logs and clients of other authors read the same fields at the same bytes. */
import { describe, expect, it } from 'vitest'
import {
  batchesOf,
  decodeRecords,
  encodeBatch,
  MalformedError,
  readBatchHeader,
  setBaseOffset,
  setCreateTime,
  setLogAppendTime,
  verifyCrc,
  visitRecords,
  walkRecords,
} from '../src/wire/index.ts'
import { rawBatch, rawRecord, rawRecords, rawTime } from './support/raw-batch.ts'

const headerBytes = 61
const timestamp = Number(rawTime)
const record = { timestamp, key: Buffer.from('key'), value: Buffer.from('value') }
const limits = { maxItems: 100, maxUnpackedBytes: 10_000 }
const whole = () => rawBatch({ records: rawRecord() })

describe('a batch that is encoded', () => {
  it('has by default no producer, no transaction, no compression and the times of its records', () => {
    expect(encodeBatch({ records: [record] })).toEqual(whole())
    expect(readBatchHeader(whole())).toEqual({
      baseOffset: 0,
      sizeInBytes: whole().length,
      partitionLeaderEpoch: -1,
      magic: 2,
      crc: whole().readUInt32BE(17),
      compression: 'none',
      timestampType: 'CreateTime',
      isTransactional: false,
      isControl: false,
      lastOffsetDelta: 0,
      lastOffset: 0,
      baseTimestamp: timestamp,
      maxTimestamp: timestamp,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      recordCount: 1,
      deleteHorizon: null,
    })
  })

  it('has every field that is given, each in its place', () => {
    const given = {
      baseOffset: 2 ** 40,
      partitionLeaderEpoch: 4,
      compression: 'zstd',
      timestampType: 'LogAppendTime',
      isTransactional: true,
      isControl: true,
      lastOffsetDelta: 11,
      maxTimestamp: timestamp + 9,
      producerId: 2 ** 41,
      producerEpoch: 5,
      baseSequence: 6,
      deleteHorizon: timestamp - 7,
    } as const
    const bytes = encodeBatch({ ...given, records: [record, record], baseTimestamp: 1 })
    expect(readBatchHeader(bytes)).toMatchObject({
      ...given,
      lastOffset: 2 ** 40 + 11,
      baseTimestamp: given.deleteHorizon,
      recordCount: 2,
    })
    expect(verifyCrc(bytes)).toBe(true)
  })

  it.each([
    ['LogAppendTime', { timestampType: 'LogAppendTime' }, 0x08],
    ['a transaction', { isTransactional: true }, 0x10],
    ['a marker', { isControl: true }, 0x20],
    ['a delete horizon', { deleteHorizon: timestamp }, 0x40],
  ] as const)('says with one bit that it has %s', (_, change, bit) => {
    const bytes = encodeBatch({ records: [record], ...change })
    expect(bytes.readInt16BE(21)).toBe(bit)
    expect(readBatchHeader(bytes)).toMatchObject(change)
  })

  it('may be without records, and keeps its time and its last offset then', () => {
    const bytes = encodeBatch({ records: [], baseOffset: 7, lastOffsetDelta: 2, baseTimestamp: 5 })
    expect(readBatchHeader(bytes)).toMatchObject({ baseTimestamp: 5, maxTimestamp: 5, lastOffset: 9, recordCount: 0 })
    expect(decodeRecords(bytes)).toEqual([])
    const bare = readBatchHeader(encodeBatch({ records: [] }))
    expect(bare).toMatchObject({ baseTimestamp: -1, maxTimestamp: -1, lastOffsetDelta: 0 })
  })
})

describe('the header of a batch', () => {
  it('is read at any place, if all of it is there, also without its records', () => {
    const two = Buffer.concat([whole(), encodeBatch({ records: [record], baseOffset: 5 })])
    const at = whole().length
    expect(readBatchHeader(two.subarray(0, at + headerBytes), at).baseOffset).toBe(5)
    expect(() => readBatchHeader(two.subarray(0, at + headerBytes - 1), at)).toThrow(MalformedError)
    // One byte before it, this batch looks like the header of another one.
    const shifted = encodeBatch({ records: [{ ...record, value: Buffer.alloc(13_000) }], partitionLeaderEpoch: 2 })
    expect(() => readBatchHeader(shifted, -1)).toThrow(MalformedError)
  })

  it.each([
    ['a size below that of a header', { records: Buffer.alloc(0), lengthOff: -1 }],
    ['an older format', { records: rawRecord(), magic: 1 }],
    ['an unknown compression', { records: rawRecord(), attributes: 5 }],
  ])('is refused with %s', (_, raw) => {
    expect(() => readBatchHeader(rawBatch(raw))).toThrow(MalformedError)
  })
})

describe('the batches of a buffer', () => {
  const found = (buffer: Buffer) => [...batchesOf(buffer)].map(({ bytes }) => bytes)
  const empty = encodeBatch({ records: [] })

  it('are those that are whole, up to one that is cut off', () => {
    expect(found(Buffer.concat([whole(), empty, whole()]))).toEqual([whole(), empty, whole()])
    expect(found(Buffer.concat([empty, whole().subarray(0, -1)]))).toEqual([empty])
    expect(found(empty.subarray(0, -1))).toEqual([])
  })

  it.each([
    ['shorter than a header', rawBatch({ records: Buffer.alloc(0), lengthOff: -1 })],
    ['of an older format', rawBatch({ records: rawRecord(), magic: 1 })],
  ])('are refused from the first one on that is %s', (_, wrong) => {
    expect(() => found(Buffer.concat([whole(), wrong]))).toThrow(MalformedError)
  })
})

describe('what a log writes into a batch', () => {
  const behind = () => Buffer.concat([whole(), rawBatch({ records: rawRecords(2), count: 2, attributes: 0x50 })])
  const at = whole().length

  it('is its place, which the checksum does not cover', () => {
    const bytes = behind()
    setBaseOffset(bytes, at, 1234, 7)
    expect(readBatchHeader(bytes, at)).toMatchObject({ baseOffset: 1234, partitionLeaderEpoch: 7 })
    expect(bytes.subarray(0, at)).toEqual(whole())
    expect([verifyCrc(bytes), verifyCrc(bytes, at)]).toEqual([true, true])
  })

  it('is its time, which all records have then, or theirs; a delete horizon of a producer does not stay', () => {
    const bytes = behind()
    setLogAppendTime(bytes, at, 99)
    const stamped = { timestampType: 'LogAppendTime', maxTimestamp: 99, deleteHorizon: null, isTransactional: true }
    expect(readBatchHeader(bytes, at)).toMatchObject(stamped)
    expect(decodeRecords(bytes.subarray(at)).map((one) => one.timestamp)).toEqual([99, 99])
    expect(verifyCrc(bytes, at)).toBe(true)
    setCreateTime(bytes, at, 98)
    const own = { timestampType: 'CreateTime', maxTimestamp: 98, deleteHorizon: null, isTransactional: true }
    expect(readBatchHeader(bytes, at)).toMatchObject(own)
    expect(decodeRecords(bytes.subarray(at)).map((one) => one.timestamp)).toEqual([timestamp, timestamp])
    expect(bytes.subarray(0, at)).toEqual(whole())
    expect(verifyCrc(bytes, at)).toBe(true)
  })

  it.each([21, 40, 57, headerBytes, whole().length - 1])('a change of byte %i shows in the checksum', (place) => {
    const bytes = whole()
    bytes[place] = (bytes[place] ?? 0) ^ 1
    expect(verifyCrc(bytes)).toBe(false)
  })
})

describe('the records of a batch', () => {
  const counted = (walk: (visit: () => void) => void) => {
    let count = 0
    walk(() => count++)
    return count
  }
  const readers = [
    ['decoded', (batch: Buffer) => decodeRecords(batch).length],
    ['visited', (batch: Buffer) => counted((visit) => visitRecords(batch, visit))],
    ['walked over', (batch: Buffer) => counted((visit) => walkRecords(batch, limits, visit))],
  ] as const

  it.each(readers)('are %s without what stands behind it', (_, read) => {
    expect(read(Buffer.concat([rawBatch({ records: rawRecords(3), count: 3 }), Buffer.alloc(5, 9)]))).toBe(3)
    expect(() => read(whole().subarray(0, -1))).toThrow(MalformedError)
  })

  it('are not read from a batch that says to be longer than it is', () => {
    const sent = rawBatch({ records: rawRecord(), lengthOff: 5 })
    expect(() => decodeRecords(sent)).toThrow(MalformedError)
    expect(() => visitRecords(sent, () => undefined)).toThrow(MalformedError)
  })
})
