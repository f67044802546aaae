/**
 * One consumer of one topic for the whole gateway: reads it from the start, read-committed, keeps its store up to date and
 * notifies its followers. While the log is away it waits; if the topic was replaced by another of its name, it starts over.
 */
import { setImmediate } from 'node:timers/promises'
import {
  type Admin,
  type Cluster,
  type FetchedRecords,
  OffsetOutOfRangeError,
  type PartitionOffset,
  type ReaderOptions,
  type ReceivedRecord,
  type RecordWitness,
  type SharedFetches,
  type UndecodableBatch,
  UndecodableBatchError,
  witnessOf,
} from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import type { TopicSpec } from '../definition/definition.ts'
import { byPartition } from '../shared/by-partition.ts'
import { shortTopicId } from '../shared/event-id.ts'
import { FeedReader } from './feed-reader.ts'
import type { Follower, LeftOut } from './follower.ts'
import { Slices } from './slices.ts'

export type FeedOptions = {
  readonly cluster: Cluster
  readonly admin: Admin
  readonly topic: TopicSpec
  readonly follower: Follower
  readonly logger: FastifyBaseLogger
  /** Where to begin: the earliest record, or the first one of this time (ms since the epoch). */
  readonly from: 'beginning' | { readonly timestamp: number }
  /**
   * What to do with a batch that can't be decoded: `skip` it, if any client may write; or `stop`, if a gap would show wrong data. A feed
   * that stops is not caught up any more, so that the gateway is not ready, and checks at intervals whether it can continue.
   */
  readonly onUndecodable: 'skip' | 'stop'
  /** The names of the headers that records are given with, default all; and how it reads once it is caught up, default alone. */
  readonly lentHeaders?: ReaderOptions['lentHeaders']
  readonly shared?: SharedFetches
  /** The records to skip; default none. */
  readonly setAside?: LeftOut | undefined
  /** Changes when records are shown in another way. */
  readonly definition?: string
}

/** There is no topic of this name on the log: it must be created first. */
export class MissingTopicError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code = 'missing-topic'

  constructor(topic: string) {
    super(`The log has no topic "${topic}"; the service that owns it creates it at its start.`)
  }
}

export type Beginning = {
  readonly topicId: string
  /** The offsets from which it is read. */
  readonly starts: readonly PartitionOffset[]
  readonly logStarts: number[]
  /** The ends: high watermarks. */
  readonly ends: readonly number[]
}

/** Where to continue, next offsets by partition; undefined to begin from the start. */
export type Resume = (beginning: Beginning) => Promise<readonly number[] | undefined>

const pollTimeoutMs = 1_000
const retryDelayMs = 500
const stoppedRetryMs = 10_000
const keepRetryMs = 1_000
/** The number of records that are applied before other work gets its turn. */
const sliceRecords = 2_000

export class TopicFeed {
  readonly topic: TopicSpec
  /** The topic's UUID, in its short form. */
  topicId = ''
  /** The next offset of each partition: all lower ones have been applied. */
  positions: number[] = []
  logStarts: number[] = []
  highWatermarks: number[] = []
  /** When (ms since the epoch) the positions were last known to be the end of the log; 0 before that. */
  caughtUpAt = 0

  readonly #options: FeedOptions
  readonly #reader: FeedReader
  #running: Promise<void> = Promise.resolve()
  #closed = false
  #target: { readonly ends: readonly number[]; readonly askedAt: number } | undefined
  /** Why it reads no further; undefined as long as it reads. */
  #stopped: UndecodableBatchError | undefined
  /** Whether the follower could not store its records. */
  #isUnkept = false
  /** For each partition, the last record read since the beginning. */
  readonly #lastRead: (RecordWitness | undefined)[] = []
  /** For the poll under way, the last record of each partition, which is only lent. */
  readonly #lastOfPoll: (ReceivedRecord | undefined)[] = []
  /** Why it has to begin anew, which it does between two polls: a poll's records never belong to two assignments. */
  #restartReason: string | undefined
  #endPause: () => void = () => undefined
  readonly #slices = new Slices((offsets) => this.#hasReached(offsets))

  constructor(options: FeedOptions) {
    this.#options = options
    this.topic = options.topic
    const { cluster, shared, lentHeaders = 'all' } = options
    const onUndecodable = (batch: UndecodableBatch) => this.#onUndecodable(batch)
    this.#reader = new FeedReader({ cluster, shared, reading: { lent: true, lentHeaders, onUndecodable } })
  }

  /** @throws MissingTopicError, or what `resume` throws */
  async start(resume?: Resume): Promise<void> {
    const beginning = await this.#look()
    const offsets = await resume?.(beginning)
    const starts = offsets === undefined ? beginning.starts : this.#places(offsets)
    this.#adopt({ ...beginning, starts })
    this.#running = this.#run()
  }

  /** Whether all records that were on the log at the first request have been applied. */
  get caughtUp(): boolean {
    return this.caughtUpAt > 0
  }

  /** Whether it reads no further because a batch can't be decoded. */
  get isStopped(): boolean {
    return this.#stopped !== undefined
  }

  /** As long as it stays the same, the same records of the same topic are shown in the same way. */
  get mark(): string {
    const { definition = '', setAside, topic } = this.#options
    return `${definition} ${setAside?.fingerprint(topic.name) ?? ''}`
  }

  /** Whether it has to begin anew: the records given so far are void. */
  get isVoid(): boolean {
    return this.#restartReason !== undefined
  }

  /** Whether the readable state of the views is behind the positions. */
  get isUnkept(): boolean {
    return this.#isUnkept
  }

  /** For each partition, the last record read since it began or was told where to continue; undefined if there was none. */
  get lastRead(): readonly (RecordWitness | undefined)[] {
    this.#settleLast()
    return this.#lastRead
  }

  /**
   * Undefined between two slices: the readable state is then as new as the positions, and every follower knows it. During a slice the
   * positions are ahead of both; the promise resolves when that may have ended, and has to be requested again then.
   */
  get telling(): Promise<void> | undefined {
    return this.#isUnkept ? undefined : this.#slices.current
  }

  /** The applied share of all known offsets of the log: 0 to 1. */
  get progress(): number {
    let all = 0
    for (const [partition, end] of (this.#target?.ends ?? []).entries()) {
      all += Math.max(0, end - (this.logStarts[partition] ?? 0))
    }
    if (this.#target === undefined) return 0
    return all === 0 ? 1 : 1 - this.lag / all
  }

  /** The number of known records on the log that have not been applied. */
  get lag(): number {
    let lag = 0
    for (const [partition, position] of this.positions.entries()) {
      lag += Math.max(0, (this.#target?.ends[partition] ?? position) - position)
    }
    return lag
  }

  /** Sets the ends of the log (last stable offsets) as requested at `askedAt`. */
  noteEnds(ends: readonly number[], askedAt: number): void {
    this.#target = { ends, askedAt }
    this.#checkTarget()
  }

  /** Sets the id of the present topic; another id means that it was deleted and created again. */
  noteTopicId(topicId: string): void {
    if (shortTopicId(topicId) === this.topicId) return
    this.#restartReason = 'the topic was created again'
    this.#endPause()
  }

  /**
   * The record or batch at this offset counts from now on as not being on the log, or as being there again: applied records are
   * applied anew, and a feed that has stopped tries again.
   */
  noteSetAside({ partition, offset }: { readonly partition: number; readonly offset: number }): void {
    const isApplied = offset < (this.positions[partition] ?? 0)
    if (isApplied) this.#restartReason = 'an operator has set a record aside, or taken that back'
    this.#endPause()
  }

  /** Resolves true once all offsets below the given ones can be read, false after the time. */
  reached(offsets: readonly number[], timeoutMs: number): Promise<boolean> {
    return this.#slices.reached(offsets, timeoutMs)
  }

  /** Resolves true once the record, and those before it in its partition, can be read; false after the time. */
  reachedRecord(at: { readonly partition: number; readonly offset: number }, timeoutMs: number): Promise<boolean> {
    const offsets = this.positions.map((_, partition) => (partition === at.partition ? at.offset + 1 : 0))
    return this.reached(offsets, timeoutMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#endPause()
    this.#slices.close()
    await this.#reader.close()
    await this.#running
  }

  async #look(): Promise<Beginning> {
    const { admin, from, topic } = this.#options
    const [description] = await admin.describeTopics([topic.name])
    if (description === undefined) throw new MissingTopicError(topic.name)
    const partitions = description.partitions.map(({ partition }) => ({ topic: topic.name, partition }))
    const [earliest, latest] = await Promise.all([
      admin.listOffsets(partitions, 'earliest'),
      admin.listOffsets(partitions, 'latest'),
    ])
    const starts = from === 'beginning' ? earliest : await this.#offsetsOfTime(partitions, from.timestamp)
    return {
      topicId: shortTopicId(description.topicId),
      starts,
      logStarts: byPartition(earliest),
      ends: byPartition(latest),
    }
  }

  #adopt({ topicId, starts, logStarts }: Beginning): void {
    this.topicId = topicId
    this.positions = byPartition(starts)
    this.logStarts = logStarts
    this.highWatermarks = [...this.positions]
    this.caughtUpAt = 0
    this.#target = undefined
    this.#stopped = undefined
    this.#isUnkept = false
    this.#lastRead.length = 0
    this.#reader.assign(starts)
  }

  #places(offsets: readonly number[]): PartitionOffset[] {
    return offsets.map((offset, partition) => ({ topic: this.topic.name, partition, offset }))
  }

  async #offsetsOfTime(partitions: readonly { topic: string; partition: number }[], timestamp: number) {
    const { admin } = this.#options
    const [found, latest] = await Promise.all([
      admin.listOffsets(partitions, { timestamp }),
      admin.listOffsets(partitions, 'latest'),
    ])
    const ends = byPartition(latest)
    return found.map((listed) => (listed.offset === -1 ? { ...listed, offset: ends[listed.partition] ?? 0 } : listed))
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#restartReason !== undefined) {
        await this.#restart(this.#restartReason)
        continue
      }
      let fetches: readonly FetchedRecords[]
      if (this.caughtUp) this.#reader.share(() => this.#places(this.positions))
      try {
        fetches = await this.#reader.poll({ timeoutMs: pollTimeoutMs })
      } catch (error) {
        if (this.#closed) return
        await this.#recover(error)
        continue
      }
      await this.#apply(fetches)
      this.#settleLast()
    }
  }

  #onUndecodable(batch: UndecodableBatch): 'skip' | 'stop' {
    const { logger, onUndecodable, follower, setAside } = this.#options
    const { topic, partition, baseOffset, lastOffset, error } = batch
    if (setAside?.hasBatch(batch)) {
      logger.info({ topic, partition, baseOffset, lastOffset }, 'a batch that was set aside is left out')
      return 'skip'
    }
    if (onUndecodable === 'stop') return 'stop'
    logger.warn({ topic, partition, baseOffset, lastOffset, err: error }, 'a batch that cannot be decoded is skipped')
    this.#tell('of a batch that cannot be decoded', { partition, offset: baseOffset }, follower.onPassedOver)
    return 'skip'
  }

  async #apply(fetches: readonly FetchedRecords[]): Promise<void> {
    try {
      await this.#applyAll(fetches)
    } finally {
      this.#slices.end()
    }
  }

  async #applyAll(fetches: readonly FetchedRecords[]): Promise<void> {
    let told = 0
    for (const fetched of fetches) {
      const { partition, records } = fetched
      this.logStarts[partition] = fetched.logStartOffset
      this.highWatermarks[partition] = fetched.highWatermark
      for (const record of records) {
        if (this.isVoid || this.#closed) return
        this.#take(record)
        if (++told % sliceRecords !== 0) continue
        await this.#endSlice()
        await setImmediate()
      }
      if (this.isVoid || this.#closed) return
      this.positions[partition] = fetched.position
      if (this.#stopped?.batch.partition === partition && fetched.position > this.#stopped.batch.baseOffset) {
        this.#stopped = undefined
      }
    }
    if (fetches.length === 0) return
    await this.#endSlice()
    this.#checkTarget()
  }

  #take(record: ReceivedRecord): void {
    const { follower, setAside } = this.#options
    const { partition, offset } = record
    this.#slices.begin()
    this.positions[partition] = offset + 1
    this.#lastOfPoll[partition] = record
    if (setAside?.has(record)) return
    if (!this.#tell('of a record', record, () => follower.onRecord(record))) follower.onPassedOver()
  }

  /** Records are lent until the next poll: after that, only their copies can be used. */
  #settleLast(): void {
    for (const record of this.#lastOfPoll)
      if (record !== undefined) this.#lastRead[record.partition] = witnessOf(record)
    this.#lastOfPoll.length = 0
  }

  /** Resolves when the given records are stored and reported, or when they are void. */
  async #endSlice(): Promise<void> {
    const { follower } = this.#options
    while (!(await this.#keepSlice())) {
      await this.#pause(keepRetryMs)
      if (this.#closed || this.isVoid) return
    }
    // Void records need not be shown.
    if (this.isVoid) return
    this.#tell('of the end of a batch', {}, follower.onBatchEnd)
    this.#slices.end()
    this.#slices.tell()
  }

  /** Records that cannot be stored together with those of other feeds are tried alone: another feed may cause the error. */
  async #keepSlice(): Promise<boolean> {
    if (this.#isUnkept) return this.#keep('at-once')
    if (!this.caughtUp) return this.#keep('some-time')
    try {
      await this.#options.follower.keep?.('together')
      return true
    } catch {
      return this.#keep('at-once')
    }
  }

  #keep(when: 'at-once' | 'some-time'): boolean {
    const { follower, logger, topic } = this.#options
    try {
      void follower.keep?.(when)
      this.#isUnkept = false
      return true
    } catch (error) {
      logger.error({ err: error, topic: topic.name }, 'the views of this topic wait: their rows cannot be stored')
      this.#isUnkept = true
      this.caughtUpAt = 0
      this.#slices.wake()
      return false
    }
  }

  /** An error of the follower ends neither the feed nor the other records. False if it threw. */
  #tell(
    what: string,
    { partition, offset }: { readonly partition?: number; readonly offset?: number },
    tell: () => void,
  ): boolean {
    try {
      tell()
      return true
    } catch (error) {
      const { logger, topic } = this.#options
      logger.error({ err: error, topic: topic.name, partition, offset }, `a view failed at the notice ${what}`)
      return false
    }
  }

  #checkTarget(): void {
    if (this.#stopped !== undefined || this.#isUnkept || this.isVoid) return
    if (this.#target === undefined || !this.#hasReached(this.#target.ends)) return
    // From here on it can be read.
    if (this.caughtUp || this.#keep('at-once')) this.caughtUpAt = this.#target.askedAt
  }

  #hasReached(offsets: readonly number[]): boolean {
    return offsets.every((offset, partition) => (this.positions[partition] ?? 0) >= offset)
  }

  /** Below the log start, the records are deleted: continue at the start. Above the log's end, it is another log. */
  async #recover(error: unknown): Promise<void> {
    const { logger, topic } = this.#options
    if (error instanceof OffsetOutOfRangeError && error.offset < error.earliest) {
      logger.warn(
        { topic: topic.name, partition: error.partition, from: error.offset, to: error.earliest },
        'records are gone',
      )
      this.#reader.seek({ topic: topic.name, partition: error.partition, offset: error.earliest })
      this.positions[error.partition] = error.earliest
      this.logStarts[error.partition] = error.earliest
      return
    }
    if (error instanceof OffsetOutOfRangeError) {
      await this.#restart('the log ends before what was read')
      return
    }
    if (error instanceof UndecodableBatchError) {
      const { partition, baseOffset, lastOffset } = error.batch
      if (this.#stopped === undefined) {
        logger.error(
          { err: error, topic: topic.name, partition, baseOffset, lastOffset },
          'the views of this topic stop: a batch cannot be decoded',
        )
      }
      this.#stopped = error
      this.caughtUpAt = 0
      await this.#pause(stoppedRetryMs)
      // Only now, because the reader fetches at once, and its records would become as old as the pause.
      if (this.#closed) return
      this.#reader.seek({ topic: topic.name, partition, offset: this.positions[partition] ?? baseOffset })
      return
    }
    logger.error({ err: error, topic: topic.name }, 'reading failed, trying again')
    await this.#pause(retryDelayMs)
  }

  /** Only to be called within `#run`. If the topic cannot be read, it is tried again later. */
  async #restart(reason: string): Promise<void> {
    const { logger, topic, follower } = this.#options
    this.#restartReason = undefined
    logger.warn({ topic: topic.name, reason }, 'the view is rebuilt')
    try {
      const beginning = await this.#look()
      if (this.#closed) return
      follower.forget?.()
      this.#adopt(beginning)
      this.#tell('that the topic starts again', {}, follower.onRestart)
    } catch (error) {
      this.caughtUpAt = 0
      logger.error({ err: error, topic: topic.name }, 'the topic cannot be read, trying again')
      this.#restartReason ??= reason
      await this.#pause(retryDelayMs)
    }
  }

  /** Ends early when the feed is closed, or there is a reason to check again. */
  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#endPause = end
    })
  }
}
