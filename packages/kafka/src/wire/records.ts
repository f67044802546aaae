/**
 * The records inside a batch: varint lengths, deltas of offset and time, key, value and headers.
 *
 * Source: https://kafka.apache.org/documentation/#record
 */

import { ByteWriter, halfZigzag } from './byte-writer.ts'
import { MalformedError, OversizedError } from './malformed.ts'

/** Header names may repeat; their order is kept. */
export type RecordHeaders = ReadonlyArray<readonly [name: string, value: Buffer | null]>

/** A record for `encodeBatch`, with its time in ms since the epoch. The value null is a tombstone. */
export type RecordToEncode = {
  /** In ms since the epoch. */
  readonly timestamp: number
  /** `null` is a record without a key. */
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  /** Default: no headers. */
  readonly headers?: RecordHeaders
  /** Absolute; default: the offset after the previous record's. */
  readonly offset?: number
}

/** A record of a batch, with its time in ms since the epoch: the log's time if the batch has LogAppendTime. */
export type DecodedRecord = {
  /** Absolute. */
  readonly offset: number
  /** In ms since the epoch. */
  readonly timestamp: number
  /** `null` if the record has no key. */
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  /** In wire order; names may repeat. */
  readonly headers: RecordHeaders
}

export function encodeRecords(
  records: readonly RecordToEncode[],
  base: { readonly baseOffset: number; readonly baseTimestamp: number },
): { bytes: Buffer; lastOffsetDelta: number; maxTimestamp: number } {
  const writer = new ByteWriter(Math.max(256, records.length * 128))
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

function encodeRecord(writer: ByteWriter, record: RecordToEncode, delta: Deltas): void {
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
  const half = halfZigzag(value)
  let bytes = 1
  for (let limit = 0x40; half >= limit; limit *= 0x80) bytes++
  return bytes
}

function varBytesBytes(value: Buffer | null): number {
  return value === null ? 1 : varintBytes(value.length) + value.length
}

function writeVarBytes(writer: ByteWriter, value: Buffer | null): void {
  if (value === null) {
    writer.varint(-1)
    return
  }
  writer.varint(value.length)
  writer.raw(value)
}

/** The values that a record's deltas are added to; an append time replaces the records' own times. */
export type RecordBase = {
  readonly baseOffset: number
  readonly baseTimestamp: number
  readonly appendTime: number | null
}

/**
 * The limit of records and headers in one batch, all of which become objects at once: a few compressed bytes may claim more of them
 * than fit into memory.
 */
const MAX_ITEMS = 1_000_000

/** @throws MalformedError unless the bytes are exactly `count` records, OversizedError for more than 1,000,000 records and headers */
export function decodeUnpackedRecords(bytes: Buffer, count: number, base: RecordBase): DecodedRecord[] {
  const records: DecodedRecord[] = []
  const take: VisitRecord = (offset, timestamp, key, value, headers) => {
    records.push({ offset, timestamp, key, value, headers })
  }
  visitUnpackedRecords({ bytes, count, base }, take, 'all')
  return records
}

/** Called with each record, in the order of the batch. `headers` are the wanted ones. */
export type VisitRecord = (
  offset: number,
  timestamp: number,
  key: Buffer | null,
  value: Buffer | null,
  headers: RecordHeaders,
) => void

/** Which headers of a record are read: those with these names, or all. */
export type WantedHeaders = 'all' | ReadonlySet<string>

const noNames: ReadonlySet<string> = new Set()
const noHeaders: RecordHeaders = []

/**
 * Walks over records without an object for each, and with the wanted headers only, none by default. For large numbers of records
 * that are read once.
 * @throws MalformedError unless the bytes are exactly `count` records; headers are not checked if none are wanted
 */
export function visitUnpackedRecords(
  { bytes, count, base }: { readonly bytes: Buffer; readonly count: number; readonly base: RecordBase },
  visit: VisitRecord,
  wanted: WantedHeaders = noNames,
): void {
  const cursor = new RecordCursor(bytes, base)
  const isNone = wanted !== 'all' && wanted.size === 0
  for (let index = 0; index < count; index++) {
    cursor.next()
    const { offset, timestamp, key, value } = cursor
    if (isNone) cursor.skipHeaders()
    visit(offset, timestamp, key, value, isNone ? noHeaders : cursor.headers(wanted))
  }
  cursor.finish(count)
}

const MAX_VARINT_BYTES = 5
const MAX_VARLONG_BYTES = 10

/**
 * Steps through records. Written for speed, because every record that is read passes here: one loop per number, without a
 * call for each byte. Bytes past the end read as undefined, which makes every number invalid.
 */
class RecordCursor {
  offset = 0
  timestamp = 0
  key: Buffer | null = null
  value: Buffer | null = null
  readonly #bytes: Buffer
  readonly #base: RecordBase
  #at = 0
  #items = 0
  /** The fields of the present record. */
  #end = 0

  constructor(bytes: Buffer, base: RecordBase) {
    this.#bytes = bytes
    this.#base = base
  }

  next(): void {
    this.#count(1)
    const size = this.#varint()
    this.#end = this.#at + size
    if (size < 0 || this.#end > this.#bytes.length) {
      throw new MalformedError(`a record of ${size} bytes at ${this.#at} of ${this.#bytes.length}`)
    }
    this.#at++
    const { baseTimestamp, baseOffset, appendTime } = this.#base
    const timestamp = baseTimestamp + this.#varlong()
    this.timestamp = appendTime ?? timestamp
    this.offset = baseOffset + this.#varint()
    this.key = this.#varBytes()
    this.value = this.#varBytes()
  }

  headers(wanted: WantedHeaders): RecordHeaders {
    const count = this.#varint()
    if (count < 0) throw new MalformedError(`a record with ${count} headers`)
    this.#count(count)
    const headers: Array<readonly [string, Buffer | null]> = []
    for (let index = 0; index < count; index++) {
      const name = this.#headerName()
      if (wanted === 'all' || wanted.has(name)) headers.push([name, this.#varBytes()])
      else this.#pass()
    }
    if (this.#at !== this.#end) throw new MalformedError(`the record at offset ${this.offset} differs from its length`)
    return headers
  }

  skipHeaders(): void {
    if (this.#at > this.#end) throw new MalformedError(`the record at offset ${this.offset} differs from its length`)
    this.#at = this.#end
  }

  finish(count: number): void {
    const left = this.#bytes.length - this.#at
    if (left !== 0) throw new MalformedError(`${left} bytes are left after ${count} records`)
  }

  #count(items: number): void {
    this.#items += items
    if (this.#items > MAX_ITEMS) throw new OversizedError(`a batch of more than ${MAX_ITEMS} records and headers`)
  }

  #headerName(): string {
    const length = this.#pass()
    if (length === -1) throw new MalformedError('a record header without a name')
    return knownText(this.#bytes, this.#at - length, this.#at)
  }

  #varBytes(): Buffer | null {
    const length = this.#pass()
    return length === -1 ? null : this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** Steps over a length and as many bytes; returns the length, -1 for null. */
  #pass(): number {
    const length = this.#varint()
    if (length === -1) return length
    const end = this.#at + length
    if (length < 0 || end > this.#end) {
      throw new MalformedError(`needs ${length} bytes at ${this.#at}, but only ${this.#end - this.#at} are left`)
    }
    this.#at = end
    return length
  }

  /** A zigzag varint of at most 32 bits. */
  #varint(): number {
    const bytes = this.#bytes
    const first = bytes[this.#at]
    if (first !== undefined && first < 0x80) {
      this.#at++
      return (first >>> 1) ^ -(first & 1)
    }
    let value = 0
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = bytes[this.#at++]
      if (byte === undefined) throw new MalformedError(`the records end within a number, at ${this.#at - 1}`)
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return (value >>> 1) ^ -(value & 1)
      }
    }
    throw new MalformedError(`the varint before ${this.#at} is longer than 32 bits`)
  }

  /** A zigzag varint of at most 64 bits, as a safe integer. Its last bit is the sign, kept apart: with it, the number may have 54 bits. */
  #varlong(): number {
    const first = this.#byte()
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    let half = (first & 0x7f) >>> 1
    for (let index = 1; index < MAX_VARLONG_BYTES; index++) {
      const byte = this.#byte()
      half += (byte & 0x7f) * 2 ** (7 * index - 1)
      if (byte < 0x80) {
        const value = (first & 1) === 0 ? half : -half - 1
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw new MalformedError(`the varlong before ${this.#at} is not a safe integer`)
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new MalformedError(`the records end within a number, at ${this.#at - 1}`)
    return byte
  }
}

type KnownText = { readonly bytes: Buffer; readonly text: string }

/** A cache of header names, by their bytes: nearly all records have the same few. */
const known: (KnownText | undefined)[] = []
const knownSlots = 64
const longestKnown = 64

/** The text of these bytes, created once for equal bytes. */
function knownText(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length === 0 || length > longestKnown) return bytes.toString('utf8', start, end)
  const slot = (31 * length + 7 * (bytes[start] ?? 0) + (bytes[end - 1] ?? 0)) % knownSlots
  const found = known[slot]
  if (found !== undefined && found.bytes.length === length && isAt(found.bytes, bytes, start)) return found.text
  const text = bytes.toString('utf8', start, end)
  known[slot] = { bytes: Buffer.from(bytes.subarray(start, end)), text }
  return text
}

/** A loop, because for about 20 bytes it is faster than a call of `compare`. */
function isAt(expected: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < expected.length; index++) if (expected[index] !== bytes[start + index]) return false
  return true
}
