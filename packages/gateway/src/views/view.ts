/**
 * A view at work: gives its history to whoever asks, and hands every change to the streams that follow it. An event is
 * encoded once for all streams of a channel; their bytes leave together at the end of each batch of the feed.
 */
import { type ViewRoute, viewNameOf } from '../definition/definition.ts'
import { eventIdPrefix, formatOffsets } from '../sse/event-id.ts'
import { encodeEvent, encodeHeartbeat } from '../sse/frames.ts'
import { type History, historyOfChanges, historyOfOffsets } from './history.ts'
import { everything, groupingOf, type Lens } from './lens.ts'
import type { OffsetIndex, PartitionOffsets } from './offset-index.ts'
import type { Table, Transition } from './table.ts'
import type { TopicFeed } from './topic-feed.ts'
import type { ValueReader } from './value-reader.ts'
import { type Change, ownerOf, type ViewRecord } from './view-record.ts'

/** Whoever follows a view: an open stream. */
export type Subscriber = {
  readonly lens: Lens
  /** Takes the bytes of whole events; must not block and must not throw. */
  readonly push: (bytes: Buffer, events: number) => void
}

/** Where a view finds its records. */
export type Source =
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'index'; readonly index: OffsetIndex; readonly values: ValueReader }

export type HistoryRange = {
  /** Only what came at or after this position, with what is gone since; without it, everything that is there now. */
  readonly from?: readonly number[] | undefined
  /** Only the newest so many. */
  readonly last?: number | undefined
}

type Channel = { readonly members: Set<Subscriber>; frames: Buffer[] }

export class View {
  readonly name: string
  readonly route: ViewRoute
  readonly feed: TopicFeed
  readonly #source: Source
  readonly #grouping: string | undefined
  readonly #channels = new Map<string, Channel>()
  /** Streams with a filter of their own, by channel. */
  readonly #filtered = new Map<string, Map<Subscriber, Buffer[]>>()
  /** Channels and filtered streams with frames to send. */
  readonly #touched = new Set<Channel>()
  readonly #touchedFiltered = new Map<Subscriber, Buffer[]>()

  constructor(route: ViewRoute, feed: TopicFeed, source: Source) {
    this.name = viewNameOf(route.path)
    this.route = route
    this.feed = feed
    this.#source = source
    this.#grouping = groupingOf(route)
  }

  /** Of the moment of the call; it does not change while it is read. @throws LogUnavailableError */
  async history(lens: Lens, { from, last }: HistoryRange): Promise<History> {
    const upTo = [...this.feed.positions]
    const source = this.#source
    if (source.kind === 'index') {
      const selected = this.offsetsOf(lens, { from, before: upTo })
      if (last !== undefined && selected.length > 1) return lastOfSeveral(selected, { upTo, last }, source.values)
      const kept = last === undefined ? selected : selected.map((part) => lastOffsets(part, last))
      return historyOfOffsets(kept, { from, upTo }, source.values)
    }
    const changes = this.#recordsOf(source.table, lens, from)
      .map((record) => ({ record, gone: !lens.shows(record) }))
      // Whoever starts from nothing need not be told what is gone.
      .filter(({ gone }) => from !== undefined || !gone)
    return historyOfChanges(last === undefined ? changes : lastOf(changes, last), { from, upTo })
  }

  /** For views of topics that keep every record: where those of the lens are. @throws TypeError for others: a bug */
  offsetsOf(
    lens: Lens,
    { from, before }: { readonly from?: readonly number[] | undefined; readonly before: readonly number[] },
  ): PartitionOffsets[] {
    if (this.#source.kind !== 'index') throw new TypeError(`${this.name} has no index`)
    // Never below the log start, even if the index has not been trimmed yet.
    const starts = this.feed.logStarts.map((start, partition) => Math.max(start, from?.[partition] ?? 0))
    return this.#source.index.between(lens.channel, starts, before)
  }

  /** Reads records by offset. @throws LogUnavailableError, TypeError for a table: a bug */
  async read(partition: number, offsets: Float64Array): Promise<ViewRecord[]> {
    if (this.#source.kind !== 'index') throw new TypeError(`${this.name} has no index`)
    return this.#source.values.read(partition, offsets)
  }

  /** The last of what the lens shows of a table; undefined if nothing. */
  newest(lens: Lens): ViewRecord | undefined {
    if (this.#source.kind !== 'table') throw new TypeError(`${this.name} has no table`)
    return this.#recordsOf(this.#source.table, lens, undefined).findLast((record) => lens.shows(record))
  }

  /** Whether the identity is among the owners of the record of this key, be it deleted or not. */
  isParty(key: string, identity: string): boolean {
    const record = this.#source.kind === 'table' ? this.#source.table.get(key) : undefined
    return record !== undefined && (this.route.owners ?? []).some((owner) => ownerOf(record, owner) === identity)
  }

  subscribe(subscriber: Subscriber): void {
    const { channel, shared } = subscriber.lens
    if (!shared) {
      const streams = this.#filtered.get(channel) ?? new Map<Subscriber, Buffer[]>()
      this.#filtered.set(channel, streams)
      streams.set(subscriber, [])
      return
    }
    const found = this.#channels.get(channel) ?? { members: new Set<Subscriber>(), frames: [] }
    this.#channels.set(channel, found)
    found.members.add(subscriber)
  }

  unsubscribe(subscriber: Subscriber): void {
    const { channel } = subscriber.lens
    const found = this.#channels.get(channel)
    if (found?.members.delete(subscriber) && found.members.size === 0) this.#channels.delete(channel)
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
    for (const channel of this.#touched) {
      const { frames } = channel
      channel.frames = []
      const bytes = joined(frames)
      for (const member of channel.members) member.push(bytes, frames.length)
    }
    this.#touched.clear()
    for (const [subscriber, frames] of this.#touchedFiltered) {
      subscriber.push(joined(frames), frames.length)
      frames.length = 0
    }
    this.#touchedFiltered.clear()
  }

  /** The topic begins anew: nobody follows any more until they have started over. */
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

  heartbeat(): Buffer {
    return encodeHeartbeat(this.eventId())
  }

  #recordsOf(table: Table, { channel }: Lens, from: readonly number[] | undefined): ViewRecord[] {
    if (this.route.show !== 'item')
      return table.since(this.#grouping, this.#grouping === undefined ? everything : channel, from)
    const record = table.get(channel)
    if (record === undefined || (from !== undefined && record.offset < (from[record.partition] ?? 0))) return []
    return [record]
  }

  #publish(channel: string, before: ViewRecord | undefined, after: ViewRecord): void {
    const shared = this.#channels.get(channel)
    const filtered = this.#filtered.get(channel)
    if (shared === undefined && filtered === undefined) return
    const frame = this.#frameOf(after)
    if (shared !== undefined) {
      const [anyone] = shared.members
      const event = anyone === undefined ? undefined : changeOf(anyone.lens, before, after)
      if (event !== undefined) {
        shared.frames.push(frame(event))
        this.#touched.add(shared)
      }
    }
    for (const [subscriber, frames] of filtered ?? []) {
      const event = changeOf(subscriber.lens, before, after)
      if (event === undefined) continue
      frames.push(frame(event))
      this.#touchedFiltered.set(subscriber, frames)
    }
  }

  /** Both encodings of a record, each made when it is first needed. */
  #frameOf(record: ViewRecord): (event: 'value' | 'gone') => Buffer {
    const made: { value?: Buffer; gone?: Buffer } = {}
    return (event) => {
      made[event] ??= encodeChange({ record, gone: event === 'gone' }, this.eventId())
      return made[event]
    }
  }
}

export function encodeChange({ record, gone }: Change, id: string): Buffer {
  return gone
    ? encodeEvent({ id, event: 'delete', data: record.key })
    : encodeEvent({ id, data: record.value ?? 'null' })
}

function changeOf(lens: Lens, before: ViewRecord | undefined, after: ViewRecord): 'value' | 'gone' | undefined {
  if (lens.shows(after)) return 'value'
  return before !== undefined && lens.shows(before) ? 'gone' : undefined
}

function joined(frames: readonly Buffer[]): Buffer {
  const [only] = frames
  return frames.length === 1 && only !== undefined ? only : Buffer.concat(frames)
}

function lastOf<T>(list: readonly T[], count: number): readonly T[] {
  return count === 0 ? [] : list.slice(-count)
}

function lastOffsets({ partition, offsets }: PartitionOffsets, count: number): PartitionOffsets {
  return { partition, offsets: offsets.subarray(Math.max(0, offsets.length - count)) }
}

/**
 * The newest of several partitions are known by their times alone, which the index does not hold: so many of each are
 * read, and what is too many is dropped.
 */
async function lastOfSeveral(
  selected: readonly PartitionOffsets[],
  { upTo, last }: { readonly upTo: readonly number[]; readonly last: number },
  values: ValueReader,
): Promise<History> {
  const candidates = historyOfOffsets(
    selected.map((part) => lastOffsets(part, last)),
    { from: undefined, upTo },
    values,
  )
  const changes: Change[] = []
  for await (const batch of candidates.batches()) changes.push(...batch)
  return historyOfChanges(lastOf(changes, last), { from: undefined, upTo })
}
