/**
 * One partition: an append-only log of record batches in segment files, with the state of its producers and their
 * transactions.
 *
 *     append ─► check ─► offsets and producer state (memory) ─► journal ─► segment file ─► durable: high watermark
 *
 * Offsets: logStart ≤ last stable ≤ high watermark ≤ logEnd. Readers see records below the high watermark, with
 * read_committed those below the last stable offset; both move only when the journal is durable.
 * read_committed what is below the last stable offset; both move only when the journal is durable.
 */

import { join } from 'node:path'
import { encodeControlBatch, errors, readBatchHeader, setBaseOffset, setLogAppendTime } from '@streampay/kafka/wire'
import { moments, tellMoment } from '@streampay/process'
import type { LogSettings } from '../topics/topic-config.ts'
import { ApiError } from './api-error.ts'
import { lastAtMost } from './ascending.ts'
import { checkBatch } from './check-batch.ts'
import type { Files } from './files.ts'
import type { IndexCache } from './index-cache.ts'
import type { FrozenIndex } from './index-of-segment.ts'
import type { Journal } from './journal.ts'
import { controlRecordOf, findTimestamp, lastRecordedOffset, producedBatch } from './log-records.ts'
import { type ProducerState, ProducerStates } from './producer-states.ts'
import { type BatchRange, removeSegment, Segment, SegmentClosedError, type SegmentState } from './segment.ts'
import { type AbortedRange, type OpenTransaction, TransactionScan } from './transaction-scan.ts'
import type {
  ActiveProducer,
  AppendOrigin,
  AppendResult,
  Clock,
  Isolation,
  Partition,
  ReadRequest,
  ReadResult,
  TimestampedOffset,
  TransactionMarker,
} from './types.ts'
import { UndecidedTransactions } from './undecided-transactions.ts'

export type PartitionState = {
  readonly logStartOffset: number
  readonly nextOffset: number
  readonly segments: readonly SegmentState[]
  readonly producers: readonly ProducerState[]
  /** The offset up to which compaction has read all records. */
  readonly compactedTo: number
}

export type PartitionOptions = {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly folder: string
  readonly files: Files
  readonly indexes: IndexCache
  readonly clock: Clock
  readonly settings: LogSettings
  readonly journal: () => Journal
  readonly state?: PartitionState
}

type Waiter = { readonly offset: number; readonly isolation: Isolation; readonly wake: () => void }

/** The leader epoch never changes: one node leads every partition. */
const leaderEpoch = 0
/** Segments can be replaced during a read; if it occurs more often than this in a row, it is an error. */
const readAttempts = 10

export class LogPartition implements Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly folder: string
  settings: LogSettings
  logStartOffset: number
  logEndOffset: number
  highWatermark: number
  compactedTo: number
  readonly producers: ProducerStates
  readonly transactions: UndecidedTransactions
  /** New files may have names that are not durable. */
  hasNewNames = true
  /** Follows the batches as they are written to segments, in their order. */
  readonly #scan: TransactionScan
  readonly #files: Files
  readonly #indexes: IndexCache
  readonly #clock: Clock
  readonly #journal: () => Journal
  #segments: Segment[]
  /** The next batch begins a new segment. */
  #rollsNext = false
  readonly #waiters = new Set<Waiter>()
  /** A duplicate is acknowledged when the original, which was sent before, is durable. */
  #lastCommit: Promise<void> = Promise.resolve()
  #deleted = false

  constructor(options: PartitionOptions) {
    const { state } = options
    this.topic = options.topic
    this.topicId = options.topicId
    this.index = options.index
    this.folder = options.folder
    this.settings = options.settings
    this.#files = options.files
    this.#indexes = options.indexes
    this.#clock = options.clock
    this.#journal = options.journal
    this.logStartOffset = state?.logStartOffset ?? 0
    this.logEndOffset = state?.nextOffset ?? 0
    this.highWatermark = this.logEndOffset
    this.compactedTo = state?.compactedTo ?? 0
    this.producers = new ProducerStates(`${options.topic}-${options.index}`, state?.producers)
    this.transactions = new UndecidedTransactions(this.producers.openTransactions())
    this.#scan = new TransactionScan(this.producers.openTransactions())
    this.#segments = (state?.segments ?? []).map((segment) => this.#segmentOf(segment))
  }

  get lastStableOffset(): number {
    return this.transactions.lastStableOffset(this.highWatermark)
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  /** Oldest first; batches are appended to the last one. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  get deleted(): boolean {
    return this.#deleted
  }

  async append(batch: Buffer, origin: AppendOrigin): Promise<AppendResult> {
    return this.take(batch, origin)
  }

  take(batch: Buffer, origin: AppendOrigin): Promise<AppendResult> {
    this.#checkWritable()
    const now = this.#clock.now()
    const header = checkBatch(batch, { origin, settings: this.settings, now })
    const produced = producedBatch(header, this.logEndOffset)
    const duplicate = this.producers.duplicateOf(produced)
    if (duplicate) {
      const { baseOffset, timestamp } = duplicate
      return this.#lastCommit.then(() => this.#resultOf(baseOffset, timestamp))
    }
    if (header.producerId >= 0) this.producers.check(produced, { sequenced: origin === 'client' })
    setBaseOffset(batch, 0, produced.baseOffset, leaderEpoch)
    if (this.settings.logAppendTime) setLogAppendTime(batch, 0, now)
    const timestamped = this.settings.logAppendTime ? { ...produced, maxTimestamp: now } : produced
    if (header.producerId >= 0 && this.producers.apply(timestamped)) {
      this.transactions.begin(produced.producerId, produced.baseOffset)
    }
    this.logEndOffset = produced.lastOffset + 1
    if (moments.hasSubscribers) {
      const { baseOffset: offset, recordCount: records } = produced
      tellMoment({ step: 'appended', topic: this.topic, partition: this.index, offset, records, bytes: batch.length })
    }
    const durable = this.#commit(batch, () => this.#advanceTo(produced.lastOffset + 1))
    return durable.then(() => this.#resultOf(produced.baseOffset, now))
  }

  async appendMarker(marker: TransactionMarker): Promise<{ offset: number }> {
    this.#checkWritable()
    return this.takeMarker(marker)
  }

  takeMarker(marker: TransactionMarker): Promise<{ offset: number }> {
    this.#checkExists()
    this.producers.checkMarker(marker)
    const offset = this.logEndOffset
    const now = this.#clock.now()
    const place = { baseOffset: offset, partitionLeaderEpoch: leaderEpoch }
    const batch = encodeControlBatch({ ...marker, ...place, timestamp: now })
    const ended = this.producers.applyMarker(marker, now)
    this.logEndOffset = offset + 1
    if (moments.hasSubscribers) {
      tellMoment({ step: 'marked', topic: this.topic, partition: this.index, bytes: batch.length })
    }
    const durable = this.#commit(batch, () => {
      if (ended) this.transactions.end(ended)
      this.#advanceTo(offset + 1)
    })
    return durable.then(() => ({ offset }))
  }

  async read(request: ReadRequest): Promise<ReadResult> {
    for (let attempt = 1; ; attempt++) {
      this.#checkExists()
      const { offset, isolation } = request
      if (offset < this.logStartOffset || offset > this.logEndOffset) throw this.#outOfRange(offset)
      const { highWatermark, lastStableOffset, logStartOffset } = this
      const endOffset = isolation === 'read_committed' ? lastStableOffset : highWatermark
      try {
        const records = await this.#recordsFrom({ ...request, endOffset })
        const upTo = records.length === 0 ? endOffset : lastRecordedOffset(records) + 1
        const aborted = isolation === 'read_committed' ? await this.abortedBetween(offset, upTo) : []
        const abortedTransactions = aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
        return { records, highWatermark, lastStableOffset, logStartOffset, abortedTransactions }
      } catch (error) {
        if (error instanceof SegmentClosedError && attempt < readAttempts) continue
        throw this.#readFailure(error)
      }
    }
  }

  isAtEnd(offset: number, isolation: Isolation): boolean {
    return !this.#deleted && offset >= this.logStartOffset && offset === this.#visibleEnd(isolation)
  }

  onAdvance(offset: number, isolation: Isolation, wake: () => void): () => void {
    const waiter: Waiter = { offset, isolation, wake }
    this.#waiters.add(waiter)
    if (this.#deleted || this.#visibleEnd(isolation) > offset) wake()
    return () => this.#waiters.delete(waiter)
  }

  async offsetForTimestamp(
    timestamp: number,
    isolation: Isolation = 'read_uncommitted',
  ): Promise<TimestampedOffset | undefined> {
    this.#checkExists()
    const visible = { from: this.logStartOffset, to: this.#visibleEnd(isolation) }
    for (const segment of this.#segments) {
      if (segment.maxTimestamp < timestamp) continue
      const found = await findTimestamp(segment, timestamp, visible)
      if (found) return found
    }
    return undefined
  }

  async offsetOfMaxTimestamp(): Promise<TimestampedOffset | undefined> {
    this.#checkExists()
    const largest = Math.max(-1, ...this.#segments.map((segment) => segment.maxTimestamp))
    return largest === -1 ? undefined : this.offsetForTimestamp(largest)
  }

  async deleteRecords(beforeOffset: number): Promise<number> {
    this.#checkWritable()
    const target = beforeOffset === -1 ? this.highWatermark : beforeOffset
    if (target < 0 || target > this.highWatermark) throw this.#outOfRange(target)
    if (target > this.logStartOffset) {
      const { topicId, index: partition } = this
      await this.#journal().commitDurably({ kind: 'log-start', topicId, partition, offset: target })
      this.advanceLogStart(target)
    }
    return this.logStartOffset
  }

  activeProducers(): readonly ActiveProducer[] {
    return this.producers.active()
  }

  // The following methods are for the storage, its checkpoints and its maintenance.

  advanceLogStart(offset: number): void {
    if (offset <= this.logStartOffset) return
    this.logStartOffset = offset
  }

  /** The aborted transactions that end at or after `from`, and begin before `to`, by their first offsets. */
  async abortedBetween(from: number, to: number): Promise<AbortedRange[]> {
    const found: AbortedRange[] = []
    const segments = this.#segments
    for (let at = segmentAt(segments, from); at < segments.length; at++) {
      if (await segments[at]?.findAborted(from, to, found)) break
    }
    return found.sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Applies a batch from the journal as `append` or `appendMarker` applied it before. */
  replay(batch: Buffer): void {
    const header = readBatchHeader(batch, 0)
    const produced = producedBatch(header, header.baseOffset)
    const marker = header.isControl ? controlRecordOf(batch) : undefined
    if (marker) {
      const ended = this.producers.applyMarker(
        {
          producerId: header.producerId,
          producerEpoch: header.producerEpoch,
          coordinatorEpoch: marker.coordinatorEpoch,
        },
        header.maxTimestamp,
      )
      if (ended) this.transactions.end(ended)
    } else if (header.producerId >= 0 && this.producers.apply(produced)) {
      this.transactions.begin(header.producerId, header.baseOffset)
    }
    this.#write(batch)
    this.logEndOffset = header.lastOffset + 1
    this.highWatermark = this.logEndOffset
  }

  /** Closes the open segment when the next batch is appended, so that retention and compaction may use it. */
  roll(): void {
    if ((this.#segments.at(-1)?.bytes ?? 0) === 0) return
    if (this.highWatermark === this.logEndOffset) this.#addSegment(this.highWatermark)
    else this.#rollsNext = true
  }

  /** Replaces the named closed segments by others, or by none; the files stay until they are removed. */
  replaceSegments(old: ReadonlySet<Segment>, replacements: readonly SegmentState[]): void {
    const kept = this.#segments.filter((segment) => !old.has(segment))
    const added = replacements.map((state) => this.#segmentOf(state))
    this.#segments = [...kept, ...added].sort((a, b) => a.baseOffset - b.baseOffset)
    for (const segment of old) segment.close()
  }

  /** The blocks that the checkpoint adds to index files, with the segments that they belong to. */
  freezeIndexes(): { readonly segment: Segment; readonly frozen: FrozenIndex }[] {
    const open = this.#scan.open()
    return this.#segments.flatMap((segment) => {
      const frozen = segment.freezeIndex(open)
      return frozen === undefined ? [] : { segment, frozen }
    })
  }

  /** The name of a file in this partition: no other file ever has it. */
  identityOf(file: string): string {
    return `${this.topicId}/${this.index}/${file}`
  }

  /** After the topic was deleted: all waiting readers read again and get the error. */
  markDeleted(): void {
    this.#deleted = true
    this.closeFiles()
    for (const { wake } of this.#waiters) wake()
  }

  closeFiles(): void {
    for (const segment of this.#segments) segment.close()
  }

  #resultOf(baseOffset: number, appendTime: number): AppendResult {
    const logAppendTime = this.settings.logAppendTime ? appendTime : -1
    return { baseOffset, logAppendTime, logStartOffset: this.logStartOffset }
  }

  #commit(batch: Buffer, durable: () => void): Promise<void> {
    const { topicId, index: partition } = this
    const committed = new Promise<void>((resolve, reject) => {
      this.#journal().commit(
        { kind: 'append', topicId, partition, batch },
        {
          write: () => this.#write(batch),
          durable: () => {
            durable()
            resolve()
          },
          failed: reject,
        },
      )
    })
    this.#lastCommit = committed
    committed.catch(() => undefined) // The appender sees it; a duplicate that never comes does not.
    return committed
  }

  #write(batch: Buffer): void {
    if (this.#deleted) return
    const active = this.#segments.at(-1)
    const segment =
      active === undefined || this.#isFull(active, batch.length) ? this.#addSegment(baseOf(batch)) : active
    segment.append(batch, this.#scan)
  }

  #isFull(active: Segment, bytes: number): boolean {
    if (active.bytes === 0) return false
    if (this.#rollsNext) return true
    const { segmentBytes, segmentMs } = this.settings
    return active.bytes + bytes > segmentBytes || this.#clock.now() - active.createdAt >= segmentMs
  }

  #addSegment(baseOffset: number): Segment {
    const file = `${String(baseOffset).padStart(20, '0')}.log`
    // Data that a crash left under this name is in no checkpoint.
    removeSegment(this.#files, join(this.folder, file))
    this.#segments.at(-1)?.seal(this.#scan.open())
    this.#rollsNext = false
    this.hasNewNames = true
    const createdAt = this.#clock.now()
    const segment = this.#segmentOf({ file, baseOffset, bytes: 0, maxTimestamp: -1, createdAt })
    this.#segments = [...this.#segments, segment]
    return segment
  }

  #segmentOf(state: SegmentState): Segment {
    return new Segment({
      files: this.#files,
      path: join(this.folder, state.file),
      identity: this.identityOf(state.file),
      state,
      indexIntervalBytes: this.settings.indexIntervalBytes,
      indexes: this.#indexes,
      openBefore: (segment) => this.#openBefore(segment),
    })
  }

  async #openBefore(segment: Segment): Promise<readonly OpenTransaction[]> {
    const at = this.#segments.indexOf(segment)
    if (at === -1) throw new SegmentClosedError(`${segment.path} was replaced`)
    // Transactions that began in removed segments have no records before the first remaining one.
    return (await this.#segments[at - 1]?.openAtEnd()) ?? []
  }

  async #recordsFrom(range: BatchRange): Promise<Buffer> {
    const segments = this.#segments
    for (let at = segmentAt(segments, range.offset); at < segments.length; at++) {
      const segment = segments[at]
      if (segment === undefined || range.offset >= range.endOffset || segment.baseOffset >= range.endOffset) break
      const records = await segment.read(range)
      // Also if it is empty: a batch that is too large for now must not be skipped for a smaller one behind it.
      if (records !== undefined) return records
    }
    return Buffer.alloc(0)
  }

  #advanceTo(offset: number): void {
    this.highWatermark = offset
    if (moments.hasSubscribers) tellMoment({ step: 'durable', topic: this.topic, partition: this.index, offset })
    if (this.#waiters.size === 0) return
    const stable = this.lastStableOffset
    for (const waiter of this.#waiters) {
      if ((waiter.isolation === 'read_committed' ? stable : offset) > waiter.offset) waiter.wake()
    }
  }

  #visibleEnd(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark
  }

  #checkWritable(): void {
    this.#checkExists()
    this.#journal().checkAccepts()
  }

  #checkExists(): void {
    if (!this.#deleted) return
    throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `Topic ${this.topic} was deleted`)
  }

  #outOfRange(offset: number): ApiError {
    const range = `${this.logStartOffset} to ${this.logEndOffset}`
    const name = `${this.topic}-${this.index}`
    return new ApiError(errors.OFFSET_OUT_OF_RANGE, `${name} has the offsets ${range}, not ${offset}`)
  }

  #readFailure(cause: unknown): unknown {
    if (cause instanceof ApiError) return cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `${this.topic}-${this.index} cannot be read: ${reason}`
    return new ApiError(errors.KAFKA_STORAGE_ERROR, message, { cause })
  }
}

/** The index of the segment with the offset; the first one for earlier offsets. */
function segmentAt(segments: readonly Segment[], offset: number): number {
  const bases = segments.map((segment) => segment.baseOffset)
  return Math.max(lastAtMost(bases, offset), 0)
}

function baseOf(batch: Buffer): number {
  return readBatchHeader(batch, 0).baseOffset
}
