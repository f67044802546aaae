/**
 * A view at work: returns its history, and sends every change to the streams that follow it. An event is
 * encoded once for all streams of a channel that give it the same label; their bytes are sent together at the end of each batch
 * of the feed.
 */
import { type ViewRoute, viewNameOf } from '../definition/definition.ts'
import { eventIdPrefix, formatOffsets } from '../shared/event-id.ts'
import { encodeEvent, type Label } from '../shared/frames.ts'
import { type Access, groupingOf, groupOf } from './access.ts'
import {
  type History,
  historyOfChanges,
  mergedBatches,
  type PartitionSource,
  type SignedHistory,
  sourceOfOffsets,
  sourceOfRecords,
} from './history.ts'
import { type Newest, type NewestRecords, newestOfIndex, newestOfTable, newestRecords, newestWanted } from './newest.ts'
import type { OffsetIndex } from './offset-index.ts'
import { isWithin, type LogTimes, type Period } from './period.ts'
import type { Table, Transition } from './table.ts'
import type { TopicFeed } from './topic-feed.ts'
import { LogUnavailableError, type ValueReader } from './value-reader.ts'
import { type Change, ownerOf, textsOf, type ViewRecord } from './view-record.ts'
import type { IndexPlace, IndexQuery, WordIndex } from './word-index.ts'

/** A follower of a view: an open stream. */
export type Subscriber = {
  readonly access: Access
  readonly label: Label
  /** Takes the bytes of whole events; must not block. */
  readonly push: (bytes: Buffer, events: number) => void
  /** It may have missed records: it must start over from its position. Must not throw. */
  readonly onFault: (error: unknown) => void
}

/** The source of a view's records. */
export type Source =
  | { readonly kind: 'table'; readonly table: Table; readonly words?: WordIndex | undefined }
  | { readonly kind: 'index'; readonly index: OffsetIndex; readonly values: ValueReader; readonly times: LogTimes }

type Published = {
  readonly audiences: ReadonlyMap<Label, Audience> | undefined
  readonly filtered: ReadonlyMap<Subscriber, Buffer[]> | undefined
  readonly before: ViewRecord | undefined
  readonly after: ViewRecord
}

export type HistoryRange = {
  /** Only records at or after this position, with the keys that are gone since; without it, all present records. */
  readonly from?: readonly number[] | undefined
  /** Only this number of the newest. */
  readonly last?: number | undefined
}

/** Only the newest `limit` below `before`, an offset by partition. */
export type PageRange = { readonly before: readonly number[]; readonly limit: number }

export type Wanted = {
  readonly period: Period
  readonly matches?: ((record: ViewRecord) => boolean) | undefined
}

/** The number of records of one partition whose values are parsed for one answer. */
const mostMatched = 1_000

/** The followers of a channel that get the same bytes. */
type Audience = { readonly members: Set<Subscriber>; frames: Buffer[] }

export class View {
  readonly name: string
  readonly route: ViewRoute
  readonly feed: TopicFeed
  readonly #source: Source
  readonly #grouping: string | undefined
  readonly #channels = new Map<string, Map<Label, Audience>>()
  /** Streams with a filter of their own, by channel. */
  readonly #filtered = new Map<string, Map<Subscriber, Buffer[]>>()
  /** Audiences and filtered streams with frames to send. */
  readonly #touched = new Set<Audience>()
  readonly #touchedFiltered = new Map<Subscriber, Buffer[]>()

  constructor(route: ViewRoute, feed: TopicFeed, source: Source) {
    this.name = viewNameOf(route.path)
    this.route = route
    this.feed = feed
    this.#source = source
    this.#grouping = groupingOf(route)
  }

  /**
   * The history at the moment of the call. Changes during the reading may be missing, but then they are behind its end: a client that
   * continues from there misses none. @throws LogUnavailableError, also while the view is being built
   */
  async history(access: Access, { from, last }: HistoryRange): Promise<History> {
    // During a slice its end would be ahead of the readable records: a client that continues from there would miss the slice.
    while (this.feed.telling !== undefined) await this.feed.telling
    this.#requireBuilt()
    const upTo = [...this.feed.positions]
    if (access.keys !== undefined || this.route.show === 'item') {
      const changes = this.#tableOf()
        .ofKeys(access.keys ?? new Set([access.channel]), from)
        .map((record) => ({ record, gone: !access.shows(record) }))
        // A client that starts without records needs no deletions.
        .filter(({ gone }) => from !== undefined || !gone)
      return historyOfChanges(last === undefined ? changes : changes.slice(Math.max(0, changes.length - last)), {
        from,
        upTo,
      })
    }
    if (last !== undefined) {
      const { records } = await this.newest(access, { before: upTo, limit: last }).read()
      return historyOfChanges(records.map(shown), { from: undefined, upTo })
    }
    return this.#range(access, from, upTo)
  }

  /**
   * The newest records of a period, or of those that match, in a topic that keeps every record.
   * @throws LogUnavailableError, TypeError for other topics: a bug
   */
  async newestOf({ period, matches }: Wanted, access: Access, { before, limit }: PageRange): Promise<NewestRecords> {
    this.#requireBuilt()
    const source = this.#indexOf()
    const bounds = await this.#boundsOf(period, source)
    return newestWanted(source, {
      channel: access.channel,
      starts: bounds.from,
      before: before.map((end, partition) => Math.min(end, bounds.before[partition] ?? 0)),
      limit,
      isWanted: (record) => isWithin(period, record) && (matches === undefined || matches(record)),
      ...(matches !== undefined && { mostLooked: mostMatched }),
    })
  }

  /** All records of a period, in a topic that keeps every record. @throws LogUnavailableError, TypeError for other topics: a bug */
  async wholeOf(period: Period, access: Access): Promise<History> {
    this.#requireBuilt()
    const bounds = await this.#boundsOf(period, this.#indexOf())
    const { batches, ...history } = this.#range(access, bounds.from, bounds.before)
    return {
      ...history,
      batches: async function* () {
        for await (const batch of batches()) yield batch.filter(({ record }) => isWithin(period, record))
      },
    }
  }

  /** Never below the log start. */
  async #boundsOf(period: Period, { times }: { readonly times: LogTimes }) {
    const { topic, topicId, logStarts } = this.feed
    const positions = [...this.feed.positions]
    const { from, before } = await times.boundsOf(period, { topic: topic.name, topicId, positions })
    return { from: from.map((offset, partition) => Math.max(offset, logStarts[partition] ?? 0)), before }
  }

  /** All records of a view of a topic that keeps every record. @throws LogUnavailableError, TypeError for other topics: a bug */
  whole(access: Access): SignedHistory {
    this.#requireBuilt()
    const upTo = [...this.feed.positions]
    const source = this.#indexOf()
    const ends = partitionsOf(upTo).map((partition) => {
      const range = { partition, ...this.#bounds(partition, undefined, upTo), limit: 1 }
      return [...source.index.first(access.channel, range), ...source.index.last(access.channel, range)]
    })
    return {
      ...this.#range(access, undefined, upTo),
      // Between its first and its last record none is added, and a removal changes the feed's mark.
      sign: (hash) => hash.update(ends.map((offsets) => offsets.join('-')).join()),
    }
  }

  /** The newest records that the access shows, below `before`. */
  newest(access: Access, { before, limit }: PageRange): Newest {
    const source = this.#source
    const starts = this.feed.logStarts
    if (source.kind === 'index') return newestOfIndex(source, { channel: access.channel, starts, before, limit })
    return newestOfTable(source.table, { access, grouping: this.#grouping, before, limit })
  }

  /** The last record of a table that the access shows; undefined if there is none. */
  current(access: Access): ViewRecord | undefined {
    const table = this.#tableOf()
    if (this.route.show !== 'item') {
      const query = { access, grouping: this.#grouping, before: this.feed.positions, limit: 1 }
      return newestRecords(table, query).records.at(-1)
    }
    const record = table.get(access.channel)
    return record !== undefined && access.shows(record) ? record : undefined
  }

  /**
   * Records of a directory by the beginnings of their words. @throws RangeError if `after` belongs to another search,
   * TypeError for other views: a bug
   */
  search(
    text: string,
    query: IndexQuery,
  ): { readonly records: readonly ViewRecord[]; readonly next: IndexPlace | undefined } {
    const source = this.#source
    if (source.kind !== 'table' || source.words === undefined) throw new TypeError(`${this.name} has no words`)
    const { keys, next } = source.words.find(text, query)
    return { records: this.ofKeys(keys), next }
  }

  /** The searched members of the record of a directory; empty if it has none. */
  titlesOf(key: string): string[] {
    const [record] = this.ofKeys([key])
    return record === undefined ? [] : textsOf(JSON.parse(record.value ?? 'null'), this.route.search ?? [])
  }

  /** Records of a table by their keys, in this order; missing and deleted ones are left out. */
  ofKeys(keys: Iterable<string>): ViewRecord[] {
    const table = this.#tableOf()
    return [...keys].flatMap((key) => {
      const record = table.get(key)
      return record === undefined || record.value === null ? [] : [record]
    })
  }

  /** Whether the identity is among the owners of the record of this key, also if it is deleted. */
  isParty(key: string, identity: string): boolean {
    const record = this.#source.kind === 'table' ? this.#source.table.get(key) : undefined
    return record !== undefined && (this.route.owners ?? []).some((owner) => ownerOf(record, owner) === identity)
  }

  subscribe(subscriber: Subscriber): void {
    const { label, access } = subscriber
    const { channel, shared } = access
    if (!shared) {
      const streams = this.#filtered.get(channel) ?? new Map<Subscriber, Buffer[]>()
      this.#filtered.set(channel, streams)
      streams.set(subscriber, [])
      return
    }
    const audiences = this.#channels.get(channel) ?? new Map<Label, Audience>()
    this.#channels.set(channel, audiences)
    const audience = audiences.get(label) ?? { members: new Set<Subscriber>(), frames: [] }
    audiences.set(label, audience)
    audience.members.add(subscriber)
  }

  unsubscribe(subscriber: Subscriber): void {
    const { label, access } = subscriber
    const { channel } = access
    const audiences = this.#channels.get(channel)
    const audience = audiences?.get(label)
    if (audience?.members.delete(subscriber) && audience.members.size === 0) audiences?.delete(label)
    if (audiences?.size === 0) this.#channels.delete(channel)
    const streams = this.#filtered.get(channel)
    if (streams?.delete(subscriber) && streams.size === 0) this.#filtered.delete(channel)
    this.#touchedFiltered.delete(subscriber)
  }

  /** A change of the view's table. */
  onTransition({ grouping, group, before, after }: Transition): void {
    if (grouping !== this.#grouping) return
    this.#publish(this.route.show === 'item' ? after.key : group, before, after)
  }

  /** A record of the view's index. */
  onRecord(channel: string, record: ViewRecord): void {
    this.#publish(channel, undefined, record)
  }

  flush(): void {
    for (const audience of this.#touched) {
      const { frames } = audience
      audience.frames = []
      const bytes = joined(frames)
      for (const member of audience.members) hand(member, bytes, frames.length)
    }
    this.#touched.clear()
    for (const [subscriber, frames] of this.#touchedFiltered) {
      hand(subscriber, joined(frames), frames.length)
      frames.length = 0
    }
    this.#touchedFiltered.clear()
  }

  /** The topic begins anew: no stream follows until it has started over. */
  restart(): void {
    this.#touched.clear()
    this.#touchedFiltered.clear()
    this.#channels.clear()
    this.#filtered.clear()
  }

  /** The current position, as the id of an event. */
  eventId(): string {
    const { topicId, caughtUpAt, positions } = this.feed
    return eventIdPrefix({ view: this.name, topicId, time: caughtUpAt }) + formatOffsets(positions)
  }

  /** The records in [from, upTo), partition by partition. */
  #range(access: Access, from: readonly number[] | undefined, upTo: readonly number[]): History {
    const source = this.#source
    const { channel } = access
    const partitions = partitionsOf(upTo)
    const grouping = this.#grouping
    const first = (partition: number): number | undefined => {
      const range = { partition, ...this.#bounds(partition, from, upTo), limit: 1 }
      if (source.kind === 'index') return source.index.first(channel, range)[0]
      return source.table.first({ grouping, group: groupOf(access, grouping), ...range })[0]?.offset
    }
    const sourceOf = (partition: number): PartitionSource => {
      const bounds = this.#bounds(partition, from, upTo)
      const rangeFrom = (at: number, limit: number) => ({
        partition,
        ...bounds,
        from: Math.max(bounds.from, at),
        limit,
      })
      if (source.kind === 'index') {
        const { index, values } = source
        return sourceOfOffsets(partition, (at, limit) => index.first(channel, rangeFrom(at, limit)), values)
      }
      const group = groupOf(access, grouping)
      return sourceOfRecords((at, limit) => source.table.first({ grouping, group, ...rangeFrom(at, limit) }))
    }
    return {
      from: from ?? upTo.map((end, partition) => first(partition) ?? end),
      upTo,
      batches: async function* () {
        for await (const records of mergedBatches(partitions.map(sourceOf))) {
          const changes = records.map((record) => ({ record, gone: source.kind === 'table' && !access.shows(record) }))
          // A client that starts without records needs no deletions.
          yield from === undefined ? changes.filter(({ gone }) => !gone) : changes
        }
      },
    }
  }

  /** Never below the log start, even if the rows have not been trimmed yet. */
  #bounds(partition: number, from: readonly number[] | undefined, upTo: readonly number[]) {
    const start = this.feed.logStarts[partition] ?? 0
    return { from: Math.max(start, from?.[partition] ?? 0), before: upTo[partition] ?? 0 }
  }

  #tableOf(): Table {
    if (this.#source.kind !== 'table') throw new TypeError(`${this.name} has no table`)
    return this.#source.table
  }

  #indexOf() {
    if (this.#source.kind !== 'index') throw new TypeError(`${this.name} has no index`)
    return this.#source
  }

  /** Before that, the readable state is behind the positions. */
  #requireBuilt(): void {
    if (!this.feed.caughtUp) throw new LogUnavailableError(`The view ${this.name} is being built`)
  }

  #publish(channel: string, before: ViewRecord | undefined, after: ViewRecord): void {
    const audiences = this.#channels.get(channel)
    const filtered = this.#filtered.get(channel)
    if (audiences === undefined && filtered === undefined) return
    try {
      this.#queue({ audiences, filtered, before, after })
    } catch (error) {
      // The store has the records, the streams may not: each continues from its position.
      for (const audience of audiences?.values() ?? []) for (const member of audience.members) member.onFault(error)
      for (const subscriber of filtered?.keys() ?? []) subscriber.onFault(error)
    }
  }

  #queue({ audiences, filtered, before, after }: Published): void {
    const frame = this.#frameOf(after)
    for (const [label, audience] of audiences ?? []) {
      const [anyone] = audience.members
      const event = anyone === undefined ? undefined : changeOf(anyone.access, before, after)
      if (event === undefined) continue
      audience.frames.push(frame(event, label))
      this.#touched.add(audience)
    }
    for (const [subscriber, frames] of filtered ?? []) {
      const event = changeOf(subscriber.access, before, after)
      if (event === undefined) continue
      frames.push(frame(event, subscriber.label))
      this.#touchedFiltered.set(subscriber, frames)
    }
  }

  /** The encodings of a record, each created at its first use. */
  #frameOf(record: ViewRecord): (event: 'value' | 'gone', label: Label) => Buffer {
    const made = { value: new Map<Label, Buffer>(), gone: new Map<Label, Buffer>() }
    return (event, label) => {
      const known = made[event].get(label)
      if (known !== undefined) return known
      const frame = encodeChange({ record, gone: event === 'gone' }, this.eventId(), label)
      made[event].set(label, frame)
      return frame
    }
  }
}

export function encodeChange({ record, gone }: Change, id: string, label: Label): Buffer {
  return gone
    ? encodeEvent({ label, id, event: 'delete', data: record.key })
    : encodeEvent({ label, id, data: record.value ?? 'null' })
}

/** An error of one stream does not affect the others. */
function hand(subscriber: Subscriber, bytes: Buffer, events: number): void {
  try {
    subscriber.push(bytes, events)
  } catch (error) {
    subscriber.onFault(error)
  }
}

function changeOf(access: Access, before: ViewRecord | undefined, after: ViewRecord): 'value' | 'gone' | undefined {
  if (access.shows(after)) return 'value'
  return before !== undefined && access.shows(before) ? 'gone' : undefined
}

function joined(frames: readonly Buffer[]): Buffer {
  const [only] = frames
  return frames.length === 1 && only !== undefined ? only : Buffer.concat(frames)
}

function shown(record: ViewRecord): Change {
  return { record, gone: false }
}

function partitionsOf(offsets: readonly number[]): number[] {
  return offsets.map((_, partition) => partition)
}
