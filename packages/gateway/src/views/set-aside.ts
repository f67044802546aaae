/**
 * The records, and batches that cannot be decoded, that an operator has set aside. They come from their own topic, and count as not
 * being on the log. They are known before the views read, and followed from then on. A note is the newest value of its key;
 * a tombstone deletes it.
 */
import { createHash } from 'node:crypto'
import { type Admin, type Cluster, KafkaError, type ReceivedRecord, type UndecodableBatch } from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import { Integer, Optional, type Static, Object as Struct, String as Text } from 'typebox'
import { Compile } from 'typebox/compile'
import type { TopicSpec } from '../definition/definition.ts'
import { byPartition } from '../shared/by-partition.ts'
import type { LeftOut } from './follower.ts'
import { TopicFeed } from './topic-feed.ts'

const count = Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const noteShape = Struct({ topic: Text(), partition: count, offset: count, lastOffset: Optional(count) })
const note = Compile(noteShape)

/** The offsets from `offset` to `lastOffset` (by default the same), which differ only for a batch. */
export type SetAsideNote = Static<typeof noteShape>

export type SetAsideOptions = {
  readonly topic: TopicSpec
  readonly cluster: Cluster
  readonly admin: Admin
  readonly logger: FastifyBaseLogger
  /** A note was added or deleted after the start. */
  readonly onChange: (note: SetAsideNote) => void
  /** A record of the topic that is no note, which has no effect. */
  readonly onRefused: () => void
}

/** The time limit for reading all notes at the start. */
const patienceMs = 30_000

export class SetAside implements LeftOut {
  readonly feed: TopicFeed
  readonly #options: SetAsideOptions
  readonly #notes = new Map<string, SetAsideNote>()
  #started = false

  constructor(options: SetAsideOptions) {
    const { topic, cluster, admin, logger, onRefused } = options
    this.#options = options
    this.feed = new TopicFeed({
      cluster,
      admin,
      topic,
      logger,
      from: 'beginning',
      follower: {
        onRecord: (record) => this.#onRecord(record),
        onBatchEnd: () => undefined,
        onRestart: () => this.#forgetAll(),
        onPassedOver: onRefused,
      },
      // If a note is lost here, views stop at its record: no wrong data is shown.
      onUndecodable: 'skip',
    })
  }

  /** Resolves when all notes that are on the log now are known. @throws MissingTopicError, KafkaError KAFKA_TIMEOUT */
  async start(): Promise<void> {
    const { admin, topic } = this.#options
    await this.feed.start()
    const partitions = this.feed.positions.map((_, partition) => ({ topic: topic.name, partition }))
    const ends = byPartition(await admin.listOffsets(partitions, 'latest', 'read_committed'))
    if (!(await this.feed.reached(ends, patienceMs))) {
      throw new KafkaError('KAFKA_TIMEOUT', `"${topic.name}" was not read in ${patienceMs} ms.`)
    }
    this.#started = true
  }

  has({ topic, partition, offset }: ReceivedRecord): boolean {
    return this.#covers({ topic, partition, offset, lastOffset: offset })
  }

  hasBatch({ topic, partition, baseOffset, lastOffset }: UndecodableBatch): boolean {
    return this.#covers({ topic, partition, offset: baseOffset, lastOffset })
  }

  fingerprint(topic: string): string {
    const notes = [...this.#notes.values()].filter((known) => known.topic === topic)
    if (notes.length === 0) return ''
    const texts = notes.map(({ partition, offset, lastOffset = offset }) => `${partition}:${offset}-${lastOffset}`)
    return createHash('sha256').update(texts.sort().join()).digest('base64url')
  }

  #covers({ topic, partition, offset, lastOffset }: Required<SetAsideNote>): boolean {
    // Nearly always there are none, and this is called for every record.
    if (this.#notes.size === 0) return false
    for (const known of this.#notes.values()) {
      if (known.topic !== topic || known.partition !== partition) continue
      if (known.offset <= offset && lastOffset <= (known.lastOffset ?? known.offset)) return true
    }
    return false
  }

  #onRecord({ key, value, partition, offset }: ReceivedRecord): void {
    const { logger, onRefused, topic } = this.#options
    const name = key?.toString('utf8') ?? ''
    const before = this.#notes.get(name)
    const after = value === null ? null : noteFrom(value)
    if (after === undefined) {
      logger.warn(
        { topic: topic.name, partition, offset },
        'a record is skipped: it is not a note about set-aside records',
      )
      onRefused()
      return
    }
    if (after === null) this.#notes.delete(name)
    else this.#notes.set(name, after)
    if (!this.#started || isSame(before, after ?? undefined)) return
    if (before !== undefined) this.#options.onChange(before)
    if (after !== null) this.#options.onChange(after)
  }

  #forgetAll(): void {
    const forgotten = [...this.#notes.values()]
    this.#notes.clear()
    if (this.#started) for (const known of forgotten) this.#options.onChange(known)
  }
}

function noteFrom(bytes: Buffer): SetAsideNote | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return note.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isSame(left: SetAsideNote | undefined, right: SetAsideNote | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  const lastOf = ({ offset, lastOffset }: SetAsideNote) => lastOffset ?? offset
  return (
    left.topic === right.topic &&
    left.partition === right.partition &&
    left.offset === right.offset &&
    lastOf(left) === lastOf(right)
  )
}
