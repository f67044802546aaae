/**
 * Compaction by key of closed segments that lie below the last stable offset, so that every transaction in them has
 * ended. Of each key the newest committed record stays; records of aborted transactions go. Offsets never change: a
 * batch that loses records keeps its base and last offset, so consumers just jump.
 *
 * Tombstones, and markers whose data is gone, get a delete horizon (now + delete.retention.ms) at the first round that
 * sees them, and go at the first round after it (KIP-534), so that a consumer that reads from the start within this
 * time sees them. The marker of a transaction stays as long as data of it does. The last batch of the range stays, if
 * need be without records, so that whoever reads up to the end gets there.
 *
 * New files are written beside the old ones; the caller puts them in place. Nothing here touches the log's state, so
 * it runs in a worker when there is much to do.
 */

import { join } from 'node:path'
import {
  type BatchHeader,
  type DecodedRecord,
  decodeControlRecord,
  decodeRecords,
  encodeBatch,
  readBatchHeader,
} from '@streampay/kafka/wire'
import { batchBytesAt } from './batch-view.ts'
import type { Files } from './files.ts'
import { scanBatches } from './scan-batches.ts'
import type { SegmentState } from './segment.ts'
import type { AbortedRange } from './transaction-index.ts'

export type CompactionJob = {
  readonly folder: string
  /** Closed, synced, in order. */
  readonly segments: readonly SegmentState[]
  /** What lies before was compacted earlier: no key stands in it twice. */
  readonly compactedTo: number
  /** The first offset after the segments. */
  readonly endOffset: number
  readonly aborted: readonly AbortedRange[]
  readonly now: number
  readonly deleteRetentionMs: number
  readonly segmentBytes: number
  /** Of the names of new files; higher than that of any file there. */
  readonly round: number
}

export type CompactionResult = {
  readonly segments: readonly SegmentState[]
  readonly compactedTo: number
  /** Offsets of abort markers that are gone, whose transactions can be forgotten. */
  readonly droppedMarkers: readonly number[]
}

type KeyMap = { readonly newest: ReadonlyMap<string, number>; readonly end: number }

/** About 100 bytes each. What does not fit is compacted in the next round. */
const maxKeys = 500_000
const writeBytes = 1024 * 1024

export async function compactSegments(files: Files, job: CompactionJob): Promise<CompactionResult> {
  const keys = await newestByKey(files, job)
  const output = new CompactedFiles(files, job)
  const filter = new BatchFilter(job, keys)
  try {
    let trailing: Buffer | undefined
    for (const segment of job.segments) {
      output.nextSegment(segment)
      await visitBatches(files, job, segment, (batch) => {
        const kept = filter.filter(batch)
        trailing = kept ? undefined : Buffer.from(batch)
        if (kept) output.write(kept)
      })
    }
    if (trailing) output.write(filter.emptied(trailing))
    const segments = await output.finish()
    return { segments, compactedTo: keys.end, droppedMarkers: filter.droppedMarkers }
  } finally {
    output.close()
  }
}

/** The newest committed offset of every key after `compactedTo`. */
async function newestByKey(files: Files, job: CompactionJob): Promise<KeyMap> {
  const newest = new Map<string, number>()
  const aborted = new AbortedLookup(job.aborted)
  let end = job.endOffset
  for (const segment of job.segments) {
    await visitBatches(files, job, segment, (batch) => {
      const header = readBatchHeader(batch, 0)
      if (header.lastOffset < job.compactedTo || header.isControl || aborted.has(header)) return
      if (newest.size > maxKeys) {
        end = Math.min(end, header.baseOffset)
        return
      }
      for (const record of decodeRecords(batch)) if (record.key) newest.set(keyOf(record.key), record.offset)
    })
  }
  return { newest, end }
}

class BatchFilter {
  readonly droppedMarkers: number[] = []
  readonly #job: CompactionJob
  readonly #keys: KeyMap
  readonly #aborted: AbortedLookup
  /** Producers with kept records since their last marker. */
  readonly #withData = new Set<number>()

  constructor(job: CompactionJob, keys: KeyMap) {
    this.#job = job
    this.#keys = keys
    this.#aborted = new AbortedLookup(job.aborted)
  }

  /** What stays of the batch; undefined for nothing. */
  filter(batch: Buffer): Buffer | undefined {
    const header = readBatchHeader(batch, 0)
    if (header.baseOffset >= this.#keys.end) return batch
    if (header.isControl) return this.#filterMarker(batch, header)
    if (header.recordCount === 0 || this.#aborted.has(header)) return undefined
    const kept = this.#filterRecords(batch, header)
    if (kept && header.isTransactional) this.#withData.add(header.producerId)
    return kept
  }

  emptied(batch: Buffer): Buffer {
    return rewritten(readBatchHeader(batch, 0), [], null)
  }

  #filterRecords(batch: Buffer, header: BatchHeader): Buffer | undefined {
    const records = decodeRecords(batch)
    const expired = this.#isExpired(header)
    const kept = records.filter((record) => {
      if (record.key === null || (record.value === null && expired)) return false
      return (this.#keys.newest.get(keyOf(record.key)) ?? -1) <= record.offset
    })
    if (kept.length === 0) return undefined
    const needsHorizon = header.deleteHorizon === null && kept.some((record) => record.value === null)
    if (kept.length === records.length && !needsHorizon) return batch
    return rewritten(header, kept, needsHorizon ? this.#horizon() : header.deleteHorizon)
  }

  #filterMarker(batch: Buffer, header: BatchHeader): Buffer | undefined {
    const hasData = this.#withData.delete(header.producerId)
    if (hasData) return batch
    if (header.deleteHorizon === null) return rewritten(header, decodeRecords(batch), this.#horizon())
    if (!this.#isExpired(header)) return batch
    const marker = decodeRecords(batch)[0]
    if (marker && decodeControlRecord(marker).type === 'abort') this.droppedMarkers.push(header.lastOffset)
    return undefined
  }

  #isExpired(header: BatchHeader): boolean {
    return header.deleteHorizon !== null && header.deleteHorizon <= this.#job.now
  }

  #horizon(): number {
    return this.#job.now + this.#job.deleteRetentionMs
  }
}

/** Which batches belong to transactions that were aborted. */
class AbortedLookup {
  readonly #byProducer = new Map<number, AbortedRange[]>()

  constructor(aborted: readonly AbortedRange[]) {
    for (const range of aborted) {
      const ranges = this.#byProducer.get(range.producerId)
      if (ranges) ranges.push(range)
      else this.#byProducer.set(range.producerId, [range])
    }
  }

  has(header: BatchHeader): boolean {
    if (!header.isTransactional) return false
    const ranges = this.#byProducer.get(header.producerId) ?? []
    return ranges.some((range) => range.firstOffset <= header.baseOffset && header.lastOffset < range.lastOffset)
  }
}

/** The new files: several small segments become one, none becomes larger than `segment.bytes` allows. */
class CompactedFiles {
  readonly #files: Files
  readonly #job: CompactionJob
  readonly #opened: { readonly fd: number; state: SegmentState }[] = []
  /** Of the last file, not written yet. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  #createdAt = 0

  constructor(files: Files, job: CompactionJob) {
    this.#files = files
    this.#job = job
  }

  nextSegment(source: SegmentState): void {
    this.#createdAt = source.createdAt
  }

  write(batch: Buffer): void {
    const { baseOffset, maxTimestamp } = readBatchHeader(batch, 0)
    const last = this.#opened.at(-1)
    const isFull = last !== undefined && last.state.bytes + batch.length > this.#job.segmentBytes
    const file = last === undefined || isFull ? this.#begin(baseOffset) : last
    this.#pending.push(Buffer.from(batch)) // The scan reuses its buffer.
    this.#pendingBytes += batch.length
    file.state = {
      ...file.state,
      bytes: file.state.bytes + batch.length,
      maxTimestamp: Math.max(file.state.maxTimestamp, maxTimestamp),
      createdAt: this.#createdAt,
    }
    if (this.#pendingBytes >= writeBytes) this.#flush()
  }

  /** Makes the files and their names durable. */
  async finish(): Promise<SegmentState[]> {
    this.#flush()
    for (const { fd } of this.#opened) await this.#files.sync(fd)
    await this.#files.syncFolder(this.#job.folder)
    return this.#opened.map(({ state }) => state)
  }

  close(): void {
    for (const { fd } of this.#opened) this.#files.close(fd)
  }

  #begin(firstOffset: number) {
    this.#flush()
    // The first file also stands for what was before its first batch: lookups of older offsets begin there.
    const baseOffset = this.#opened.length === 0 ? (this.#job.segments[0]?.baseOffset ?? firstOffset) : firstOffset
    const file = `${String(baseOffset).padStart(20, '0')}-${this.#job.round}.log`
    const fd = this.#files.open(join(this.#job.folder, file))
    const opened = { fd, state: { file, baseOffset, bytes: 0, maxTimestamp: -1, createdAt: this.#createdAt } }
    this.#opened.push(opened)
    this.#files.truncate(fd, 0)
    return opened
  }

  #flush(): void {
    const last = this.#opened.at(-1)
    if (last === undefined || this.#pending.length === 0) return
    this.#files.write(last.fd, this.#pending, last.state.bytes - this.#pendingBytes)
    this.#pending = []
    this.#pendingBytes = 0
  }
}

/** `batch` is valid only during the visit. */
async function visitBatches(
  files: Files,
  job: CompactionJob,
  segment: SegmentState,
  visit: (batch: Buffer) => void,
): Promise<void> {
  const path = join(job.folder, segment.file)
  const fd = files.openForReading(path)
  try {
    const readAt = (buffer: Buffer, position: number) => files.read(fd, buffer, position)
    await scanBatches(readAt, { from: 0, end: () => segment.bytes, verify: true, path }, (bytes, at) => {
      visit(bytes.subarray(at, at + batchBytesAt(bytes, at)))
      return false
    })
  } finally {
    files.close(fd)
  }
}

/** The batch with fewer records: same offsets, producer, times; new checksum. */
function rewritten(header: BatchHeader, records: readonly DecodedRecord[], deleteHorizon: number | null): Buffer {
  return encodeBatch({
    baseOffset: header.baseOffset,
    lastOffsetDelta: header.lastOffsetDelta,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    compression: records.length === 0 ? 'none' : header.compression,
    timestampType: header.timestampType,
    isTransactional: header.isTransactional,
    isControl: header.isControl,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    baseTimestamp: header.baseTimestamp,
    maxTimestamp: header.maxTimestamp,
    ...(deleteHorizon !== null && { deleteHorizon }),
    records,
  })
}

/** One character a byte: a string that is equal exactly when the bytes are. */
function keyOf(key: Buffer): string {
  return key.toString('latin1')
}
