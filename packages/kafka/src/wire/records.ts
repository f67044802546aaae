/**
 * The records inside a batch: varint lengths, deltas of offset and time, key, value and headers.
 *
 * Source: https://kafka.apache.org/documentation/#record
 */
import { MalformedError } from './malformed.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** Header names may repeat; their order is kept. */
export type RecordHeaders = ReadonlyArray<readonly [name: string, value: Buffer | null]>

export type RecordToEncode = {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: RecordHeaders
  /** Absolute; by default one after the record before. */
  readonly offset?: number
}

export type DecodedRecord = {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

export function encodeRecords(
  records: readonly RecordToEncode[],
  base: { readonly baseOffset: number; readonly baseTimestamp: number },
): { bytes: Buffer; lastOffsetDelta: number; maxTimestamp: number } {
  const writer = new Writer(Math.max(256, records.length * 128))
  let delta = -1
  let maxTimestamp = base.baseTimestamp
  for (const record of records) {
    delta = record.offset === undefined ? delta + 1 : record.offset - base.baseOffset
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    encodeRecord(writer, record, { offset: delta, timestamp: record.timestamp - base.baseTimestamp })
  }
  return { bytes: writer.finish(), lastOffsetDelta: Math.max(delta, 0), maxTimestamp }
}

type Deltas = { readonly offset: number; readonly timestamp: number }

function encodeRecord(writer: Writer, record: RecordToEncode, delta: Deltas): void {
  const headers = record.headers ?? []
  writer.varint(recordBytes(record, headers, delta))
  writer.int8(0)
  writer.varint(delta.timestamp)
  writer.varint(delta.offset)
  writeVarBytes(writer, record.key)
  writeVarBytes(writer, record.value)
  writer.varint(headers.length)
  for (const [name, value] of headers) {
    const length = Buffer.byteLength(name)
    writer.varint(length)
    writer.text(name, length)
    writeVarBytes(writer, value)
  }
}

function recordBytes(record: RecordToEncode, headers: RecordHeaders, delta: Deltas): number {
  let size = 1 + varintBytes(delta.timestamp) + varintBytes(delta.offset)
  size += varBytesBytes(record.key) + varBytesBytes(record.value) + varintBytes(headers.length)
  for (const [name, value] of headers) {
    const length = Buffer.byteLength(name)
    size += varintBytes(length) + length + varBytesBytes(value)
  }
  return size
}

function varintBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : value * -2 - 1
  let bytes = 1
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80)
    bytes++
  }
  return bytes
}

function varBytesBytes(value: Buffer | null): number {
  return value === null ? 1 : varintBytes(value.length) + value.length
}

function writeVarBytes(writer: Writer, value: Buffer | null): void {
  if (value === null) {
    writer.varint(-1)
    return
  }
  writer.varint(value.length)
  writer.raw(value)
}

/** What a record's deltas count from; with an append time, it replaces the records' own times. */
export type RecordBase = {
  readonly baseOffset: number
  readonly baseTimestamp: number
  readonly appendTime: number | null
}

/** @throws MalformedError unless the bytes are exactly `count` records */
export function decodeUnpackedRecords(bytes: Buffer, count: number, base: RecordBase): DecodedRecord[] {
  const reader = new Reader(bytes)
  const records: DecodedRecord[] = []
  for (let index = 0; index < count; index++) records.push(decodeRecord(reader, base))
  if (reader.position !== reader.end) {
    throw new MalformedError(`${reader.end - reader.position} bytes are left after ${count} records`)
  }
  return records
}

function decodeRecord(reader: Reader, base: RecordBase): DecodedRecord {
  const size = reader.varint()
  const end = reader.take(size) + size
  reader.position = end - size
  reader.int8()
  const timestamp = base.baseTimestamp + reader.varlong()
  const offset = base.baseOffset + reader.varint()
  const key = readVarBytes(reader)
  const value = readVarBytes(reader)
  const count = reader.varint()
  if (count < 0) throw new MalformedError(`a record with ${count} headers`)
  const headers: Array<readonly [string, Buffer | null]> = []
  for (let index = 0; index < count; index++) {
    const name = readVarBytes(reader)
    if (name === null) throw new MalformedError('a record header without a name')
    headers.push([name.toString('utf8'), readVarBytes(reader)])
  }
  if (reader.position !== end) throw new MalformedError(`the record at offset ${offset} differs from its length`)
  return { offset, timestamp: base.appendTime ?? timestamp, key, value, headers }
}

function readVarBytes(reader: Reader): Buffer | null {
  const length = reader.varint()
  if (length === -1) return null
  const at = reader.take(length)
  return reader.buffer.subarray(at, at + length)
}
