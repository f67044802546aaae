/**
 * Record batches, well-formed and not, with the error code that Apache Kafka 4.3 gives for these very bytes (seen on a
 * real one: `test/kafka/batches-on-apache-kafka.test.ts`), and ours where it differs on purpose.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compress } from '../../src/wire/compression.ts'
import { compressions, type ErrorName, encodeControlBatch } from '../../src/wire/index.ts'
import { type RawBatch, rawBatch, rawHeader, rawRecord, rawRecords, rawTime, varint } from '../support/raw-batch.ts'

export type BatchCase = {
  readonly what: string
  readonly bytes: Buffer
  /** What Apache Kafka 4.3 answers. */
  readonly kafka: ErrorName
  /** What the embedded broker answers instead, and why. */
  readonly ours?: { readonly code: ErrorName; readonly because: string }
  /** The records that are named as invalid (KIP-467), by their place in the batch. */
  readonly wrong?: readonly number[]
  /** Sent to the topic that is compacted. */
  readonly compacted?: boolean
}

/** Kafka fails while it reads them, and answers what clients show as a fault of the server. */
const failing = {
  kafka: 'UNKNOWN_SERVER_ERROR',
  ours: { code: 'INVALID_RECORD', because: 'the batch is at fault, not the server' },
} as const
/** Kafka makes a new batch of compressed records; this log keeps batches as they came. */
const rewritten = {
  kafka: 'NONE',
  ours: { code: 'INVALID_RECORD', because: 'Kafka writes such a batch anew' },
} as const
const one = rawRecord()
const ten = rawRecords(10)
const whole = (raw: Partial<RawBatch> = {}) => rawBatch({ records: one, ...raw })
/** The third of five records is another one. */
const withThird = (third: Buffer) => Buffer.concat([...[0, 1].map(at), third, ...[3, 4].map(at)])
const at = (offsetDelta: number) => rawRecord({ offsetDelta })
const fiveWith = (third: Buffer, raw: Partial<RawBatch> = {}) =>
  rawBatch({ records: withThird(third), count: 5, ...raw })

type Seen = Pick<BatchCase, 'kafka' | 'ours'>
const beyond = (code: ErrorName) => ({ code, because: 'JavaScript has no integers beyond 2^53' })

export const batchCases: readonly BatchCase[] = [
  ...wellFormed(),
  ...headers(),
  ...times(),
  ...records(),
  ...recordHeaders(),
  ...offsets(),
  ...compressed(),
  ...keys(),
]

function wellFormed(): BatchCase[] {
  const everything = rawRecord({
    key: null,
    value: null,
    headerCount: 3,
    headers: Buffer.concat([
      rawHeader(Buffer.from('a'), null),
      rawHeader(Buffer.alloc(0), Buffer.alloc(0)),
      rawHeader(Buffer.from('a'), Buffer.from('b')),
    ]),
  })
  const headers8 = rawRecord({ headerCount: 1, headers: rawHeader(Buffer.from([0xff, 0xfe]), null) })
  return [
    ...compressions.map(
      (compression): BatchCase => ({
        what: `ten records, ${compression}`,
        bytes: rawBatch({ records: ten, count: 10, compression }),
        kafka: 'NONE',
      }),
    ),
    { what: 'nulls, an empty header, a repeated one', bytes: rawBatch({ records: everything }), kafka: 'NONE' },
    { what: 'a header whose name is no UTF-8', bytes: rawBatch({ records: headers8 }), kafka: 'NONE' },
    {
      what: 'attributes of a record that mean nothing',
      bytes: whole({ records: rawRecord({ attributes: 0x7f }) }),
      kafka: 'NONE',
    },
    {
      what: 'a number written longer than it must be',
      bytes: whole({ records: Buffer.concat([Buffer.from([0x80 | (one[0] ?? 0), 0x00]), one.subarray(1)]) }),
      kafka: 'NONE',
    },
    { what: 'unused bits of the attributes', bytes: whole({ attributes: 0x4000 }), kafka: 'NONE' },
    { what: 'a wrong largest time', bytes: whole({ maxTimestamp: 5n }), kafka: 'NONE' },
    { what: 'a sequence number without a producer', bytes: whole({ baseSequence: 7 }), kafka: 'NONE' },
  ]
}

function headers(): BatchCase[] {
  const good = whole()
  const pid = { producerId: 77_001n, producerEpoch: 0, baseSequence: 0 }
  return [
    { what: 'no bytes', bytes: Buffer.alloc(0), kafka: 'INVALID_RECORD' },
    { what: 'five bytes', bytes: good.subarray(0, 5), kafka: 'INVALID_RECORD' },
    { what: 'half a header', bytes: good.subarray(0, 40), kafka: 'INVALID_RECORD' },
    { what: 'a batch that is cut off', bytes: good.subarray(0, good.length - 1), kafka: 'INVALID_RECORD' },
    { what: 'a wrong checksum', bytes: whole({ crcOff: 1 }), kafka: 'CORRUPT_MESSAGE' },
    { what: 'a length below that of a header', bytes: whole({ lengthOff: -one.length - 1 }), kafka: 'CORRUPT_MESSAGE' },
    { what: 'a length of 10 bytes', bytes: whole({ lengthOff: 10 - (49 + one.length) }), kafka: 'CORRUPT_MESSAGE' },
    { what: 'a negative length', bytes: whole({ lengthOff: -1000 }), kafka: 'CORRUPT_MESSAGE' },
    { what: 'the largest length', bytes: whole({ lengthOff: 0x7fff_ffff - (49 + one.length) }), ...failing },
    { what: 'a length one byte short', bytes: whole({ lengthOff: -1 }), kafka: 'CORRUPT_MESSAGE' },
    ...[0, 1].map((magic): BatchCase => ({ what: `magic ${magic}`, bytes: whole({ magic }), kafka: 'INVALID_RECORD' })),
    ...[-1, 3, 127].map(
      (magic): BatchCase => ({ what: `magic ${magic}`, bytes: whole({ magic }), kafka: 'CORRUPT_MESSAGE' }),
    ),
    { what: 'two batches', bytes: Buffer.concat([good, good]), kafka: 'INVALID_RECORD' },
    { what: 'a batch and five bytes', bytes: Buffer.concat([good, good.subarray(0, 5)]), kafka: 'NONE' },
    { what: 'a batch and a header that is cut off', bytes: Buffer.concat([good, good.subarray(0, 60)]), kafka: 'NONE' },
    { what: 'a batch and 17 zeros', bytes: Buffer.concat([good, Buffer.alloc(17)]), kafka: 'CORRUPT_MESSAGE' },
    { what: 'a base offset of 5', bytes: whole({ baseOffset: 5n }), kafka: 'INVALID_RECORD' },
    { what: 'a negative base offset', bytes: whole({ baseOffset: -1n }), kafka: 'INVALID_RECORD' },
    {
      what: 'no records',
      bytes: rawBatch({ records: Buffer.alloc(0), count: 0, lastOffsetDelta: 0 }),
      kafka: 'INVALID_RECORD',
    },
    { what: 'a negative count', bytes: whole({ count: -1, lastOffsetDelta: 0 }), kafka: 'INVALID_RECORD' },
    { what: 'a count of more than there are', bytes: whole({ count: 2 }), kafka: 'INVALID_RECORD' },
    { what: 'a count of fewer than there are', bytes: rawBatch({ records: ten, count: 9 }), kafka: 'INVALID_RECORD' },
    { what: 'the largest count', bytes: whole({ count: 0x7fff_ffff }), kafka: 'INVALID_RECORD' },
    { what: 'a last offset behind its records', bytes: whole({ lastOffsetDelta: 1 }), kafka: 'INVALID_RECORD' },
    { what: 'a negative last offset', bytes: whole({ lastOffsetDelta: -1 }), kafka: 'INVALID_RECORD' },
    {
      what: 'a producer without a sequence number',
      bytes: whole({ ...pid, baseSequence: -1 }),
      kafka: 'INVALID_RECORD',
    },
    {
      what: 'a producer without an epoch',
      bytes: whole({ ...pid, producerId: 77_002n, producerEpoch: -1 }),
      kafka: 'NONE',
      ours: { code: 'INVALID_RECORD', because: 'such a producer can never be fenced' },
    },
    {
      what: 'a negative producer id',
      bytes: whole({ producerId: -2n, baseSequence: 0, producerEpoch: 0 }),
      kafka: 'NONE',
    },
    {
      what: 'a producer id beyond 2^53',
      bytes: whole({ ...pid, producerId: 2n ** 60n }),
      kafka: 'NONE',
      ours: beyond('INVALID_RECORD'),
    },
    {
      what: 'a transactional batch without a producer',
      bytes: whole({ attributes: 0x10 }),
      kafka: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    },
    {
      what: 'a control batch',
      bytes: encodeControlBatch({
        producerId: 77_003,
        producerEpoch: 0,
        commit: true,
        coordinatorEpoch: 0,
        timestamp: Number(rawTime),
      }),
      kafka: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    },
    { what: 'the control bit on plain records', bytes: whole({ attributes: 0x20 }), kafka: 'INVALID_RECORD' },
    { what: 'the bit of the delete horizon', bytes: whole({ attributes: 0x40 }), kafka: 'NONE' },
    ...[5, 6, 7].map(
      (codec): BatchCase => ({
        what: `compression ${codec}`,
        bytes: whole({ attributes: codec }),
        kafka: 'UNKNOWN_SERVER_ERROR',
        ours: { code: 'UNSUPPORTED_COMPRESSION_TYPE', because: 'the code says what is wrong' },
      }),
    ),
  ]
}

function times(): BatchCase[] {
  const ahead = BigInt(Date.UTC(2100, 0, 1))
  return [
    { what: 'no time', bytes: whole({ baseTimestamp: -1n }), kafka: 'NONE' },
    { what: 'a negative time', bytes: whole({ baseTimestamp: -5n }), kafka: 'NONE' },
    { what: 'a time far ahead', bytes: whole({ baseTimestamp: ahead }), kafka: 'INVALID_TIMESTAMP', wrong: [0] },
    {
      what: 'a time far ahead in the third record',
      bytes: fiveWith(rawRecord({ offsetDelta: 2, timestampDelta: ahead - rawTime }), {}),
      kafka: 'INVALID_TIMESTAMP',
      wrong: [2],
    },
    {
      what: 'a time far ahead in a compressed record',
      bytes: fiveWith(rawRecord({ offsetDelta: 2, timestampDelta: ahead - rawTime }), { compression: 'gzip' }),
      kafka: 'INVALID_TIMESTAMP',
      wrong: [2],
    },
    { what: 'a time far ahead that only the header tells', bytes: whole({ maxTimestamp: ahead }), kafka: 'NONE' },
    {
      what: 'records whose times fall',
      bytes: fiveWith(rawRecord({ offsetDelta: 2, timestampDelta: -5000n })),
      kafka: 'NONE',
    },
    {
      what: 'the largest time',
      bytes: whole({ baseTimestamp: 2n ** 63n - 1n }),
      kafka: 'INVALID_TIMESTAMP',
      wrong: [0],
    },
    {
      what: 'the smallest time',
      bytes: whole({ baseTimestamp: -(2n ** 63n) }),
      kafka: 'INVALID_TIMESTAMP',
      wrong: [0],
    },
    {
      what: 'a time before 2^53',
      bytes: whole({ baseTimestamp: -(2n ** 60n) }),
      kafka: 'NONE',
      ours: beyond('INVALID_TIMESTAMP'),
    },
    {
      what: 'a time delta beyond 2^53',
      bytes: whole({ records: rawRecord({ timestampDelta: 2n ** 62n }) }),
      kafka: 'INVALID_TIMESTAMP',
      wrong: [0],
    },
    {
      what: 'a time delta far back beyond 2^53',
      bytes: whole({ records: rawRecord({ timestampDelta: -(2n ** 62n) }) }),
      kafka: 'NONE',
      ours: beyond('INVALID_TIMESTAMP'),
    },
    { what: 'the time of the log, told by a producer', bytes: whole({ attributes: 0x08 }), kafka: 'NONE' },
  ]
}

function records(): BatchCase[] {
  const invalid = { kafka: 'INVALID_RECORD' } as const
  const bad = (what: string, third: Buffer, seen: Seen = invalid, seenCompressed: Seen = invalid): BatchCase[] => [
    { what, bytes: fiveWith(third), ...seen },
    { what: `${what}, compressed`, bytes: fiveWith(third, { compression: 'zstd' }), ...seenCompressed },
  ]
  const offsetDelta = 2
  return [
    ...bad('a value longer than its record', rawRecord({ offsetDelta, valueLength: 63 })),
    ...bad('a value shorter than it is', rawRecord({ offsetDelta, valueLength: 2 })),
    ...bad('a value of length -2', rawRecord({ offsetDelta, valueLength: -2 })),
    ...bad('a value of the largest length', rawRecord({ offsetDelta, valueLength: 0x7fff_ffff })),
    ...bad('a key longer than its record', rawRecord({ offsetDelta, keyLength: 63 })),
    ...bad('a key of length -2', rawRecord({ offsetDelta, keyLength: -2 })),
    ...bad('a record of length 0', varint(0)),
    ...bad('a record of negative length', rawRecord({ offsetDelta, lengthOff: -1000 }), invalid, rewritten),
    ...bad('a record one byte shorter than it is', rawRecord({ offsetDelta, lengthOff: -1 }), invalid, rewritten),
    ...bad('a record one byte longer than it is', rawRecord({ offsetDelta, lengthOff: 1 }), invalid, rewritten),
    ...bad('a record with a byte behind its headers', rawRecord({ offsetDelta, headers: Buffer.alloc(1) })),
    ...bad('a record of the largest length', rawRecord({ offsetDelta, lengthOff: 0x7fff_ff00 }), invalid, rewritten),
    ...bad('a length of more than 32 bits', Buffer.concat([varint(2n ** 40n), at(2).subarray(1)]), failing),
    ...bad('a length that never ends', Buffer.alloc(12, 0xff), failing),
    ...bad('a time that never ends', Buffer.concat([varint(20), Buffer.from([0]), Buffer.alloc(19, 0xff)])),
    ...bad('an offset of more than 32 bits', rawRecord({ offsetDelta: 2n ** 40n })),
    {
      what: 'a byte behind the records',
      bytes: whole({ records: Buffer.concat([one, Buffer.alloc(1)]) }),
      kafka: 'INVALID_RECORD',
    },
    {
      what: 'a byte behind the records, compressed',
      bytes: whole({ records: Buffer.concat([one, Buffer.alloc(1)]), compression: 'lz4' }),
      kafka: 'INVALID_RECORD',
    },
    {
      what: 'a whole record behind the records, compressed',
      bytes: rawBatch({ records: ten, count: 9, compression: 'snappy' }),
      kafka: 'INVALID_RECORD',
    },
    {
      what: 'fewer records than said, compressed',
      bytes: rawBatch({ records: ten, count: 11, compression: 'gzip' }),
      kafka: 'INVALID_RECORD',
    },
  ]
}

function recordHeaders(): BatchCase[] {
  const h = (name: Buffer | null, value: Buffer | null) => rawHeader(name, value)
  const cases: [string, number | bigint, Buffer][] = [
    ['a negative count of headers', -1, Buffer.alloc(0)],
    ['more headers than there are', 2, h(Buffer.from('a'), null)],
    ['fewer headers than there are', 1, Buffer.concat([h(Buffer.from('a'), null), h(Buffer.from('b'), null)])],
    ['the largest count of headers', 0x7fff_ffff, Buffer.alloc(0)],
    ['a count of headers beyond 32 bits', 2n ** 35n, Buffer.alloc(0)],
    ['a header without a name', 1, h(null, null)],
    ['a name longer than its record', 1, Buffer.concat([varint(500), Buffer.from('a')])],
    ['a name of length -2', 1, Buffer.concat([varint(-2), varint(-1)])],
    ['a header value longer than its record', 1, Buffer.concat([varint(1), Buffer.from('a'), varint(500)])],
  ]
  const minus2 = rawRecord({
    offsetDelta: 2,
    headerCount: 1,
    headers: Buffer.concat([varint(1), Buffer.from('a'), varint(-2)]),
  })
  const lenient = {
    kafka: 'NONE',
    ours: { code: 'INVALID_RECORD', because: 'the format knows -1 alone as no value' },
  } as const
  const wrong = cases.flatMap(([what, headerCount, headers]): BatchCase[] => {
    const third = rawRecord({ offsetDelta: 2, headerCount, headers })
    return [
      { what, bytes: fiveWith(third), kafka: 'INVALID_RECORD' },
      { what: `${what}, compressed`, bytes: fiveWith(third, { compression: 'gzip' }), kafka: 'INVALID_RECORD' },
    ]
  })
  return [
    ...wrong,
    { what: 'a header value of length -2', bytes: fiveWith(minus2), ...lenient },
    { what: 'a header value of length -2, compressed', bytes: fiveWith(minus2, { compression: 'gzip' }), ...lenient },
  ]
}

function offsets(): BatchCase[] {
  const unchecked = {
    kafka: 'NONE',
    ours: { code: 'INVALID_RECORD', because: 'a consumer would be given offsets that are not those of the log' },
  } as const
  return [
    { what: 'an offset twice', bytes: fiveWith(at(1)), ...unchecked },
    { what: 'an offset left out', bytes: fiveWith(at(3)), ...unchecked },
    { what: 'a negative offset', bytes: fiveWith(at(-1)), ...unchecked },
    { what: 'an offset twice, compressed', bytes: fiveWith(at(1), { compression: 'zstd' }), ...failing },
    { what: 'a negative offset, compressed', bytes: fiveWith(at(-1), { compression: 'gzip' }), ...failing },
  ]
}

function compressed(): BatchCase[] {
  const packing = compressions.filter((compression) => compression !== 'none')
  const invalid = { kafka: 'INVALID_RECORD' } as const
  const behind = {
    kafka: 'NONE',
    ours: { code: 'INVALID_RECORD', because: 'many readers fail at what stands behind compressed data' },
  } as const
  return [
    ...packing.flatMap((compression): BatchCase[] => {
      const body = compress(compression, rawRecords(200))
      const with200 = (changed: Buffer) => rawBatch({ records: ten, count: 200, compression, body: changed })
      const endsWithItself = compression === 'gzip' || compression === 'lz4'
      return [
        { what: `garbage as ${compression}`, bytes: with200(Buffer.alloc(50, 0xa5)), ...failing },
        {
          what: `nothing as ${compression}`,
          bytes: with200(Buffer.alloc(0)),
          ...(compression === 'zstd' ? invalid : failing),
        },
        { what: `${compression} that is cut off`, bytes: with200(body.subarray(0, body.length - 9)), ...failing },
        {
          what: `${compression} and five zeros`,
          bytes: with200(Buffer.concat([body, Buffer.alloc(5)])),
          ...(endsWithItself ? { kafka: 'NONE' } : failing),
        },
        {
          what: `${compression} and garbage`,
          bytes: with200(Buffer.concat([body, Buffer.alloc(20, 0xa5)])),
          ...(compression === 'lz4' ? { kafka: 'NONE' } : compression === 'gzip' ? behind : failing),
        },
        {
          what: `${compression} with a byte changed`,
          bytes: with200(changed(body, body.length >> 1)),
          ...(compression === 'gzip' ? failing : invalid),
        },
        { what: `plain records called ${compression}`, bytes: with200(rawRecords(200)), ...failing },
      ]
    }),
    { what: 'two gzip members', bytes: parts('gzip', (part) => gzipSync(part)), kafka: 'NONE' },
    { what: 'two zstd frames', bytes: parts('zstd', (part) => zstdCompressSync(part)), kafka: 'NONE' },
    { what: 'two lz4 frames', bytes: parts('lz4', (part) => compress('lz4', part)), kafka: 'INVALID_RECORD' },
  ]
}

function changed(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[place] = (copy[place] ?? 0) ^ 0xff
  return copy
}

function parts(compression: 'gzip' | 'zstd' | 'lz4', pack: (part: Buffer) => Buffer): Buffer {
  const body = Buffer.concat([pack(at(0)), pack(at(1))])
  return rawBatch({ records: ten, count: 2, compression, body })
}

function keys(): BatchCase[] {
  const keyless = rawRecord({ offsetDelta: 2, key: null })
  return [
    {
      what: 'a key missing in a compacted topic',
      bytes: fiveWith(keyless),
      kafka: 'INVALID_RECORD',
      wrong: [2],
      compacted: true,
    },
    {
      what: 'a key missing in a compacted topic, compressed',
      bytes: fiveWith(keyless, { compression: 'zstd' }),
      kafka: 'INVALID_RECORD',
      wrong: [2],
      compacted: true,
    },
    {
      what: 'all keys missing in a compacted topic',
      bytes: rawBatch({ records: rawRecords(5, { key: null }), count: 5 }),
      kafka: 'INVALID_RECORD',
      wrong: [0, 1, 2, 3, 4],
      compacted: true,
    },
    {
      what: 'an empty key in a compacted topic',
      bytes: fiveWith(rawRecord({ offsetDelta: 2, key: Buffer.alloc(0) })),
      kafka: 'NONE',
      compacted: true,
    },
  ]
}
