/** The records inside a batch, as bytes of other authors' clients have them: what is read of them, and what is refused. */
import { describe, expect, it } from 'vitest'
import {
  type DecodedRecord,
  decodeRecords,
  encodeBatch,
  MalformedError,
  OversizedError,
  type RecordHeaders,
  type RecordToEncode,
  readBatchHeader,
  visitRecords,
  type WantedHeaders,
} from '../src/wire/index.ts'
import { rawBatch, rawHeader, rawRecord, rawRecords, rawTime, varint } from './support/raw-batch.ts'

const timestamp = Number(rawTime)
const text = (value: string) => Buffer.from(value)

/** Compared with these bytes, which the batches of other clients have been compared with. */
function expectAlike(records: readonly RecordToEncode[], raw: Buffer): void {
  expect(encodeBatch({ records })).toEqual(rawBatch({ records: raw, count: records.length }))
}

function headersOf(batch: Buffer, wanted?: WantedHeaders): RecordHeaders[] {
  const found: RecordHeaders[] = []
  visitRecords(batch, (_offset, _timestamp, _key, _value, headers) => found.push(headers), wanted)
  return found
}

describe('a record', () => {
  it.each([0, 1, 50, 51, 52, 53, 54, 55, 56, 57, 8_180, 8_181, 8_182, 8_183, 8_184, 8_185, 20_000])(
    'has the lengths that it says, with a value of %i bytes',
    (length) => {
      const value = Buffer.alloc(length, 'v')
      expectAlike([{ timestamp, key: null, value }], rawRecord({ key: null, value }))
    },
  )

  it('has headers in their order, which may have the same name, no name and no value', () => {
    const headers: RecordHeaders = [
      ['ü', text('x')],
      ['', Buffer.alloc(0)],
      ['ü', null],
      ['n'.repeat(70), Buffer.alloc(70)],
    ]
    const raw = headers.map(([name, value]) => rawHeader(text(name), value))
    const sent = { key: text('key'), value: null }
    expectAlike([{ timestamp, ...sent, headers }], rawRecord({ ...sent, headerCount: 4, headers: Buffer.concat(raw) }))
    expect(decodeRecords(encodeBatch({ records: [{ timestamp, ...sent, headers }] }))).toEqual([
      { offset: 0, timestamp, ...sent, headers },
    ])
  })

  it('has its own offset, or the next one behind the last', () => {
    const plain = { timestamp, key: null, value: null }
    const records = [plain, { ...plain, offset: 14 }, plain, plain]
    const batch = encodeBatch({ records, baseOffset: 10 })
    expect(decodeRecords(batch).map(({ offset }) => offset)).toEqual([10, 14, 15, 16])
    const times = [3, 9, 5].map((one) => ({ ...plain, timestamp: one }))
    expect(decodeRecords(encodeBatch({ records: times })).map((one) => one.timestamp)).toEqual([3, 9, 5])
    expect(readBatchHeader(encodeBatch({ records: times })).maxTimestamp).toBe(9)
  })

  it.each([-1, -65, -(2 ** 31), 2 ** 31 - 1])('may be %i offsets from the first one', (offsetDelta) => {
    expect(decodeRecords(rawBatch({ records: rawRecord({ offsetDelta }) }))[0]?.offset).toBe(offsetDelta)
  })

  it('is read with no length as null, and with length 0 as empty', () => {
    const empty = Buffer.alloc(0)
    const [record] = decodeRecords(rawBatch({ records: rawRecord({ key: null, value: empty }) }))
    expect(record).toMatchObject({ key: null, value: empty } satisfies Partial<DecodedRecord>)
  })
})

describe('the headers of a record', () => {
  const twice: RecordHeaders = [
    ['a', text('1')],
    ['b', null],
    ['a', text('2')],
  ]
  const batch = encodeBatch({ records: [{ timestamp, key: null, value: null, headers: twice }] })
  const one = (name: string, length = 1) => rawHeader(text(name), Buffer.alloc(length))

  it.each<[string, WantedHeaders | undefined, RecordHeaders]>([
    ['none, if none are named', undefined, []],
    ['none, for no names', new Set(), []],
    ['those with a name that is wanted', new Set(['a', 'c']), [twice[0] ?? never(), twice[2] ?? never()]],
    ['all', 'all', twice],
  ])('are visited: %s', (_, wanted, expected) => {
    expect(headersOf(batch, wanted)).toEqual([expected])
  })

  // Names are kept, so that one that comes often is decoded once: these share their places there.
  it.each([
    ['the same first, the same last letter', ['aXb', 'aYb', 'aXb']],
    ['one is the beginning of the other', ['z', 'z[', 'z']],
    ['one goes on like the length behind the other', ['{\\', '{']],
    ['longer than is kept', ['l'.repeat(65), 'l'.repeat(65), 'l'.repeat(64), 'l'.repeat(64)]],
  ])('are told apart: %s', (_, names) => {
    const headers = Buffer.concat(names.map((name) => one(name, 46)))
    const sent = rawBatch({ records: rawRecord({ headerCount: names.length, headers }) })
    for (let turn = 0; turn < 2; turn++) expect(headersOf(sent, 'all')[0]?.map(([name]) => name)).toEqual(names)
  })

  it('are told apart by their own bytes, not by those before them', () => {
    const headers = Buffer.concat([rawHeader(text('a\u0006b'), text('b')), rawHeader(text('aYb'), null)])
    const sent = rawBatch({ records: rawRecord({ headerCount: 2, headers }) })
    expect(headersOf(sent, 'all')[0]?.map(([name]) => name)).toEqual(['a\u0006b', 'aYb'])
  })

  it('are checked only if they are read', () => {
    const wrong = rawBatch({ records: rawRecord({ headerCount: 2, headers: one('a') }) })
    expect(headersOf(wrong)).toEqual([[]])
    expect(() => headersOf(wrong, new Set(['a']))).toThrow(MalformedError)
  })
})

describe('records are refused', () => {
  const nested = (headers: Buffer, headerCount: number | bigint = 1) => rawRecord({ headerCount, headers })
  const long = (bytes: string) => Buffer.concat([Buffer.from(bytes, 'hex'), rawRecord().subarray(1)])

  it.each<[string, Buffer]>([
    ['a value longer than its record', rawRecord({ valueLength: 7 })],
    ['a value shorter than it is', rawRecord({ valueLength: 2 })],
    ['a value of length -2', rawRecord({ valueLength: -2 })],
    ['a key longer than its record', rawRecord({ keyLength: 63 })],
    ['a record of negative length', rawRecord({ lengthOff: -100 })],
    ['a record that ends before its value', rawRecord({ lengthOff: -3 })],
    ['a record longer than the batch', rawRecord({ lengthOff: 1 })],
    ['a byte behind its headers', rawRecord({ headers: Buffer.alloc(1) })],
    ['a negative number of headers', rawRecord({ headerCount: -1 })],
    ['a header without a name', nested(rawHeader(null, null))],
    ['a name longer than its record', nested(Buffer.concat([varint(50), text('a')]))],
    ['a header value longer than its record', nested(Buffer.concat([varint(1), text('a'), varint(50)]))],
    ['a length of 2^32', long('8080808010')],
    ['a length that is 2^32 too much', long('9c80808010')],
    ['a length of six bytes', long('9c8080808000')],
    ['a length that is cut off', Buffer.from('ff', 'hex')],
    ['a time that is cut off', Buffer.from('0400ff', 'hex')],
  ])('for %s', (_, records) => {
    expect(() => decodeRecords(rawBatch({ records }))).toThrow(MalformedError)
    expect(() => headersOf(rawBatch({ records }), new Set(['x']))).toThrow(MalformedError)
  })

  it.each([-1, 1])('if the first of two is said to be longer by %i than it is', (lengthOff) => {
    const sent = rawBatch({
      records: Buffer.concat([rawRecord({ lengthOff }), rawRecord({ offsetDelta: 1 })]),
      count: 2,
    })
    expect(() => decodeRecords(sent)).toThrow(MalformedError)
  })

  // A negative length leads back to bytes that were read already, and these look like the rest of a record.
  it('for a key of length -2, also if no headers are read', () => {
    const sent = rawBatch({ records: rawRecord({ key: null, keyLength: -2 }) })
    expect(() => headersOf(sent)).toThrow(MalformedError)
  })

  it.each([
    ['more than there are', 11],
    ['fewer than there are', 9],
  ])('if there are said to be %s', (_, count) => {
    const sent = rawBatch({ records: rawRecords(10), count })
    expect(() => decodeRecords(sent)).toThrow(MalformedError)
    expect(() => headersOf(sent)).toThrow(MalformedError)
  })

  it('if they and their headers are more than a million', () => {
    const [most, noName] = [1_000_000, Buffer.from([0, 1])]
    const headed = (headerCount: number) =>
      rawBatch({ records: nested(Buffer.concat(new Array<Buffer>(headerCount).fill(noName)), headerCount) })
    expect(headersOf(headed(most - 1), new Set(['x']))).toEqual([[]])
    expect(() => headersOf(headed(most), new Set(['x']))).toThrow(OversizedError)
  })

  // The length of the record is 0x1c in one byte.
  it('but not for numbers that are written longer than they must be', () => {
    const sent = rawBatch({ records: Buffer.concat([Buffer.from('9c80808000', 'hex'), rawRecord().subarray(1)]) })
    expect(decodeRecords(sent)).toHaveLength(1)
  })
})

function never(): never {
  throw new Error('there is a header')
}
