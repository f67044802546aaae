/**
 * Sorts records into groups that fit into memory, by files: records of one group (a transfer, an account, a request) are in the same
 * bucket, and the buckets are read back one after the other. Within a bucket records keep the order in which they were added. Memory is one
 * buffer of at most 16 KB for each bucket, 12 MB for all of a family, for any number of records; disk is the size of the records and 30
 * bytes for each.
 *
 *     frame = length of the rest u32 · kind u8 · partition u32 · offset f64 · timestamp f64 · key length u16 · key · JSON
 */
import { appendFileSync, closeSync, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Located } from './cut.ts'

/** The records that can be spooled: for each kind, the topic that it came from. */
export type Kinds = Readonly<Record<string, string>>

export type SpoolOptions<K extends Kinds> = {
  /** An empty folder that only this spool uses. */
  readonly folder: string
  readonly buckets: number
  readonly kinds: K
}

const maxBuckets = 2048
const defaultBucketRecords = 20_000

/** The number of buckets for this many records, with `bucketRecords` in each on average; at most 2,048. */
export function bucketsFor(records: number, bucketRecords = defaultBucketRecords): number {
  return Math.min(maxBuckets, Math.max(1, Math.ceil(records / bucketRecords)))
}

/** Bytes of the buffers of a whole family, and of one bucket. */
const maxWaitingBytes = 12 * 1024 * 1024
const maxBufferBytes = 16 * 1024
const chunkBytes = 256 * 1024
const headBytes = 1 + 4 + 8 + 8 + 2

export class Spool<K extends Kinds> {
  readonly buckets: number
  readonly #folder: string
  readonly #kinds: readonly (keyof K & string)[]
  readonly #topics: K
  readonly #bufferBytes: number
  readonly #families = new Map<string, Bucket[]>()

  constructor({ folder, buckets, kinds }: SpoolOptions<K>) {
    this.buckets = buckets
    this.#folder = folder
    this.#kinds = Object.keys(kinds)
    this.#topics = kinds
    this.#bufferBytes = Math.min(maxBufferBytes, Math.floor(maxWaitingBytes / buckets))
  }

  /**
   * @param family groups of different families are sorted apart
   * @param json the record's value as JSON; a tombstone is `null`
   */
  add(to: { family: string; group: string; kind: keyof K & string }, record: Place, json: Uint8Array): void {
    const bucket = this.#bucketOf(to.family, crc32(to.group) % this.buckets)
    const bytes = 4 + headBytes + Buffer.byteLength(record.key) + json.length
    if (bucket.used + bytes > this.#bufferBytes) flush(bucket)
    const kind = this.#kinds.indexOf(to.kind)
    if (bytes > this.#bufferBytes) {
      const frame = Buffer.allocUnsafe(bytes)
      writeFrame(frame, kind, record, json)
      appendFileSync(bucket.file, frame)
      return
    }
    // One for each bucket, kept as long as the spool: many small ones, each freed at another time, would leave holes in memory.
    bucket.buffer ??= Buffer.allocUnsafeSlow(this.#bufferBytes)
    writeFrame(bucket.buffer.subarray(bucket.used, bucket.used + bytes), kind, record, json)
    bucket.used += bytes
  }

  /** The records of a bucket, in the order in which they were added. */
  *read(family: string, index: number): Iterable<{ kind: keyof K & string; record: Located<unknown> }> {
    const bucket = this.#bucketOf(family, index)
    flush(bucket)
    if (!existsSync(bucket.file)) return
    for (const frame of framesOf(bucket.file)) yield this.#recordOf(frame)
  }

  #bucketOf(family: string, index: number): Bucket {
    let buckets = this.#families.get(family)
    if (buckets === undefined) {
      buckets = Array.from({ length: this.buckets }, (_, n) => {
        return { file: join(this.#folder, `${family}-${n}`), buffer: undefined, used: 0 }
      })
      this.#families.set(family, buckets)
    }
    const bucket = buckets[index]
    if (bucket === undefined) throw new RangeError(`there is no bucket ${index} of ${this.buckets}`)
    return bucket
  }

  #recordOf(frame: Buffer): { kind: keyof K & string; record: Located<unknown> } {
    const kind = this.#kinds[frame.readUInt8(0)]
    const topic = kind === undefined ? undefined : this.#topics[kind]
    if (kind === undefined || topic === undefined) throw new Error(`a spooled record is of kind ${frame[0]}`)
    const valueAt = headBytes + frame.readUInt16BE(headBytes - 2)
    const record = {
      topic,
      partition: frame.readUInt32BE(1),
      offset: frame.readDoubleBE(5),
      timestamp: frame.readDoubleBE(13),
      key: frame.toString('utf8', headBytes, valueAt),
      value: JSON.parse(frame.toString('utf8', valueAt)),
    }
    return { kind, record }
  }
}

type Bucket = {
  readonly file: string
  /** Made with the first record. */
  buffer: Buffer | undefined
  /** Bytes of the buffer that are to be written. */
  used: number
}

function flush(bucket: Bucket): void {
  if (bucket.buffer === undefined || bucket.used === 0) return
  appendFileSync(bucket.file, bucket.buffer.subarray(0, bucket.used))
  bucket.used = 0
}

type Place = Pick<Located<unknown>, 'partition' | 'offset' | 'timestamp' | 'key'>

/** @param frame of exactly the length that it needs */
function writeFrame(frame: Buffer, kind: number, { partition, offset, timestamp, key }: Place, json: Uint8Array): void {
  frame.writeUInt32BE(frame.length - 4, 0)
  frame.writeUInt8(kind, 4)
  frame.writeUInt32BE(partition, 5)
  frame.writeDoubleBE(offset, 9)
  frame.writeDoubleBE(timestamp, 17)
  const keyLength = frame.write(key, 4 + headBytes)
  frame.writeUInt16BE(keyLength, 25)
  frame.set(json, 4 + headBytes + keyLength)
}

/** A frame may be used until the next one is taken. */
function* framesOf(file: string): Iterable<Buffer> {
  const descriptor = openSync(file, 'r')
  try {
    let bytes = Buffer.allocUnsafeSlow(chunkBytes)
    let filled = 0
    for (;;) {
      const read = readSync(descriptor, bytes, filled, bytes.length - filled, null)
      if (read === 0) break
      filled += read
      let at = 0
      let next = frameBytes(bytes, at, filled)
      while (at + next <= filled) {
        yield bytes.subarray(at + 4, at + next)
        at += next
        next = frameBytes(bytes, at, filled)
      }
      const rest = bytes.subarray(at, filled)
      if (next > bytes.length) bytes = Buffer.allocUnsafeSlow(next)
      rest.copy(bytes)
      filled = rest.length
    }
    if (filled > 0) throw new Error(`${file} ends within a record`)
  } finally {
    closeSync(descriptor)
  }
}

/** The length of the frame that begins there; of one whose length isn't read yet, the size of the length field. */
function frameBytes(bytes: Buffer, at: number, filled: number): number {
  return filled - at < 4 ? 4 : 4 + bytes.readUInt32BE(at)
}
