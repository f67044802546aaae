import { crc32c } from '@node-rs/crc32'
import { type Compression, compress, compressions } from '../../src/wire/compression.ts'

/**
 * A record batch byte by byte, with a correct checksum unless another one is given: batches that no encoder makes.
 * Fields that are not given are those of a well-formed batch.
 */
export type RawBatch = {
  readonly records: Buffer
  readonly compression?: Compression
  /** In the place of the records as they were compressed. */
  readonly body?: Buffer
  readonly count?: number
  readonly lastOffsetDelta?: number
  readonly baseOffset?: bigint
  readonly baseTimestamp?: bigint
  readonly maxTimestamp?: bigint
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly magic?: number
  /** Added to the bits of the compression. */
  readonly attributes?: number
  /** Added to what the batch says of its own length. */
  readonly lengthOff?: number
  readonly crcOff?: number
}

export const rawTime = 1_760_000_000_000n

const headerBytes = 61
const overheadBytes = 12

export function rawBatch(raw: RawBatch): Buffer {
  const compression = raw.compression ?? 'none'
  const body = raw.body ?? compress(compression, raw.records)
  const count = raw.count ?? 1
  const bytes = Buffer.alloc(headerBytes + body.length)
  bytes.writeBigInt64BE(raw.baseOffset ?? 0n, 0)
  bytes.writeInt32BE(bytes.length - overheadBytes + (raw.lengthOff ?? 0), 8)
  bytes.writeInt32BE(-1, 12)
  bytes.writeInt8(raw.magic ?? 2, 16)
  bytes.writeInt16BE(compressions.indexOf(compression) | (raw.attributes ?? 0), 21)
  bytes.writeInt32BE(raw.lastOffsetDelta ?? count - 1, 23)
  bytes.writeBigInt64BE(raw.baseTimestamp ?? rawTime, 27)
  bytes.writeBigInt64BE(raw.maxTimestamp ?? raw.baseTimestamp ?? rawTime, 35)
  bytes.writeBigInt64BE(raw.producerId ?? -1n, 43)
  bytes.writeInt16BE(raw.producerEpoch ?? -1, 51)
  bytes.writeInt32BE(raw.baseSequence ?? -1, 53)
  bytes.writeInt32BE(count, 57)
  body.copy(bytes, headerBytes)
  bytes.writeUInt32BE((crc32c(bytes.subarray(21)) + (raw.crcOff ?? 0)) >>> 0, 17)
  return bytes
}

export type RawRecord = {
  readonly attributes?: number
  readonly timestampDelta?: bigint
  readonly offsetDelta?: number | bigint
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  /** In the place of the true lengths. */
  readonly keyLength?: number | bigint
  readonly valueLength?: number | bigint
  readonly headerCount?: number | bigint
  /** What stands behind the count of headers. */
  readonly headers?: Buffer
  /** Added to the length of the record. */
  readonly lengthOff?: number
}

export function rawRecord(raw: RawRecord = {}): Buffer {
  const key = raw.key === undefined ? Buffer.from('key') : raw.key
  const value = raw.value === undefined ? Buffer.from('value') : raw.value
  const body = Buffer.concat([
    Buffer.from([raw.attributes ?? 0]),
    varint(raw.timestampDelta ?? 0n),
    varint(raw.offsetDelta ?? 0),
    varint(raw.keyLength ?? key?.length ?? -1),
    key ?? Buffer.alloc(0),
    varint(raw.valueLength ?? value?.length ?? -1),
    value ?? Buffer.alloc(0),
    varint(raw.headerCount ?? 0),
    raw.headers ?? Buffer.alloc(0),
  ])
  return Buffer.concat([varint(body.length + (raw.lengthOff ?? 0)), body])
}

/** `count` records with rising offsets. */
export function rawRecords(count: number, raw: RawRecord = {}): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, offsetDelta) => rawRecord({ offsetDelta, ...raw })))
}

/** One header of a record; null is no value, an absent name has the length -1. */
export function rawHeader(name: Buffer | null, value: Buffer | null): Buffer {
  const parts = [name, value].map((part) => [varint(part?.length ?? -1), part ?? Buffer.alloc(0)])
  return Buffer.concat(parts.flat())
}

/** Zigzag. */
export function varint(value: number | bigint): Buffer {
  const wide = BigInt(value)
  let rest = wide >= 0n ? wide * 2n : -wide * 2n - 1n
  const bytes: number[] = []
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}
