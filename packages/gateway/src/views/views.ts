/** All views of a gateway, over one feed and one store for each topic. */
import type { Admin, Cluster, ReceivedRecord } from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../clock.ts'
import { type Gateway, isCompacted, type Owner, type TopicSpec, type ViewRoute } from '../definition/definition.ts'
import { mostPartitions } from '../sse/event-id.ts'
import { deleteRetentionMs } from '../sse/start.ts'
import { everything } from './lens.ts'
import { OffsetIndex } from './offset-index.ts'
import { checkOf, type RecordCheck } from './record-check.ts'
import { Table } from './table.ts'
import { type Follower, TopicFeed } from './topic-feed.ts'
import { ValueCache } from './value-cache.ts'
import { ValueReader } from './value-reader.ts'
import { View } from './view.ts'
import { ownerName, ownerOf, type ViewRecord, viewRecordOf } from './view-record.ts'

export type ViewsOptions = {
  readonly gateway: Gateway
  readonly cluster: Cluster
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
  readonly onRefused: (topic: string) => void
  readonly onRestart: (feed: TopicFeed) => void
}

/** How often what is gone for good is forgotten. */
const sweepEveryMs = 60_000

/** The position in the topic would not fit into the id of an event. */
export class TooManyPartitionsError extends Error {
  readonly code = 'too-many-partitions'

  constructor({ topic, positions }: TopicFeed, most: number) {
    super(`The topic "${topic.name}" has ${positions.length} partitions; a view of it can follow at most ${most}.`)
  }
}

export class Views {
  readonly feeds: readonly TopicFeed[]
  readonly #views: ReadonlyMap<string, View>
  readonly #closers: (() => Promise<void>)[] = []

  constructor(options: ViewsOptions) {
    const views = new Map<string, View>()
    const feeds: TopicFeed[] = []
    const byTopic = Map.groupBy(
      options.gateway.routes.filter((route) => route.kind === 'view'),
      (route) => route.topic,
    )
    for (const [name, routes] of byTopic) {
      const topic = options.gateway.topic(name)
      const opened = isCompacted(topic) ? openTable(topic, routes, options) : openIndexes(topic, routes, options)
      feeds.push(opened.feed)
      for (const view of opened.views) views.set(view.route.path, view)
      const sweeping = setInterval(opened.sweep, sweepEveryMs)
      this.#closers.push(async () => {
        clearInterval(sweeping)
        await Promise.all([opened.feed.close(), opened.close()])
      })
    }
    this.feeds = feeds
    this.#views = views
  }

  /** @throws RangeError for a path without view: a bug, since the definition was checked */
  at(path: string): View {
    const view = this.#views.get(path)
    if (view === undefined) throw new RangeError(`There is no view at ${path}`)
    return view
  }

  /** @throws MissingTopicError, TooManyPartitionsError */
  async start(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.start()))
    for (const { name, feed } of this.#views.values()) {
      const most = mostPartitions(name)
      if (feed.positions.length > most) throw new TooManyPartitionsError(feed, most)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()))
  }
}

type Opened = {
  readonly feed: TopicFeed
  readonly views: readonly View[]
  readonly sweep: () => void
  readonly close: () => Promise<void>
}

function openTable(topic: TopicSpec, routes: readonly ViewRoute[], options: ViewsOptions): Opened {
  const table = new Table(distinctOwners(routes.filter((route) => route.show !== 'item')))
  const check = checkOf(topic)
  const kept = keptHeaders(routes)
  const feed: TopicFeed = openFeed(topic, options, () => views, {
    onRecord: (received) => {
      const record = viewRecordOf(received, kept)
      if (record === undefined || !isFine({ record, received, check, feed, options })) return
      for (const transition of table.apply(record)) for (const view of views) view.onTransition(transition)
    },
    onRestart: () => table.clear(),
  })
  const views: readonly View[] = routes.map((route) => new View(route, feed, { kind: 'table', table }))
  return {
    feed,
    views,
    sweep: () => table.sweep(options.clock.now() - deleteRetentionMs(feed)),
    close: async () => undefined,
  }
}

function openIndexes(topic: TopicSpec, routes: readonly ViewRoute[], options: ViewsOptions): Opened {
  const { gateway, cluster } = options
  const check = checkOf(topic)
  const kept = keptHeaders(routes)
  const cache = new ValueCache(gateway.limits.valueCacheBytes)
  const decode = (received: ReceivedRecord) => viewRecordOf(received, kept)
  const values = new ValueReader({ cluster, topic: topic.name, cache, decode })
  const feed: TopicFeed = openFeed(topic, options, () => indexed.map(({ view }) => view), {
    onRecord: (received) => {
      const record = decode(received)
      // In a topic that keeps everything, a record without value says nothing.
      if (record === undefined || record.value === null || !isFine({ record, received, check, feed, options })) return
      cache.put(record)
      for (const { view, index } of indexed) {
        const channel = channelOf(view.route, record)
        if (channel === undefined) continue
        index.add(channel, record.partition, record.offset)
        view.onRecord(channel, record)
      }
    },
    onRestart: () => {
      cache.clear()
      for (const { index } of indexed) index.clear()
    },
  })
  const indexed = routes.map((route) => {
    const index = new OffsetIndex()
    return { index, view: new View(route, feed, { kind: 'index', index, values }) }
  })
  return {
    feed,
    views: indexed.map(({ view }) => view),
    sweep: () => {
      for (const { index } of indexed) index.trim(feed.logStarts)
    },
    close: () => values.close(),
  }
}

function openFeed(
  topic: TopicSpec,
  { cluster, admin, logger, onRestart }: ViewsOptions,
  views: () => readonly View[],
  store: Pick<Follower, 'onRecord' | 'onRestart'>,
): TopicFeed {
  const follower: Follower = {
    onRecord: store.onRecord,
    onBatchEnd: () => {
      for (const view of views()) view.flush()
    },
    onRestart: () => {
      store.onRestart()
      for (const view of views()) view.restart()
      onRestart(feed)
    },
  }
  const feed = new TopicFeed({ cluster, admin, topic, follower, logger, from: 'beginning' })
  return feed
}

type Checked = {
  readonly record: ViewRecord
  readonly received: ReceivedRecord
  readonly check: RecordCheck
  readonly feed: TopicFeed
  readonly options: ViewsOptions
}

function isFine({ record, received, check, feed, options }: Checked): boolean {
  const fault = check(record, received, feed.positions.length)
  if (fault === undefined) return true
  const { partition, offset } = record
  options.logger.warn({ topic: feed.topic.name, partition, offset, fault }, 'a record is passed over')
  options.onRefused(feed.topic.name)
  return false
}

/** The group that the record belongs to in an index; undefined if the view never shows it. */
function channelOf({ owners, where }: ViewRoute, record: ViewRecord): string | undefined {
  if (where !== undefined && record.headers[where.header] !== where.equals) return undefined
  const [owner] = owners ?? []
  return owner === undefined ? everything : ownerOf(record, owner)
}

function distinctOwners(routes: readonly ViewRoute[]): Owner[] {
  return [...new Map(routes.flatMap(({ owners }) => owners ?? []).map((owner) => [ownerName(owner), owner])).values()]
}

/** Headers that some view of the topic looks at. */
function keptHeaders(routes: readonly ViewRoute[]): ReadonlySet<string> {
  const owners = routes.flatMap(({ owners }) => owners ?? [])
  const ofOwners = owners.flatMap((owner) => (owner === 'key' ? [] : [owner.header]))
  return new Set([...ofOwners, ...routes.flatMap(({ where }) => (where === undefined ? [] : [where.header]))])
}
