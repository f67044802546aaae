/**
 * One consumer of one topic, for everybody: reads it from the start, read-committed, keeps its store up to date and tells
 * its followers. While the log is away it waits; if the topic was replaced by another of its name, it starts over.
 */
import {
  type Admin,
  type Cluster,
  type FetchedRecords,
  OffsetOutOfRangeError,
  openReader,
  type PartitionOffset,
  type Reader,
} from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import type { TopicSpec } from '../definition/definition.ts'
import { shortTopicId } from '../sse/event-id.ts'

/** Told of everything that a feed reads, in the order of each partition. Must not throw. */
export type Follower = {
  /** One record's worth; `positions` already counts it. */
  readonly onRecord: (record: FetchedRecords['records'][number]) => void
  /** After all records of a poll: the moment to write what they caused. */
  readonly onBatchEnd: () => void
  /** Everything known is void: the topic begins anew. */
  readonly onRestart: () => void
}

export type FeedOptions = {
  readonly cluster: Cluster
  readonly admin: Admin
  readonly topic: TopicSpec
  readonly follower: Follower
  readonly logger: FastifyBaseLogger
  /** Where to begin: the earliest record, or the first one of this time (ms since the epoch). */
  readonly from: 'beginning' | { readonly timestamp: number }
}

/** The topic of this name is not on the log: it must be created first. */
export class MissingTopicError extends Error {
  readonly code = 'missing-topic'

  constructor(topic: string) {
    super(`The log has no topic "${topic}"; the service that owns it creates it at its start.`)
  }
}

type Beginning = {
  readonly topicId: string
  readonly starts: readonly PartitionOffset[]
  readonly logStarts: number[]
}

const pollTimeoutMs = 1_000
const retryDelayMs = 500

export class TopicFeed {
  readonly topic: TopicSpec
  /** The topic's UUID, short. */
  topicId = ''
  /** Next offset of each partition: what is below has been applied. */
  positions: number[] = []
  logStarts: number[] = []
  highWatermarks: number[] = []
  /** When (ms since the epoch) the positions were last known to be the end of the log; 0 before that. */
  caughtUpAt = 0

  readonly #options: FeedOptions
  readonly #reader: Reader
  #running: Promise<void> = Promise.resolve()
  #closed = false
  #epoch = 0
  #target: { readonly ends: readonly number[]; readonly askedAt: number } | undefined
  #waiters: { readonly offsets: readonly number[]; readonly resolve: (reached: boolean) => void }[] = []

  constructor(options: FeedOptions) {
    this.#options = options
    this.topic = options.topic
    this.#reader = openReader(options.cluster)
  }

  /** @throws MissingTopicError */
  async start(): Promise<void> {
    this.#adopt(await this.#look())
    this.#running = this.#run()
  }

  /** Whether everything that was on the log when it was first asked has been applied. */
  get caughtUp(): boolean {
    return this.caughtUpAt > 0
  }

  /** Records on the log, as far as known, that have not been applied. */
  get lag(): number {
    let lag = 0
    for (const [partition, position] of this.positions.entries()) {
      lag += Math.max(0, (this.#target?.ends[partition] ?? position) - position)
    }
    return lag
  }

  /** Tells the feed where the log ended (last stable offsets) when somebody asked at `askedAt`. */
  noteEnds(ends: readonly number[], askedAt: number): void {
    this.#target = { ends, askedAt }
    this.#checkTarget()
  }

  /** The topic that stands there now; another id means that it was deleted and created again. */
  async noteTopicId(topicId: string): Promise<void> {
    if (shortTopicId(topicId) !== this.topicId) await this.#restart('the topic was created anew')
  }

  /** Resolves true once all offsets below the given ones are applied, false after the time. */
  async reached(offsets: readonly number[], timeoutMs: number): Promise<boolean> {
    if (this.#hasReached(offsets)) return true
    return new Promise((resolve) => {
      const waiter = {
        offsets,
        resolve: (reached: boolean) => {
          clearTimeout(timer)
          resolve(reached)
        },
      }
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        resolve(false)
      }, timeoutMs)
      this.#waiters.push(waiter)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { resolve } of this.#waiters.splice(0)) resolve(false)
    await this.#reader.close()
    await this.#running
  }

  async #look(): Promise<Beginning> {
    const { admin, from, topic } = this.#options
    const [description] = await admin.describeTopics([topic.name])
    if (description === undefined) throw new MissingTopicError(topic.name)
    const partitions = description.partitions.map(({ partition }) => ({ topic: topic.name, partition }))
    const earliest = await admin.listOffsets(partitions, 'earliest')
    const starts = from === 'beginning' ? earliest : await this.#offsetsOfTime(partitions, from.timestamp)
    return { topicId: shortTopicId(description.topicId), starts, logStarts: byPartition(earliest) }
  }

  #adopt({ topicId, starts, logStarts }: Beginning): void {
    this.#epoch++
    this.topicId = topicId
    this.positions = byPartition(starts)
    this.logStarts = logStarts
    this.highWatermarks = [...this.positions]
    this.caughtUpAt = 0
    this.#target = undefined
    this.#reader.assign(starts)
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
      try {
        const epoch = this.#epoch
        const fetches = await this.#reader.poll({ timeoutMs: pollTimeoutMs })
        // What was fetched before the feed started over is of another log.
        if (epoch === this.#epoch) this.#apply(fetches)
      } catch (error) {
        if (this.#closed) return
        await this.#recover(error)
      }
    }
  }

  #apply(fetches: readonly FetchedRecords[]): void {
    const { follower } = this.#options
    for (const fetched of fetches) {
      const { partition } = fetched
      this.logStarts[partition] = fetched.logStartOffset
      this.highWatermarks[partition] = fetched.highWatermark
      for (const record of fetched.records) {
        this.positions[partition] = record.offset + 1
        follower.onRecord(record)
      }
      this.positions[partition] = fetched.position
    }
    if (fetches.length === 0) return
    follower.onBatchEnd()
    this.#checkTarget()
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!this.#hasReached(waiter.offsets)) return true
      waiter.resolve(true)
      return false
    })
  }

  #checkTarget(): void {
    if (this.#target !== undefined && this.#hasReached(this.#target.ends)) this.caughtUpAt = this.#target.askedAt
  }

  #hasReached(offsets: readonly number[]): boolean {
    return offsets.every((offset, partition) => (this.positions[partition] ?? 0) >= offset)
  }

  /** Below the log start: what is gone is gone, go on where it begins. Above its end: it is another log. */
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
    logger.error({ err: error, topic: topic.name }, 'reading failed, trying again')
    await pause(retryDelayMs)
  }

  async #restart(reason: string): Promise<void> {
    const { logger, topic, follower } = this.#options
    logger.warn({ topic: topic.name, reason }, 'the view is built anew')
    try {
      const beginning = await this.#look()
      if (this.#closed) return
      this.#adopt(beginning)
      follower.onRestart()
    } catch (error) {
      this.caughtUpAt = 0
      logger.error({ err: error, topic: topic.name }, 'the topic cannot be read, trying again')
      await pause(retryDelayMs)
    }
  }
}

export function byPartition(listed: readonly { readonly partition: number; readonly offset: number }[]): number[] {
  const offsets: number[] = []
  for (const { partition, offset } of listed) offsets[partition] = offset
  return offsets
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
