/**
 * One segment file: record batches as producers sent them, one after the other. Batches are appended only to the last segment
 * of a partition. After a crash, the file may have any bytes beyond the last checkpoint; recovery cuts them off
 * and writes them again from the journal.
 */

import { verifyCrc } from '@streampay/kafka/wire'
import { BrokenLogError } from './api-error.ts'
import { baseOffsetAt, batchBytesAt, batchHeaderBytes, lastOffsetAt, magicAt, maxTimestampAt } from './batch-view.ts'
import type { Files } from './files.ts'
import type { IndexCache } from './index-cache.ts'
import { type IndexState, indexPath } from './index-file.ts'
import { type FrozenIndex, IndexOfSegment } from './index-of-segment.ts'
import { type ReadAt, scanBatches } from './scan-batches.ts'
import type { IndexEntry } from './segment-index.ts'
import type { AbortedRange, OpenTransaction, TransactionScan } from './transaction-scan.ts'

/** The checkpoint's data about a segment. */
export type SegmentState = {
  /** Relative to the partition's folder. */
  readonly file: string
  readonly baseOffset: number
  readonly bytes: number
  /** -1 while empty. */
  readonly maxTimestamp: number
  readonly createdAt: number
  /** Absent if there is no known index file. */
  readonly index?: IndexState | undefined
}

export type SegmentOptions = {
  readonly files: Files
  readonly path: string
  /** Consists of topic, partition and file: no other segment ever has it. */
  readonly identity: string
  readonly state: SegmentState
  readonly indexIntervalBytes: number
  readonly indexes: IndexCache
  /** The transactions that are open at the start of the segment. */
  readonly openBefore: (segment: Segment) => Promise<readonly OpenTransaction[]>
}

export type BatchRange = {
  readonly offset: number
  readonly maxBytes: number
  /** Batches that begin here or later are not visible. */
  readonly endOffset: number
  readonly minOneBatch: boolean
}

/** The segment was deleted or replaced after it was found: look it up again. */
export class SegmentClosedError extends Error {
  override readonly name = 'SegmentClosedError'
}

/** Up to this size, a recently written segment is read synchronously: its data is in the page cache. */
const readNowBytes = 256 * 1024

export class Segment {
  readonly path: string
  readonly file: string
  readonly baseOffset: number
  readonly createdAt: number
  #bytes: number
  #maxTimestamp: number
  readonly #files: Files
  readonly #intervalBytes: number
  readonly #index: IndexOfSegment
  /** Bytes from here on were written by this process, and the last read range of the rest was verified: their checksums are known. */
  #writtenFrom: number
  #verified = { from: 0, to: 0 }
  #fd = -1
  /** Reads in progress: a descriptor that is closed during a read could be reused, and return bytes of another file. */
  #users = 0
  /** Written since the last sync, or the open segment: keeps its descriptor. */
  #dirty = false
  #closed = false

  constructor(options: SegmentOptions) {
    const { state } = options
    this.path = options.path
    this.file = state.file
    this.baseOffset = state.baseOffset
    this.createdAt = state.createdAt
    this.#bytes = state.bytes
    this.#maxTimestamp = state.maxTimestamp
    this.#files = options.files
    this.#intervalBytes = options.indexIntervalBytes
    this.#writtenFrom = state.bytes
    this.#index = new IndexOfSegment({
      place: { files: options.files, path: indexPath(options.path), identity: options.identity },
      intervalBytes: options.indexIntervalBytes,
      cache: options.indexes,
      bytes: state.bytes,
      maxTimestamp: state.maxTimestamp,
      state: state.index,
      openBefore: () => options.openBefore(this),
      scan: ({ from, end }, visit) => this.#scan({ from, end: () => end, verify: true }, visit),
    })
  }

  get bytes(): number {
    return this.#bytes
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  get dirty(): boolean {
    return this.#dirty
  }

  /** The present data; `indexState` is set by the checkpoint that saves it. */
  state(): SegmentState {
    const { file, baseOffset, bytes, maxTimestamp, createdAt } = this
    return { file, baseOffset, bytes, maxTimestamp, createdAt }
  }

  get indexState(): IndexState | undefined {
    return this.#index.state
  }

  /** Cuts off the bytes that a crash left behind the known end. @throws BrokenLogError if known bytes are missing */
  restore(): void {
    const size = this.#files.sizeOf(this.path) ?? 0
    if (size < this.#bytes) {
      throw new BrokenLogError(`The log file ${this.path} is broken: it has ${size} of ${this.#bytes} bytes`)
    }
    if (size === this.#bytes) return
    this.#files.truncate(this.#descriptor(), this.#bytes)
    this.#dirty = true
  }

  /** @param scan has read all batches of the partition before this one */
  append(batch: Buffer, scan: TransactionScan): void {
    this.#dirty = true
    this.#files.write(this.#descriptor(), [batch], this.#bytes)
    this.#index.add(batch, { position: this.#bytes, scan })
    this.#maxTimestamp = Math.max(this.#maxTimestamp, maxTimestampAt(batch, 0))
    this.#bytes += batch.length
  }

  /** Call it when no batch will be appended any more. */
  seal(open: readonly OpenTransaction[]): void {
    this.#index.seal(open)
  }

  /**
   * Whole batches from the one with `offset` on; empty if that one is too large for the range, or not visible; undefined if
   * no batch of this segment reaches the offset.
   */
  async read(range: BatchRange): Promise<Buffer | undefined> {
    const start = await this.#startOf(() => this.#index.entryForOffset(range.offset))
    return this.#using(async () => {
      // The batch with the offset begins within one interval; the additional bytes usually make one read enough.
      const slack = this.#intervalBytes + batchHeaderBytes
      const wanted = Math.min(range.maxBytes + slack, this.#bytes - start)
      const chunk = await this.#bytesAt(start, wanted)
      const place = { path: this.path, position: start }
      const first = firstBatchReaching(chunk, range.offset, place)
      if (first === undefined) return this.#readByHopping(range, start)
      const batches = wholeBatches(chunk.subarray(first), range, { ...place, position: start + first })
      return batches === undefined ? this.#readOne(range, start + first) : this.#verifiedAt(batches, start + first)
    })
  }

  /** Visits batches at or after the time until the visitor returns true. */
  async scanFromTimestamp(timestamp: number, visit: (bytes: Buffer, at: number) => boolean): Promise<void> {
    const from = await this.#startOf(() => this.#index.entryForTimestamp(timestamp))
    await this.#scan({ from, verify: false }, visit)
  }

  /** Adds the aborted transactions that end here at or after `from`, and begin before `to`; true if no later one does. */
  findAborted(from: number, to: number, found: AbortedRange[]): Promise<boolean> {
    return this.#index.findAborted(from, to, found)
  }

  openAtEnd(): Promise<readonly OpenTransaction[]> {
    return this.#index.openAtEnd()
  }

  /** Verifies the last batches, up to about an index interval. @throws BrokenLogError at the first one that has been changed */
  async verifyEnd(): Promise<void> {
    const from = this.#index.state?.lastPosition ?? 0
    if (from < this.#bytes) await this.#scan({ from, verify: true }, () => false)
  }

  /** The number of bytes that `verifyEnd` reads. */
  get endBytes(): number {
    return this.#bytes - (this.#index.state?.lastPosition ?? 0)
  }

  /** The block that the checkpoint adds to the index file; undefined for none. @param open the transactions that are open now */
  freezeIndex(open: readonly OpenTransaction[]): FrozenIndex | undefined {
    return this.#index.freeze(open)
  }

  async saveIndex(frozen: FrozenIndex): Promise<void> {
    if (!this.#closed) await this.#index.save(frozen)
  }

  /** Makes all bytes that were appended before the call durable. */
  async sync(): Promise<void> {
    if (!this.#dirty || this.#closed) return
    this.#dirty = false
    await this.#using(() => this.#files.sync(this.#descriptor()))
  }

  /** Closes the descriptor when no read is in progress; the segment can still be read, through a new one. */
  rest(): void {
    if (this.#users > 0 || this.#dirty || this.#fd === -1) return
    this.#files.close(this.#fd)
    this.#fd = -1
  }

  /** For a deleted segment or a closed log: it is not synced any more. */
  close(): void {
    this.#closed = true
    this.#dirty = false
    this.#index.forget()
    this.rest()
  }

  /** Where to begin: the index's position, if a batch with that offset begins there. */
  async #startOf(find: () => Promise<IndexEntry | undefined>): Promise<number> {
    const entry = await find()
    if (entry === undefined || (await this.#begins(entry))) return entry?.position ?? 0
    await this.#index.distrust()
    const again = await find()
    if (again === undefined || (await this.#begins(again))) return again?.position ?? 0
    throw new BrokenLogError(`The log file ${this.path} is broken at byte ${again.position}: it was changed`)
  }

  async #begins({ offset, position }: IndexEntry): Promise<boolean> {
    // Bytes that this process wrote need no check.
    if (position >= this.#writtenFrom) return true
    const header = await this.#using(() => this.#bytesAt(position, batchHeaderBytes))
    return header.length === batchHeaderBytes && baseOffsetAt(header, 0) === offset
  }

  /** @throws BrokenLogError if bytes of an earlier process have been changed */
  #verifiedAt(batches: Buffer, from: number): Buffer {
    const to = from + batches.length
    const { from: knownFrom, to: knownTo } = this.#verified
    if (to === from || from >= this.#writtenFrom || (from >= knownFrom && to <= knownTo)) return batches
    for (let at = 0; at < batches.length; at += batchBytesAt(batches, at)) {
      // The magic number is before the checksum, and not covered by it.
      if (magicAt(batches, at) === 2 && verifyCrc(batches, at)) continue
      throw new BrokenLogError(`The log file ${this.path} is broken at byte ${from + at}: its checksum is wrong`)
    }
    // Readers mostly continue at their position: one range that grows.
    this.#verified = from >= knownFrom && from <= knownTo ? { from: knownFrom, to } : { from, to }
    if (this.#verified.to >= this.#writtenFrom) this.#writtenFrom = this.#verified.from
    return batches
  }

  #scan(
    range: { from: number; verify: boolean; end?: () => number },
    visit: (bytes: Buffer, at: number, position: number) => boolean,
  ): Promise<void> {
    const readAt: ReadAt = (buffer, position) => this.#files.read(this.#descriptor(), buffer, position)
    return this.#using(() => scanBatches(readAt, { end: () => this.#bytes, ...range, path: this.path }, visit))
  }

  async #readByHopping(range: BatchRange, start: number): Promise<Buffer | undefined> {
    let position = -1
    await this.#scan({ from: start, verify: false }, (bytes, at, found) => {
      if (lastOffsetAt(bytes, at) < range.offset) return false
      position = found
      return true
    })
    return position === -1 ? undefined : this.#readOne(range, position)
  }

  /** The rare cases: a batch larger than the requested size, or far from its index entry. */
  async #readOne(range: BatchRange, position: number): Promise<Buffer> {
    const header = await this.#bytesAt(position, batchHeaderBytes)
    if (baseOffsetAt(header, 0) >= range.endOffset) return Buffer.alloc(0)
    const size = batchBytesAt(header, 0)
    if (position + size > this.#bytes) {
      throw new BrokenLogError(`The log file ${this.path} is broken at byte ${position}: a batch of ${size} bytes`)
    }
    if (size > range.maxBytes && !range.minOneBatch) return Buffer.alloc(0)
    const chunk = await this.#bytesAt(position, Math.min(Math.max(size, range.maxBytes), this.#bytes - position))
    return this.#verifiedAt(wholeBatches(chunk, range, { path: this.path, position }) ?? Buffer.alloc(0), position)
  }

  async #bytesAt(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(Math.max(length, 0))
    const hot = this.#dirty && length <= readNowBytes
    const read = hot
      ? this.#files.readNow(this.#descriptor(), buffer, position)
      : await this.#files.read(this.#descriptor(), buffer, position)
    return buffer.subarray(0, read)
  }

  #descriptor(): number {
    if (this.#fd === -1) {
      if (this.#closed) throw new SegmentClosedError(`${this.path} is closed`)
      this.#fd = this.#files.open(this.path)
    }
    return this.#fd
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1
    try {
      return await work()
    } finally {
      this.#users -= 1
      if (this.#closed) this.rest()
    }
  }
}

/** Removes the segment and its index. */
export function removeSegment(files: Files, path: string): void {
  files.removeFile(path)
  files.removeFile(indexPath(path))
}

/** The position of a chunk, for errors. */
type Place = { readonly path: string; readonly position: number }

function firstBatchReaching(chunk: Buffer, offset: number, place: Place): number | undefined {
  for (let at = 0; at + batchHeaderBytes <= chunk.length; at += wholeBytes(chunk, at, place)) {
    if (lastOffsetAt(chunk, at) >= offset) return at
  }
  return undefined
}

/** @throws BrokenLogError, so that a damaged length does not cause an endless loop */
function wholeBytes(chunk: Buffer, at: number, { path, position }: Place): number {
  const bytes = batchBytesAt(chunk, at)
  if (bytes >= batchHeaderBytes) return bytes
  throw new BrokenLogError(`The log file ${path} is broken at byte ${position + at}: a batch of ${bytes} bytes`)
}

/** Undefined if the first batch is not complete in the chunk, and must be read alone. */
function wholeBatches(chunk: Buffer, range: BatchRange, place: Place): Buffer | undefined {
  let end = 0
  while (end + batchHeaderBytes <= chunk.length) {
    if (baseOffsetAt(chunk, end) >= range.endOffset) break
    const next = end + wholeBytes(chunk, end, place)
    if (next > chunk.length || next > range.maxBytes) {
      if (end === 0 && next > chunk.length) return undefined
      if (end === 0 && range.minOneBatch) end = next
      break
    }
    end = next
  }
  return chunk.subarray(0, end)
}
