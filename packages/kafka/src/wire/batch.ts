/**
 * Record batches (magic 2): the header around records, its checksum, and the two fields outside of it that a broker
 * rewrites in place.
 *
 *     0 baseOffset i64 | 8 batchLength i32 | 12 partitionLeaderEpoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16
 *     23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64 | 43 producerId i64 | 51 producerEpoch i16
 *     53 baseSequence i32 | 57 recordCount i32 | 61 records…
 *
 * The CRC-32C covers everything from `attributes` on. Attributes: bits 0–2 compression, 3 log append time,
 * 4 transactional, 5 control, 6 delete horizon.
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
import { crc32c } from '@node-rs/crc32'
import { int64At } from './byte-reader.ts'
import { writeInt64 } from './byte-writer.ts'
import { type Compression, compress, compressions, decompress, decompressGradually } from './compression.ts'
import { MalformedError } from './malformed.ts'
import { RecordWalk, type VisitWalkedRecord } from './record-walk.ts'
import {
  type DecodedRecord,
  decodeUnpackedRecords,
  encodeRecords,
  type RecordBase,
  type RecordToEncode,
  type VisitRecord,
  visitUnpackedRecords,
  type WantedHeaders,
} from './records.ts'

const BATCH_LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const RECORD_COUNT_AT = 57
/** Where the records begin. */
const BATCH_HEADER_BYTES = 61
/** The bytes before the part that `batchLength` counts. */
const BATCH_OVERHEAD_BYTES = 12
const MAGIC = 2

const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const DELETE_HORIZON = 0x40

/**
 * Who sets the timestamps of a batch's records: the producer, or the log when it appends the batch
 * (`message.timestamp.type`, KIP-32).
 */
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** The header of a batch of magic 2 (KIP-98). Times are in ms since the epoch. */
export type BatchHeader = {
  /** The offset of the first record. */
  readonly baseOffset: number
  /** The size of the whole batch, header included. */
  readonly sizeInBytes: number
  /** Set by the log; -1 on the way from the producer. */
  readonly partitionLeaderEpoch: number
  /** The version of the format: always 2. */
  readonly magic: number
  /** The checksum in the header; `verifyCrc` compares it. */
  readonly crc: number
  /** How the records are compressed; the header itself never is. */
  readonly compression: Compression
  /** Who set the timestamps: the producer or the log. */
  readonly timestampType: TimestampType
  /** Whether the batch belongs to a transaction of its producer; also true for the marker that ends one. */
  readonly isTransactional: boolean
  /** Whether its record is a marker that ends a transaction, not a record of an application. */
  readonly isControl: boolean
  /** `lastOffset` minus `baseOffset`. */
  readonly lastOffsetDelta: number
  /** The value is kept if compaction has removed the last record. */
  readonly lastOffset: number
  /** The timestamp to which the deltas of the records are added. */
  readonly baseTimestamp: number
  /** The highest timestamp of the records, or the time of the append with LogAppendTime. */
  readonly maxTimestamp: number
  /** -1 without idempotence, and so are epoch and sequence. */
  readonly producerId: number
  /** -1 without a producer. */
  readonly producerEpoch: number
  /** The sequence number of the first record; -1 without a producer. */
  readonly baseSequence: number
  /** The number of records; it may be 0 after compaction. */
  readonly recordCount: number
  /** The time from which compaction may drop the batch's tombstones; null before the first compaction (KIP-534). */
  readonly deleteHorizon: number | null
}

/** A batch inside a buffer: `bytes` is a view of exactly this batch. */
export type BatchView = {
  readonly header: BatchHeader
  /** A view of the whole batch, header included; not a copy. */
  readonly bytes: Buffer
}

/**
 * A batch to write. By default it begins at offset 0, is not compressed, has its producer's timestamps, and has
 * neither a transaction nor a producer (-1 for id, epoch and sequence).
 */
export type BatchToEncode = {
  /** In the order of their offsets; empty for a batch of which compaction removed all records. */
  readonly records: readonly RecordToEncode[]
  /** The offset of the first record; default 0. */
  readonly baseOffset?: number
  /** Default -1. */
  readonly partitionLeaderEpoch?: number
  /** Default: none. */
  readonly compression?: Compression
  /** Default `CreateTime`. */
  readonly timestampType?: TimestampType
  /** Default false. */
  readonly isTransactional?: boolean
  /** Default false. A control batch has the marker of a transaction as its only record. */
  readonly isControl?: boolean
  /** Default -1: no producer. */
  readonly producerId?: number
  /** Default -1. */
  readonly producerEpoch?: number
  /** The sequence number of the first record; default -1. */
  readonly baseSequence?: number
  /** Compaction keeps it although the last records are gone; default: that of the last record. */
  readonly lastOffsetDelta?: number
  /** For a batch without records; otherwise it is the first record's. */
  readonly baseTimestamp?: number
  /** Replaces the base timestamp, from which the records' deltas then count. */
  readonly deleteHorizon?: number
  /** Default: the highest of the records. */
  readonly maxTimestamp?: number
}

/**
 * Records without an `offset` follow one another from `baseOffset`.
 * @example
 * ```ts
 * import { decodeRecords, encodeBatch, readBatchHeader, verifyCrc } from '@streampay/kafka/wire'
 *
 * const key = Buffer.from('ada')
 * const bytes = encodeBatch({
 *   baseOffset: 40,
 *   compression: 'zstd',
 *   records: ['Hello', 'again'].map((value) => ({ timestamp: 0, key, value: Buffer.from(value) })),
 * })
 * console.log(readBatchHeader(bytes).lastOffset, verifyCrc(bytes)) // → 41 true
 * console.log(decodeRecords(bytes).map(({ offset, value }) => `${offset} ${value}`)) // → [ '40 Hello', '41 again' ]
 * ```
 */
export function encodeBatch(batch: BatchToEncode): Buffer {
  const baseOffset = batch.baseOffset ?? 0
  const compression = batch.compression ?? 'none'
  const baseTimestamp = batch.deleteHorizon ?? batch.baseTimestamp ?? batch.records[0]?.timestamp ?? -1
  const encoded = encodeRecords(batch.records, { baseOffset, baseTimestamp })
  const body = compress(compression, encoded.bytes)
  const bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length)
  writeInt64(bytes, 0, baseOffset)
  bytes.writeInt32BE(bytes.length - BATCH_OVERHEAD_BYTES, BATCH_LENGTH_AT)
  bytes.writeInt32BE(batch.partitionLeaderEpoch ?? -1, LEADER_EPOCH_AT)
  bytes.writeInt8(MAGIC, MAGIC_AT)
  const attributes =
    compressions.indexOf(compression) |
    (batch.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME : 0) |
    (batch.isTransactional ? TRANSACTIONAL : 0) |
    (batch.isControl ? CONTROL : 0) |
    (batch.deleteHorizon === undefined ? 0 : DELETE_HORIZON)
  bytes.writeInt16BE(attributes, ATTRIBUTES_AT)
  bytes.writeInt32BE(batch.lastOffsetDelta ?? encoded.lastOffsetDelta, LAST_OFFSET_DELTA_AT)
  writeInt64(bytes, BASE_TIMESTAMP_AT, baseTimestamp)
  writeInt64(bytes, MAX_TIMESTAMP_AT, batch.maxTimestamp ?? encoded.maxTimestamp)
  writeInt64(bytes, PRODUCER_ID_AT, batch.producerId ?? -1)
  bytes.writeInt16BE(batch.producerEpoch ?? -1, PRODUCER_EPOCH_AT)
  bytes.writeInt32BE(batch.baseSequence ?? -1, BASE_SEQUENCE_AT)
  bytes.writeInt32BE(batch.records.length, RECORD_COUNT_AT)
  body.copy(bytes, BATCH_HEADER_BYTES)
  writeCrc(bytes, 0)
  return bytes
}

/**
 * Reads the header of the batch at `offset` of the buffer. Its length is checked for a possible value, not against the buffer:
 * the batch itself may be incomplete. The checksum is not verified.
 * @throws MalformedError if there is no header of magic 2
 */
export function readBatchHeader(buffer: Buffer, offset = 0): BatchHeader {
  if (offset < 0 || offset + BATCH_HEADER_BYTES > buffer.length) {
    throw new MalformedError(`no whole batch header at ${offset} of ${buffer.length} bytes`)
  }
  const sizeInBytes = buffer.readInt32BE(offset + BATCH_LENGTH_AT) + BATCH_OVERHEAD_BYTES
  if (sizeInBytes < BATCH_HEADER_BYTES) throw new MalformedError(`batch of ${sizeInBytes} bytes at ${offset}`)
  const magic = buffer.readInt8(offset + MAGIC_AT)
  if (magic !== MAGIC) throw new MalformedError(`batch of magic ${magic} at ${offset}, only ${MAGIC} is supported`)
  const attributes = buffer.readInt16BE(offset + ATTRIBUTES_AT)
  const compression = compressions[attributes & COMPRESSION_MASK]
  if (!compression) throw new MalformedError(`unknown compression in attributes ${attributes}`)
  const baseOffset = int64At(buffer, offset)
  const lastOffsetDelta = buffer.readInt32BE(offset + LAST_OFFSET_DELTA_AT)
  return {
    baseOffset,
    sizeInBytes,
    partitionLeaderEpoch: buffer.readInt32BE(offset + LEADER_EPOCH_AT),
    magic,
    crc: buffer.readUInt32BE(offset + CRC_AT),
    compression,
    timestampType: (attributes & LOG_APPEND_TIME) === 0 ? 'CreateTime' : 'LogAppendTime',
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    lastOffsetDelta,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp: int64At(buffer, offset + BASE_TIMESTAMP_AT),
    maxTimestamp: int64At(buffer, offset + MAX_TIMESTAMP_AT),
    producerId: int64At(buffer, offset + PRODUCER_ID_AT),
    producerEpoch: buffer.readInt16BE(offset + PRODUCER_EPOCH_AT),
    baseSequence: buffer.readInt32BE(offset + BASE_SEQUENCE_AT),
    recordCount: buffer.readInt32BE(offset + RECORD_COUNT_AT),
    deleteHorizon: (attributes & DELETE_HORIZON) === 0 ? null : int64At(buffer, offset + BASE_TIMESTAMP_AT),
  }
}

/** The whole batches of a buffer, in order; an incomplete batch at the end is ignored. */
export function* batchesOf(buffer: Buffer): Generator<BatchView, void, undefined> {
  let at = 0
  while (at + BATCH_HEADER_BYTES <= buffer.length) {
    const size = buffer.readInt32BE(at + BATCH_LENGTH_AT) + BATCH_OVERHEAD_BYTES
    if (at + size > buffer.length) return
    yield { header: readBatchHeader(buffer, at), bytes: buffer.subarray(at, at + size) }
    at += size
  }
}

/**
 * The records of one whole batch, with absolute offsets and timestamps. Keys, values and header values are views on the
 * batch, or on its decompressed bytes: copy those that are kept. The checksum is not verified.
 * @throws MalformedError
 */
export function decodeRecords(batch: Buffer): DecodedRecord[] {
  const { bytes, count, base } = unpack(batch)
  return decodeUnpackedRecords(bytes, count, base)
}

/** The same records without an object for each, and with the wanted headers only, none by default. @throws MalformedError */
export function visitRecords(batch: Buffer, visit: VisitRecord, wanted?: WantedHeaders): void {
  visitUnpackedRecords(unpack(batch), visit, wanted)
}

/** The largest batch that `walkRecords` accepts. */
export type BatchLimits = {
  /** The size of the decompressed records. */
  readonly maxUnpackedBytes: number
  /** The number of records and of their headers together. */
  readonly maxItems: number
}

/**
 * Walks over every record of one whole batch without making objects, and stops at the first that is wrong. It checks
 * lengths, headers, that offsets follow one another from 0, and that no bytes are left over. Compressed records are decompressed
 * in pieces. The checksum is not verified.
 * @throws MalformedError, or OversizedError beyond the limits
 */
export function walkRecords(batch: Buffer, limits: BatchLimits, visit: VisitWalkedRecord): void {
  const { compression, recordCount: count, sizeInBytes } = readBatchHeader(batch)
  const walk = new RecordWalk({ count, maxItems: limits.maxItems }, visit)
  const packed = batch.subarray(BATCH_HEADER_BYTES, sizeInBytes)
  for (const piece of decompressGradually(compression, packed, limits.maxUnpackedBytes)) walk.goOn(piece.bytes, piece)
}

function unpack(batch: Buffer): { bytes: Buffer; count: number; base: RecordBase } {
  const header = readBatchHeader(batch)
  if (header.sizeInBytes > batch.length) {
    throw new MalformedError(`a batch of ${header.sizeInBytes} bytes is cut off at ${batch.length}`)
  }
  const { baseOffset, baseTimestamp } = header
  const bytes = decompress(header.compression, batch.subarray(BATCH_HEADER_BYTES, header.sizeInBytes))
  const appendTime = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null
  return { bytes, count: header.recordCount, base: { baseOffset, baseTimestamp, appendTime } }
}

/** The whole batch must be in the buffer. */
export function verifyCrc(buffer: Buffer, offset = 0): boolean {
  const end = offset + buffer.readInt32BE(offset + BATCH_LENGTH_AT) + BATCH_OVERHEAD_BYTES
  return crc32c(buffer.subarray(offset + ATTRIBUTES_AT, end)) === buffer.readUInt32BE(offset + CRC_AT)
}

/** Rewrites the two fields that the checksum does not cover. */
export function setBaseOffset(buffer: Buffer, at: number, baseOffset: number, leaderEpoch: number): void {
  writeInt64(buffer, at, baseOffset)
  buffer.writeInt32BE(leaderEpoch, at + LEADER_EPOCH_AT)
}

/** Stamps the batch with the log's time: from now on all its records have `timestamp`. Renews the checksum. */
export function setLogAppendTime(buffer: Buffer, at: number, timestamp: number): void {
  setTimes(buffer, at, { attributes: LOG_APPEND_TIME, maxTimestamp: timestamp })
}

/** Marks the records as having their producer's times, of which this is the largest. Renews the checksum. */
export function setCreateTime(buffer: Buffer, at: number, maxTimestamp: number): void {
  setTimes(buffer, at, { attributes: 0, maxTimestamp })
}

/** Only compaction may set a delete horizon. */
function setTimes(buffer: Buffer, at: number, times: { attributes: number; maxTimestamp: number }): void {
  const others = buffer.readInt16BE(at + ATTRIBUTES_AT) & ~(LOG_APPEND_TIME | DELETE_HORIZON)
  buffer.writeInt16BE(others | times.attributes, at + ATTRIBUTES_AT)
  writeInt64(buffer, at + MAX_TIMESTAMP_AT, times.maxTimestamp)
  writeCrc(buffer, at)
}

function writeCrc(buffer: Buffer, at: number): void {
  const end = at + buffer.readInt32BE(at + BATCH_LENGTH_AT) + BATCH_OVERHEAD_BYTES
  buffer.writeUInt32BE(crc32c(buffer.subarray(at + ATTRIBUTES_AT, end)), at + CRC_AT)
}
