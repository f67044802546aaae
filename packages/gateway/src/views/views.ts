/** All views of a gateway, over one feed and one store for each topic. */

import { setImmediate } from 'node:timers/promises'
import {
  type Admin,
  type Cluster,
  openSharedFetches,
  type ReceivedRecord,
  type SharedFetches,
  type UndecodableBatch,
} from '@streampay/kafka'
import type { LocalStore } from '@streampay/local-store'
import type { FastifyBaseLogger } from 'fastify'
import {
  deleteRetentionMs,
  type Gateway,
  isCompacted,
  type Owner,
  type TopicSpec,
  type ViewRoute,
} from '../definition/definition.ts'
import type { Clock } from '../shared/clock.ts'
import { mostPartitions } from '../shared/event-id.ts'
import { everything } from './access.ts'
import type { Follower } from './follower.ts'
import { type Keeper, keeperOf } from './keeper.ts'
import { OffsetIndex } from './offset-index.ts'
import { LogTimes } from './period.ts'
import { checkOf, type RecordCheck } from './record-check.ts'
import { SetAside } from './set-aside.ts'
import { SharedWrites } from './shared-writes.ts'
import { Table } from './table.ts'
import { TopicFeed } from './topic-feed.ts'
import { TopicStore } from './topic-store.ts'
import { ValueCache } from './value-cache.ts'
import { ValueReader } from './value-reader.ts'
import { View } from './view.ts'
import { ownerName, ownerOf, textsOf, type ViewRecord, viewRecordOf } from './view-record.ts'
import { WordIndex } from './word-index.ts'

export type ViewsOptions = {
  readonly gateway: Gateway
  readonly cluster: Cluster
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
  /** A folder that only this gateway uses. */
  readonly store: LocalStore
  /** A view of a traced route shows a record to its owner. */
  readonly onShown: (record: ReceivedRecord, owner: string) => void
  readonly onRefused: (topic: string) => void
  readonly onRestart: (feed: TopicFeed) => void
}

/** How often expired rows are deleted. */
const sweepEveryMs = 60_000
/** The size of one response that all feeds share; a feed that is slow to apply its part keeps all of it in memory. */
const sharedFetchBytes = 1024 * 1024

/** The position in the topic would not fit into the id of an event. */
export class TooManyPartitionsError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code = 'too-many-partitions'

  /** @internal */
  constructor({ topic, positions }: TopicFeed, most: number) {
    super(`The topic "${topic.name}" has ${positions.length} partitions; a view of it can follow at most ${most}.`)
  }
}

export class Views {
  /** For the topics of the views, and for that of set-aside records. */
  readonly feeds: readonly TopicFeed[]
  readonly #setAside: SetAside | undefined
  readonly #views: ReadonlyMap<string, View>
  readonly #shared: SharedFetches
  readonly #starters: (() => Promise<void>)[] = []
  readonly #closers: (() => Promise<void>)[] = []

  constructor(options: ViewsOptions) {
    const views = new Map<string, View>()
    const feeds: TopicFeed[] = []
    const setAside = openSetAside(options, () => feeds)
    const { viewLingerMs: lingerMs } = options.gateway.limits
    const shared = openSharedFetches(options.cluster, { lingerMs, maxBytes: sharedFetchBytes })
    const writes = new SharedWrites(options.store)
    const byTopic = Map.groupBy(
      options.gateway.routes.filter((route) => route.kind === 'view'),
      (route) => route.topic,
    )
    for (const [name, routes] of byTopic) {
      const topic = options.gateway.topic(name)
      const opened = isCompacted(topic)
        ? openTable(topic, routes, { ...options, setAside, shared, writes })
        : openIndexes(topic, routes, { ...options, setAside, shared, writes })
      feeds.push(opened.feed)
      for (const view of opened.views) views.set(view.route.path, view)
      this.#starters.push(opened.start)
      this.#closers.push(closerOf(opened, options.logger))
    }
    if (setAside !== undefined) this.#closers.push(() => setAside.feed.close())
    this.feeds = setAside === undefined ? feeds : [setAside.feed, ...feeds]
    this.#setAside = setAside
    this.#shared = shared
    this.#views = views
  }

  /** @throws RangeError for a path without view: a bug, since the definition was checked */
  at(path: string): View {
    const view = this.#views.get(path)
    if (view === undefined) throw new RangeError(`There is no view at ${path}`)
    return view
  }

  /** @throws MissingTopicError, TooManyPartitionsError, KafkaError */
  async start(): Promise<void> {
    // Set-aside records must be known first.
    await this.#setAside?.start()
    await Promise.all(this.#starters.map((start) => start()))
    for (const { name, feed } of this.#views.values()) {
      const most = mostPartitions(name)
      if (feed.positions.length > most) throw new TooManyPartitionsError(feed, most)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()))
    await this.#shared.close()
  }
}

/** Sweeps at intervals until the returned function is called. */
function closerOf({ sweep, close, feed }: Opened, logger: FastifyBaseLogger): () => Promise<void> {
  let sweeping = Promise.resolve()
  const timer = setInterval(() => {
    sweeping = sweep().catch((error: unknown) => {
      logger.error({ err: error, topic: feed.topic.name }, 'deleted items cannot be removed from the views now')
    })
  }, sweepEveryMs)
  return async () => {
    clearInterval(timer)
    await sweeping
    await close()
  }
}

function openSetAside(
  { gateway, cluster, admin, logger, onRefused }: ViewsOptions,
  feeds: () => readonly TopicFeed[],
): SetAside | undefined {
  const { setAsideTopic } = gateway
  if (setAsideTopic === undefined) return undefined
  return new SetAside({
    topic: gateway.topic(setAsideTopic),
    cluster,
    admin,
    logger,
    onChange: (note) => {
      for (const feed of feeds()) if (feed.topic.name === note.topic) feed.noteSetAside(note)
    },
    onRefused: () => onRefused(setAsideTopic),
  })
}

type TopicOptions = ViewsOptions & {
  readonly setAside: SetAside | undefined
  readonly shared: SharedFetches
  readonly writes: SharedWrites
}

/** The views of one topic: its feed, its store, and its followers. */
type Opened = {
  readonly feed: TopicFeed
  readonly views: readonly View[]
  readonly start: () => Promise<void>
  /** Deletes expired rows, and notes that the rest is as new as the log. */
  readonly sweep: () => Promise<void>
  readonly close: () => Promise<void>
}

function openTable(topic: TopicSpec, routes: readonly ViewRoute[], options: TopicOptions): Opened {
  const store = new TopicStore(options.store, topic.name)
  const listsAll = routes.some(({ show, owners }) => owners === undefined && (show === 'list' || show === 'one'))
  const owners = distinctOwners(routes.filter((route) => route.show !== 'item'))
  const kept = keptHeaders(routes)
  const table = new Table(store.table, { owners, listsAll, headerNames: [...kept].sort() })
  const directories = routes.flatMap(({ search }, number) =>
    search === undefined ? [] : [{ search, words: new WordIndex(store.table, number) }],
  )
  store.serve([table, ...directories.map(({ words }) => words)])
  const check = checkOf(topic)
  const keeper = keeperOf(topic, routes, { store, writes: options.writes, options, feed: () => feed })
  const feed: TopicFeed = openFeed({ topic, keeper, options, kept, views: () => views }, (received) => {
    const record = viewRecordOf(received, kept)
    const checked = record === undefined ? undefined : passing({ record, received, check, feed, options })
    if (record === undefined || checked === undefined) return
    const transitions = table.apply(record)
    for (const { search, words } of directories) {
      const before = textsOf(parsed(transitions[0]?.before), search)
      words.change(record.key, { before, after: textsOf(checked.value, search) })
    }
    for (const transition of transitions) for (const view of views) view.onTransition(transition)
  })
  const wordsOf = ({ search }: ViewRoute) => directories.find((directory) => directory.search === search)?.words
  const views: readonly View[] = routes.map(
    (route) => new View(route, feed, { kind: 'table', table, words: wordsOf(route) }),
  )
  return {
    feed,
    views,
    start: () => feed.start(keeper.resume),
    sweep: async () => {
      if (!keeper.refresh()) return
      const time = options.clock.now() - deleteRetentionMs(topic)
      for (let isMore = true; isMore && feed.caughtUp; await setImmediate()) {
        store.change((batch) => {
          isMore = table.sweep(batch, time)
        })
      }
    },
    close: async () => {
      await feed.close()
      keeper.end()
    },
  }
}

function openIndexes(topic: TopicSpec, routes: readonly ViewRoute[], options: TopicOptions): Opened {
  const { gateway, cluster, setAside, onShown } = options
  const store = new TopicStore(options.store, topic.name)
  const check = checkOf(topic)
  const ofTrace = routes.some(({ isTraced }) => isTraced) ? [gateway.headers.traceparent] : []
  const kept = new Set([...keptHeaders(routes), ...ofTrace])
  const cache = new ValueCache(gateway.limits.valueCacheBytes)
  const decode = (received: ReceivedRecord) => viewRecordOf(received, kept)
  const onUndecodable = (batch: UndecodableBatch) => (setAside?.hasBatch(batch) ? 'skip' : undecodablePolicy(topic))
  const values = new ValueReader({ cluster, topic: topic.name, cache, decode, onUndecodable })
  const times = new LogTimes(options.admin)
  const keeper = keeperOf(topic, routes, { store, writes: options.writes, options, feed: () => feed })
  const feed: TopicFeed = openFeed(
    { topic, keeper, options, kept, views: () => indexed.map(({ view }) => view) },
    (received) => {
      const record = decode(received)
      // In a topic that keeps every record, a record without value has no meaning.
      if (record === undefined || record.value === null) return
      if (passing({ record, received, check, feed, options }) === undefined) return
      // During the first reading, only the last records would still be in the cache.
      if (feed.caughtUp) cache.put(record)
      for (const { view, index } of indexed) {
        const channel = channelOf(view.route, record)
        if (channel === undefined) continue
        index.add(channel, record.partition, record.offset)
        view.onRecord(channel, record)
        if (feed.caughtUp && view.route.isTraced === true) onShown(received, channel)
      }
    },
  )
  const indexed = routes.map((route, number) => {
    const index = new OffsetIndex(store.table, number)
    return { index, view: new View(route, feed, { kind: 'index', index, values, times }) }
  })
  store.serve(indexed.map(({ index }) => index))
  let trimmed: readonly number[] = []
  return {
    feed,
    views: indexed.map(({ view }) => view),
    start: () => feed.start(keeper.resume),
    sweep: async () => {
      const starts = [...feed.logStarts]
      if (!keeper.refresh() || starts.join() === trimmed.join()) return
      for (const { index } of indexed) {
        let from: Buffer | undefined
        do {
          store.change((batch) => {
            from = index.trim(batch, starts, from)
          })
          await setImmediate()
        } while (from !== undefined && feed.caughtUp)
      }
      trimmed = starts
    },
    close: async () => {
      await feed.close()
      keeper.end()
      await values.close()
    },
  }
}

type FeedParts = {
  readonly topic: TopicSpec
  readonly keeper: Keeper
  readonly options: TopicOptions
  /** Headers that views read. */
  readonly kept: ReadonlySet<string>
  readonly views: () => readonly View[]
}

function openFeed({ topic, keeper, options, kept, views }: FeedParts, onRecord: Follower['onRecord']): TopicFeed {
  const { cluster, admin, logger, onRefused, onRestart, setAside, shared } = options
  const follower: Follower = {
    onRecord,
    keep: keeper.keep,
    forget: keeper.forget,
    onBatchEnd: () => {
      for (const view of views()) view.flush()
    },
    onRestart: () => {
      for (const view of views()) view.restart()
      onRestart(feed)
    },
    onPassedOver: () => onRefused(topic.name),
  }
  const onUndecodable = undecodablePolicy(topic)
  const { definition } = keeper
  const feed = new TopicFeed({
    cluster,
    admin,
    topic,
    follower,
    logger,
    from: 'beginning',
    onUndecodable,
    // A check of the writer may read any of them.
    lentHeaders: topic.faultOf === undefined ? kept : 'all',
    shared,
    setAside,
    definition,
  })
  return feed
}

/** If any client may write, no record may stop a view. */
function undecodablePolicy(topic: TopicSpec): 'stop' | 'skip' {
  return topic.faultOf === undefined ? 'stop' : 'skip'
}

type Checked = {
  readonly record: ViewRecord
  readonly received: ReceivedRecord
  readonly check: RecordCheck
  readonly feed: TopicFeed
  readonly options: ViewsOptions
}

/** The parsed value, or undefined if the record is skipped. */
function passing({ record, received, check, feed, options }: Checked): { readonly value: unknown } | undefined {
  const checked = check(record, received, feed.positions.length)
  if ('value' in checked) return checked
  const { partition, offset } = record
  options.logger.warn({ topic: feed.topic.name, partition, offset, fault: checked.fault }, 'a record is skipped')
  options.onRefused(feed.topic.name)
  return undefined
}

function parsed(record: ViewRecord | undefined): unknown {
  return record === undefined || record.value === null ? undefined : JSON.parse(record.value)
}

/** The group of the record in an index; undefined if the view never shows it. */
function channelOf({ owners, where }: ViewRoute, record: ViewRecord): string | undefined {
  if (where !== undefined && record.headers[where.header] !== where.equals) return undefined
  const [owner] = owners ?? []
  return owner === undefined ? everything : ownerOf(record, owner)
}

function distinctOwners(routes: readonly ViewRoute[]): Owner[] {
  return [...new Map(routes.flatMap(({ owners }) => owners ?? []).map((owner) => [ownerName(owner), owner])).values()]
}

/** Headers that some view of the topic reads. */
function keptHeaders(routes: readonly ViewRoute[]): ReadonlySet<string> {
  const owners = routes.flatMap(({ owners }) => owners ?? [])
  const ofOwners = owners.flatMap((owner) =>
    owner === 'key' ? [] : [owner.header, ...(owner.part ? [owner.part.header] : [])],
  )
  const ofFilters = routes.flatMap(({ filters = {} }) => Object.values(filters).map(({ header }) => header))
  const ofWhere = routes.flatMap(({ where }) => (where === undefined ? [] : [where.header]))
  return new Set([...ofOwners, ...ofFilters, ...ofWhere])
}
