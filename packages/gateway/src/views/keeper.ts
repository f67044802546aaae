/**
 * Keeps the rows of a topic in step with its feed: checks at the start whether the stored rows match the log, writes rows and
 * positions together, and deletes both when the topic begins anew. topic-store.ts describes the whole design.
 */
import { createHash } from 'node:crypto'
import type { Cluster, RecordWitness } from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import { deleteRetentionMs, isCompacted, type TopicSpec, type ViewRoute } from '../definition/definition.ts'
import type { Clock } from '../shared/clock.ts'
import { doubtOf } from './belief.ts'
import type { Follower, LeftOut } from './follower.ts'
import type { Rows, SharedWrites } from './shared-writes.ts'
import type { Beginning, Resume, TopicFeed } from './topic-feed.ts'
import type { Note, TopicStore } from './topic-store.ts'

export type Keeper = Required<Pick<Follower, 'keep' | 'forget'>> & {
  /** Identifies the rules by which the rows are made. */
  readonly definition: string
  readonly resume: Resume
  /** Notes that the rows are as new as the log, if they are; returns whether they are. @throws LocalStoreError */
  readonly refresh: () => boolean
  /** The feed has ended: writes the collected rows, if it can; otherwise they are read again at the next start. */
  readonly end: () => void
}

export type KeeperOptions = {
  readonly store: TopicStore
  /** The store of all topics of the gateway. */
  readonly writes: SharedWrites
  readonly feed: () => Pick<TopicFeed, 'positions' | 'lastRead' | 'topicId' | 'caughtUp' | 'caughtUpAt' | 'isVoid'>
  readonly options: {
    readonly cluster: Cluster
    readonly clock: Clock
    readonly logger: FastifyBaseLogger
    readonly setAside: LeftOut | undefined
  }
}

/** Increase it when the same records and definition make other rows. */
const rowsVersion = 2

export function keeperOf(
  topic: TopicSpec,
  routes: readonly ViewRoute[],
  { store, writes, feed, options }: KeeperOptions,
): Keeper {
  const { cluster, clock, logger, setAside } = options
  const definition = definitionOf(topic, routes)
  let witnesses: readonly (RecordWitness | undefined)[] = []
  let begunAt = clock.now()
  /** Undefined if there is no row to store. */
  const noteNow = (): Note | undefined => {
    const { positions, lastRead, topicId, caughtUpAt, isVoid } = feed()
    if (isVoid || positions.length === 0) return undefined
    witnesses = positions.map((_, partition) => lastRead[partition] ?? witnesses[partition])
    return {
      definition,
      topicId,
      setAside: setAside?.fingerprint(topic.name) ?? '',
      asOf: Math.max(begunAt, caughtUpAt),
      partitions: positions.map((position, partition) => ({ position, last: witnesses[partition] })),
    }
  }
  const write = () => {
    const note = noteNow()
    if (note !== undefined) store.write(note)
  }
  const rows: Rows = {
    put: (batch) => {
      const note = noteNow()
      if (note !== undefined) store.put(batch, note)
      return note !== undefined
    },
    settle: () => store.settle(),
  }
  const resume: Resume = async (beginning) => {
    const note = store.note()
    if (note === undefined) return undefined
    const doubt = await doubtOf(note, surroundingsOf(beginning), cluster)
    if (doubt !== undefined) {
      logger.warn(
        { topic: topic.name, reason: doubt },
        'the views of this topic are rebuilt: their rows may not match the log',
      )
      store.clear()
      return undefined
    }
    witnesses = note.partitions.map(({ last }) => last)
    begunAt = note.asOf
    const positions = note.partitions.map(({ position }) => position)
    const left = positions.reduce((sum, position, partition) => sum + (beginning.ends[partition] ?? 0) - position, 0)
    logger.info({ topic: topic.name, left }, 'the views of this topic continue from their rows')
    return positions
  }
  const surroundingsOf = ({ topicId, starts, ends }: Beginning) => ({
    topic: topic.name,
    definition,
    topicId,
    setAside: setAside?.fingerprint(topic.name) ?? '',
    now: clock.now(),
    deleteRetentionMs: isCompacted(topic) ? deleteRetentionMs(topic) : undefined,
    starts: starts.map(({ offset }) => offset),
    ends,
  })
  return {
    definition,
    resume,
    keep: (when) => {
      if (when === 'together') return writes.write(rows)
      if (when === 'at-once' || store.isFull()) write()
      return undefined
    },
    forget: () => {
      store.clear()
      witnesses = []
      begunAt = clock.now()
    },
    refresh: () => {
      const { caughtUp } = feed()
      if (caughtUp) write()
      return caughtUp
    },
    end: () => {
      try {
        write()
      } catch (error) {
        logger.warn({ err: error, topic: topic.name }, 'the records read last cannot be stored: they are read again')
      }
    },
  }
}

/** All values that decide which rows a record makes. */
function definitionOf(topic: TopicSpec, routes: readonly ViewRoute[]): string {
  const { name, config, valueSchema, faultOf } = topic
  const views = routes.map(({ path, show, owners, where, filters, search }) => ({
    path,
    show,
    owners,
    where,
    filters,
    search,
  }))
  const text = JSON.stringify({ rowsVersion, name, config, valueSchema, faultOf: String(faultOf), views })
  return createHash('sha256').update(text).digest('base64url')
}
