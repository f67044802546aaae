/** The output of a compaction: new segment files with their indexes, beside the old ones. */

import { join } from 'node:path'
import { baseOffsetAt, maxTimestampAt } from './batch-view.ts'
import { type CompactionJob, isSameSpan } from './compaction-job.ts'
import type { Files } from './files.ts'
import { appendIndexBlock, emptyIndexState, encodeIndexBlock, indexPath, syncIndex } from './index-file.ts'
import { removeSegment, type SegmentState } from './segment.ts'
import { SegmentIndex } from './segment-index.ts'
import type { TransactionScan } from './transaction-scan.ts'

type Opened = { readonly fd: number; readonly path: string; readonly index: SegmentIndex; state: SegmentState }

const writeBytes = 1024 * 1024

/** The files of one group of segments that is merged; no file becomes larger than `segment.bytes` allows. */
export class CompactedFiles {
  readonly #files: Files
  readonly #job: CompactionJob
  readonly #scan: TransactionScan
  readonly #baseOffset: number
  readonly #opened: Opened[] = []
  /** The bytes of the last file that are not written yet. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  #createdAt = 0
  #isNewSource = false

  /** @param scan has read the kept batches of everything before the group */
  constructor(
    files: Files,
    job: CompactionJob,
    group: { readonly scan: TransactionScan; readonly baseOffset: number },
  ) {
    this.#files = files
    this.#job = job
    this.#scan = group.scan
    this.#baseOffset = group.baseOffset
  }

  nextSegment(source: SegmentState): void {
    this.#createdAt = source.createdAt
    this.#isNewSource = true
  }

  write(batch: Buffer): void {
    const last = this.#opened.at(-1)
    const file = last === undefined || this.#isFull(last, batch) ? this.#begin(batch) : last
    this.#isNewSource = false
    const copy = Buffer.from(batch) // The scan reuses its buffer.
    this.#pending.push(copy)
    this.#pendingBytes += copy.length
    file.index.add(copy, 0, { position: file.state.bytes, scan: this.#scan })
    file.state = {
      ...file.state,
      bytes: file.state.bytes + copy.length,
      maxTimestamp: Math.max(file.state.maxTimestamp, maxTimestampAt(copy, 0)),
      createdAt: this.#createdAt,
    }
    if (this.#pendingBytes >= writeBytes) this.#flush()
  }

  /** Makes the files and their names durable. */
  async finish(): Promise<SegmentState[]> {
    this.#flush()
    this.#opened.at(-1)?.index.endAt({ open: this.#scan.open() })
    const states: SegmentState[] = []
    for (const { fd, path, index, state } of this.#opened) {
      await this.#files.sync(fd)
      const place = { files: this.#files, path: indexPath(path), identity: this.#job.identity + state.file }
      const added = { block: encodeIndexBlock(index), covers: state.bytes, index }
      states.push({ ...state, index: appendIndexBlock(place, emptyIndexState(place.identity), added) })
      await syncIndex(place)
    }
    await this.#files.syncFolder(this.#job.folder)
    return states
  }

  /** Removes the written files. */
  discard(): void {
    for (const { path } of this.#opened) removeSegment(this.#files, path)
  }

  close(): void {
    for (const { fd } of this.#opened) this.#files.close(fd)
  }

  #isFull({ state }: Opened, batch: Buffer): boolean {
    if (state.bytes + batch.length > this.#job.segmentBytes) return true
    // The newest record of a segment may have been removed: its true time is only known now.
    return this.#isNewSource && !isSameSpan(this.#job, state, { maxTimestamp: maxTimestampAt(batch, 0) })
  }

  #begin(batch: Buffer): Opened {
    this.#flush()
    this.#opened.at(-1)?.index.endAt({ open: this.#scan.open() })
    // The first file also covers the offsets before its first batch: lookups of older offsets begin there.
    const baseOffset = this.#opened.length === 0 ? this.#baseOffset : baseOffsetAt(batch, 0)
    const file = `${String(baseOffset).padStart(20, '0')}-${this.#job.round}.log`
    const path = join(this.#job.folder, file)
    removeSegment(this.#files, path)
    const fd = this.#files.open(path)
    const index = new SegmentIndex(this.#job.indexIntervalBytes)
    const opened = {
      fd,
      path,
      index,
      state: { file, baseOffset, bytes: 0, maxTimestamp: -1, createdAt: this.#createdAt },
    }
    this.#opened.push(opened)
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
