/**
 * A task's state as one unit: its stores, the matching input positions, and how far each changelog has been read
 * or written. It equals the changelogs up to there, so any holder may continue reading from there: the owner after
 * the next rebalance, a standby all the time, and the next process that opens the local store. Reading a record twice has no
 * effect, because the last write wins.
 *
 *     owner     written by its transactions: a commit moves the positions behind the records that the log acknowledged
 *     standby   read, all the time
 *     either    becomes the other, by restoration to the end of the changelogs
 *     opened    from the local store: it is not used until the log has the same last record (runtime/proof.ts)
 *
 * No record may be missed because of compaction: a tombstone is kept for `delete.retention.ms` after it was written, a day by
 * default. A replica that may lack an older tombstone would keep a deleted key, so it has to start over. The
 * moment at which it was complete is noted on the disk, as wall-clock time, so that the rule also holds after restarts.
 */
import {
  type FetchedRecords,
  keyOf,
  type ReceivedRecord,
  type RecordToSend,
  type RecordWitness,
  type TopicPartition,
  witnessOf,
} from '@streampay/kafka'
import type { LocalBatch } from '@streampay/local-store'
import { StreamsError } from '../errors.ts'
import { SetAsideRecords } from '../log/set-aside.ts'
import { type Moment, moment, momentOf, msSince, type StreamClock } from '../log/stream-clock.ts'
import { bytesOnLog, type Claim, type LocalState, type PartitionNote, taskNote } from '../state/local-state.ts'
import { decodePosition, type Position } from '../state/positions.ts'
import { positionsChangelog } from '../topology/names.ts'
import type { Topology } from '../topology/topology.ts'
import type { Task } from './task.ts'

type Changelog = TopicPartition & {
  /** The next offset to read; undefined if no record was read yet. */
  position: number | undefined
  /** Undefined if no record was read, or it is not known which was the last. */
  last: RecordWitness | undefined
  /** Opened from the disk, and not yet compared with the log. */
  isUnproven: boolean
  /** Why the store's contents are not used. */
  doubt: string | undefined
  apply(record: ReceivedRecord): void
  clear(batch: LocalBatch): void
}

type Note = {
  /** Wall-clock time in ms; undefined if the state was never complete. */
  readonly completeAt?: number
  readonly inputs: Readonly<Record<string, Position>>
  /** By topic. */
  readonly changelogs: Readonly<Record<string, PartitionNote>>
}

export type ReplicaOptions = {
  readonly task: Task
  readonly topology: Topology
  readonly state: LocalState
  /** The present topic ids of the changelogs. */
  readonly topicIds: ReadonlyMap<string, string>
  readonly clock: StreamClock
  readonly setAside?: SetAsideRecords
}

/** Where reading continues; `startsOver` says why, if the earlier contents are discarded. */
export type ChangelogStart = TopicPartition & { readonly offset: number; readonly startsOver: string | undefined }

export class Replica {
  readonly task: Task
  readonly #options: ReplicaOptions
  readonly #changelogs: ReadonlyMap<string, Changelog>
  readonly #inputs = new Map<string, Position>()
  readonly #setAside: SetAsideRecords
  /** Every record that the state lacks was still on the log at this moment, or came later. */
  #completeAt: Moment | undefined
  #isNoted = true

  constructor(options: ReplicaOptions) {
    const { task, topology, setAside = new SetAsideRecords() } = options
    this.task = task
    this.#options = options
    this.#setAside = setAside
    const open = (topic: string, content: Pick<Changelog, 'apply' | 'clear'>): Changelog => {
      const unread = { position: undefined, last: undefined, isUnproven: false, doubt: undefined }
      return { topic, partition: task.number, ...unread, ...content }
    }
    const positions = open(positionsChangelog(topology.applicationId), {
      apply: (record) => this.#applyPosition(record),
      clear: () => this.#inputs.clear(),
    })
    const changelogs = task.stores.map((store) => {
      const apply = ({ key, value, timestamp }: ReceivedRecord) => {
        if (key !== null) store.restore(key, value, timestamp)
      }
      return open(store.changelog, { apply, clear: (batch) => store.clear(batch) })
    })
    this.#changelogs = new Map([positions, ...changelogs].map((changelog) => [changelog.topic, changelog]))
    this.#open()
  }

  get number(): number {
    return this.task.number
  }

  /** By source topic, the positions committed together with the stores. */
  get inputs(): ReadonlyMap<string, Position> {
    return this.#inputs
  }

  /** The number of entries, in all stores, that wait to be written to the disk. */
  get unflushed(): number {
    return this.task.stores.reduce((sum, store) => sum + store.unflushed, 0)
  }

  partitions(): TopicPartition[] {
    return [...this.#changelogs.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** The next offset to read; 0 if no record was read yet. */
  positionIn(topic: string): number {
    return this.#changelogs.get(topic)?.position ?? 0
  }

  /** The claims of the state that was opened from the disk and is not yet compared with the log. */
  claims(): Claim[] {
    return [...this.#changelogs.values()].flatMap(({ topic, partition, position, last, isUnproven, doubt }) =>
      isUnproven && doubt === undefined && position !== undefined && last !== undefined
        ? [{ topic, partition, position, last }]
        : [],
    )
  }

  /** The log has the record: up to its position, the changelog is the one that was read. */
  prove(topic: string): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog !== undefined) changelog.isUnproven = false
  }

  /** The log does not have the record: the store starts over. */
  doubt(topic: string, reason: string): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog !== undefined) changelog.doubt = reason
  }

  /** Whether the log may have deleted tombstones by now that this replica never read. */
  isOlderThan(ms: number, clock: StreamClock): boolean {
    return this.#completeAt !== undefined && msSince(clock, this.#completeAt) > ms
  }

  /** Notes that every record that was on the log at that moment is known. */
  confirm(at: Moment): void {
    this.#completeAt = at
    this.#isNoted = false
  }

  /**
   * Where to continue reading, given where the changelogs begin and end. A state that was not proven is discarded. A position
   * outside of its changelog comes from another log, or its records are deleted: that store starts over.
   * @throws StreamsError STREAMS_STATE_FAILED
   */
  resume(bounds: {
    readonly starts: ReadonlyMap<string, number>
    readonly ends: ReadonlyMap<string, number>
    readonly maxAgeMs: number
    readonly clock: StreamClock
  }): ChangelogStart[] {
    const isTooOld = this.isOlderThan(bounds.maxAgeMs, bounds.clock)
    if (isTooOld || this.#completeAt === undefined) this.#completeAt = moment(bounds.clock)
    const starts = [...this.#changelogs.values()].map((changelog): ChangelogStart => {
      const { topic, partition, position, isUnproven, doubt } = changelog
      const start = bounds.starts.get(keyOf(changelog)) ?? 0
      const end = bounds.ends.get(keyOf(changelog)) ?? start
      if (position === undefined) return { topic, partition, offset: start, startsOver: undefined }
      let startsOver = isTooOld ? 'tombstones may have been written and removed since it was complete' : doubt
      if (startsOver !== undefined) return { topic, partition, offset: start, startsOver }
      if (isUnproven) startsOver = 'it is not proven'
      else if (position < start) startsOver = `the changelog begins at ${start}, behind ${position}`
      else if (position > end) startsOver = `the changelog ends at ${end}, before ${position}`
      return { topic, partition, offset: startsOver === undefined ? position : start, startsOver }
    })
    this.#startOver(starts)
    return starts
  }

  /** @throws StreamsError STREAMS_CHANGELOG_CORRUPT */
  apply({ topic, records, position }: FetchedRecords): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog === undefined) return
    for (const record of records) {
      if (this.#setAside.has(record)) continue
      try {
        changelog.apply(record)
      } catch (error) {
        const message = `The changelog record at ${keyOf(record)}/${record.offset} cannot be decoded.`
        const { partition, offset } = record
        throw new StreamsError('STREAMS_CHANGELOG_CORRUPT', message, error, { topic, partition, offset })
      }
    }
    const last = records.at(-1)
    if (last !== undefined) changelog.last = witnessOf(last)
    changelog.position = position
    this.#isNoted = false
  }

  /**
   * A transaction of the owner committed: its writes are in the stores already.
   * @param last the last record of the transaction in a changelog; its offset is -1 if the log did not return it.
   */
  wrote(last: { readonly topic: string; readonly offset: number } & WrittenRecord): void {
    const changelog = this.#changelogs.get(last.topic)
    if (changelog?.position === undefined) return
    const { offset, key, value, timestamp } = last
    this.#isNoted = false
    if (offset < changelog.position) {
      // The stores are ahead of the position: harmless as long as reading continues there, but a match can't be proven.
      changelog.last = undefined
      return
    }
    changelog.position = offset + 1
    changelog.last = witnessOf({ offset, key: bytesOnLog(key), value: bytesOnLog(value), timestamp })
  }

  /** Sets the input positions of a transaction that committed. */
  advance(inputs: ReadonlyMap<string, Position>): void {
    for (const [topic, position] of inputs) this.#inputs.set(topic, position)
    this.#isNoted = false
  }

  /**
   * Writes the committed entries that are not on the disk yet, with the note about how far they reach.
   * @throws StreamsError STREAMS_STATE_FAILED
   */
  flush(): void {
    const { state, topology } = this.#options
    if (this.#isNoted && this.unflushed === 0) return
    state.write((batch) => {
      for (const [index, store] of this.task.stores.entries()) {
        store.flush(batch, this.#timeOf(topology.stores[index]?.expires?.timeOf))
      }
      state.putNote(batch, taskNote(this.number), this.#note())
    })
    for (const store of this.task.stores) store.flushed()
    this.#isNoted = true
  }

  /** Marks the state on the disk as unusable. */
  distrust(): void {
    const { state } = this.#options
    state.write((batch) => state.deleteNote(batch, taskNote(this.number)))
  }

  #open(): void {
    const { state, topicIds, clock } = this.#options
    const note = state.note<Note>(taskNote(this.number))
    if (note === undefined) return
    for (const [topic, position] of Object.entries(note.inputs)) this.#inputs.set(topic, position)
    for (const changelog of this.#changelogs.values()) {
      const noted = note.changelogs[changelog.topic]
      if (noted === undefined) continue
      if (noted.topicId !== topicIds.get(changelog.topic)) changelog.doubt = 'its topic was created again'
      // Without a last record a match can't be proven: it counts as not read.
      else if (noted.last === null) continue
      changelog.position = noted.position
      changelog.last = noted.last ?? undefined
      changelog.isUnproven = true
    }
    if (note.completeAt !== undefined) this.#completeAt = momentOf(clock, note.completeAt)
  }

  #startOver(starts: readonly ChangelogStart[]): void {
    const { state } = this.#options
    const fresh = starts.filter(({ topic, startsOver }) => {
      return startsOver !== undefined || this.#changelogs.get(topic)?.position === undefined
    })
    if (fresh.length === 0) return
    for (const { topic, offset } of fresh) {
      const changelog = this.#changelogs.get(topic)
      if (changelog === undefined) continue
      changelog.position = offset
      changelog.last = undefined
      changelog.isUnproven = false
      changelog.doubt = undefined
    }
    state.write((batch) => {
      for (const { topic } of fresh) this.#changelogs.get(topic)?.clear(batch)
      state.putNote(batch, taskNote(this.number), this.#note())
    })
  }

  #note(): Note {
    const changelogs: Record<string, PartitionNote> = {}
    for (const { topic, position, last = null } of this.#changelogs.values()) {
      const topicId = this.#options.topicIds.get(topic)
      if (position !== undefined && topicId !== undefined) changelogs[topic] = { topicId, position, last }
    }
    const completeAt = this.#completeAt?.now
    return { ...(completeAt !== undefined && { completeAt }), inputs: Object.fromEntries(this.#inputs), changelogs }
  }

  /** The time of a source, or stream time, according to the committed positions. */
  #timeOf(source: string | undefined): number {
    if (source !== undefined) return this.#inputs.get(source)?.sourceTime ?? 0
    return Math.max(0, ...[...this.#inputs.values()].map(({ streamTime }) => streamTime))
  }

  #applyPosition({ key, value }: ReceivedRecord): void {
    if (key !== null && value !== null) this.#inputs.set(key.toString('utf8'), decodePosition(value))
  }
}

type WrittenRecord = Pick<RecordToSend, 'key' | 'value'> & { readonly timestamp: number }

/** Whether reading can't continue from a task's state on the disk any more. */
export function isOutdated(
  state: LocalState,
  { task, clock, maxAgeMs }: { readonly task: number; readonly clock: StreamClock; readonly maxAgeMs: number },
): boolean {
  const completeAt = state.note<Note>(taskNote(task))?.completeAt
  return completeAt === undefined || msSince(clock, momentOf(clock, completeAt)) > maxAgeMs
}
