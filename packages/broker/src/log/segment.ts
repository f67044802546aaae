/**
 * One segment file: record batches as producers sent them, one after the other. Only the last segment of a partition
 * is appended to. What is in the file beyond the last checkpoint may be anything after a crash; recovery cuts it off
 * and writes it again from the journal.
 */

import { baseOffsetAt, batchBytesAt, batchHeaderBytes, lastOffsetAt, maxTimestampAt } from './batch-view.ts'
import { BrokenLogError } from './broker-error.ts'
import type { Files } from './files.ts'
import { type ReadAt, scanBatches } from './scan-batches.ts'
import { SparseIndex } from './sparse-index.ts'

/** What the checkpoint keeps of a segment. */
export type SegmentState = {
  /** Relative to the partition's folder. */
  readonly file: string
  readonly baseOffset: number
  readonly bytes: number
  /** -1 while empty. */
  readonly maxTimestamp: number
  readonly createdAt: number
}

export type SegmentOptions = {
  readonly files: Files
  readonly path: string
  readonly state: SegmentState
  readonly indexIntervalBytes: number
}

export type BatchRange = {
  readonly offset: number
  readonly maxBytes: number
  /** Batches that begin here or later are not visible. */
  readonly endOffset: number
  readonly minOneBatch: boolean
}

/** The segment was deleted or replaced between finding and reading it: look it up again. */
export class SegmentClosedError extends Error {
  override readonly name = 'SegmentClosedError'
}

/** Up to so much is read synchronously from a segment that was just written: it is in the page cache. */
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
  /** Undefined until the first read of a segment that an earlier process wrote. */
  #index: SparseIndex | undefined
  #indexing: Promise<SparseIndex> | undefined
  #fd = -1
  /** Reads under way: a descriptor closed under them could be reused for another file, and give its bytes. */
  #users = 0
  /** Written since the last sync, or the one being appended to: keeps its descriptor. */
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
    if (state.bytes === 0) this.#index = new SparseIndex(options.indexIntervalBytes)
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

  state(): SegmentState {
    const { file, baseOffset, bytes, maxTimestamp, createdAt } = this
    return { file, baseOffset, bytes, maxTimestamp, createdAt }
  }

  /** Cuts off whatever a crash left behind the known end. @throws BrokenLogError when known bytes are missing */
  restore(): void {
    const size = this.#files.sizeOf(this.path) ?? 0
    if (size < this.#bytes) {
      throw new BrokenLogError(`The log file ${this.path} is broken: it has ${size} of ${this.#bytes} bytes`)
    }
    if (size === this.#bytes) return
    this.#files.truncate(this.#descriptor(), this.#bytes)
    this.#dirty = true
  }

  append(batch: Buffer): void {
    this.#dirty = true
    this.#files.write(this.#descriptor(), [batch], this.#bytes)
    const maxTimestamp = maxTimestampAt(batch, 0)
    this.#index?.add({ baseOffset: baseOffsetAt(batch, 0), position: this.#bytes, maxTimestamp })
    if (maxTimestamp > this.#maxTimestamp) this.#maxTimestamp = maxTimestamp
    this.#bytes += batch.length
  }

  /**
   * Whole batches from the one that holds `offset`; empty if that one is too large for the range, or not visible; undefined if
   * no batch of this segment reaches the offset.
   */
  async read(range: BatchRange): Promise<Buffer | undefined> {
    const index = this.#index ?? (await this.#rebuildIndex())
    return this.#using(async () => {
      const start = index.positionForOffset(range.offset)
      // The batch that holds the offset begins within one interval; the slack usually makes it one read.
      const slack = this.#intervalBytes + batchHeaderBytes
      const wanted = Math.min(range.maxBytes + slack, this.#bytes - start)
      const chunk = await this.#bytesAt(start, wanted)
      const first = firstBatchReaching(chunk, range.offset)
      if (first === undefined) return this.#readByHopping(range, start)
      return wholeBatches(chunk.subarray(first), range) ?? this.#readOne(range, start + first)
    })
  }

  /** Visits batches at or after the time; true from the visitor ends it. */
  async scanFromTimestamp(timestamp: number, visit: (bytes: Buffer, at: number) => boolean): Promise<void> {
    const index = this.#index ?? (await this.#rebuildIndex())
    await this.#scan({ from: index.positionForTimestamp(timestamp), verify: false }, visit)
  }

  /** @throws BrokenLogError at the first batch that is not what was written */
  async verify(): Promise<void> {
    if (this.#index === undefined) await this.#rebuildIndex()
    else await this.#scan({ from: 0, verify: true }, () => false)
  }

  /** Makes everything appended before the call durable in place. */
  async sync(): Promise<void> {
    if (!this.#dirty || this.#closed) return
    this.#dirty = false
    await this.#using(() => this.#files.sync(this.#descriptor()))
  }

  /** Gives the descriptor back once nobody reads; the segment can still be read, through a new one. */
  rest(): void {
    if (this.#users > 0 || this.#dirty || this.#fd === -1) return
    this.#files.close(this.#fd)
    this.#fd = -1
  }

  /** For a segment that is deleted or a log that is closed: nothing is synced any more. */
  close(): void {
    this.#closed = true
    this.#dirty = false
    this.rest()
  }

  #rebuildIndex(): Promise<SparseIndex> {
    this.#indexing ??= this.#buildIndex().finally(() => {
      this.#indexing = undefined
    })
    return this.#indexing
  }

  async #buildIndex(): Promise<SparseIndex> {
    const index = new SparseIndex(this.#intervalBytes)
    await this.#scan({ from: 0, verify: true }, (bytes, at, position) => {
      index.add({ baseOffset: baseOffsetAt(bytes, at), position, maxTimestamp: maxTimestampAt(bytes, at) })
      return false
    })
    this.#index = index
    return index
  }

  #scan(
    range: { from: number; verify: boolean },
    visit: (bytes: Buffer, at: number, position: number) => boolean,
  ): Promise<void> {
    const readAt: ReadAt = (buffer, position) => this.#files.read(this.#descriptor(), buffer, position)
    return this.#using(() => scanBatches(readAt, { ...range, end: () => this.#bytes, path: this.path }, visit))
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

  /** The rare paths: a batch larger than what was asked for, or far from its index entry. */
  async #readOne(range: BatchRange, position: number): Promise<Buffer> {
    const header = await this.#bytesAt(position, batchHeaderBytes)
    if (baseOffsetAt(header, 0) >= range.endOffset) return Buffer.alloc(0)
    const size = batchBytesAt(header, 0)
    if (size > range.maxBytes && !range.minOneBatch) return Buffer.alloc(0)
    const chunk = await this.#bytesAt(position, Math.min(Math.max(size, range.maxBytes), this.#bytes - position))
    return wholeBatches(chunk, range) ?? Buffer.alloc(0)
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

function firstBatchReaching(chunk: Buffer, offset: number): number | undefined {
  for (let at = 0; at + batchHeaderBytes <= chunk.length; at += wholeBytes(chunk, at)) {
    if (lastOffsetAt(chunk, at) >= offset) return at
  }
  return undefined
}

/** @throws BrokenLogError rather than going round in circles over a damaged length */
function wholeBytes(chunk: Buffer, at: number): number {
  const bytes = batchBytesAt(chunk, at)
  if (bytes < batchHeaderBytes) throw new BrokenLogError(`A record batch says that it is ${bytes} bytes long`)
  return bytes
}

/** Undefined when the first batch is not whole in the chunk, and must be read alone. */
function wholeBatches(chunk: Buffer, range: BatchRange): Buffer | undefined {
  let end = 0
  while (end + batchHeaderBytes <= chunk.length) {
    if (baseOffsetAt(chunk, end) >= range.endOffset) break
    const next = end + wholeBytes(chunk, end)
    if (next > chunk.length || next > range.maxBytes) {
      if (end === 0 && next > chunk.length) return undefined
      if (end === 0 && range.minOneBatch) end = next
      break
    }
    end = next
  }
  return chunk.subarray(0, end)
}
