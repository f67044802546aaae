/**
 * A task's state as one thing: its stores, the input positions that belong to them, and how far each changelog has been read
 * or written. It is what the changelogs say up to there, so whoever holds it may go on reading from there: the owner after
 * the next rebalance, a standby all the time, and the next process that opens the local store. Reading a record twice changes
 * nothing, since the last write wins.
 *
 *     owner     written by its transactions: a commit moves the positions behind the records that the log acknowledged
 *     standby   read, all the time
 *     either    becomes the other, by restoration to the end of the changelogs
 *     opened    from the local store: nothing of it counts until the log has the same last record (runtime/proof.ts)
 *
 * What compaction leaves out must not be missed: a tombstone is kept for `delete.retention.ms` after it came, a day by
 * default. So a replica that may lack something older than that would keep a key which is gone; it has to start over. The
 * moment at which it was complete is noted on the disk, by the clock on the wall, so that the rule holds over restarts.
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
  /** The next offset to read; undefined if nothing was read yet. */
  position: number | undefined
  /** Undefined if nothing was read, or it is not known which record was the last. */
  last: RecordWitness | undefined
  /** Opened from the disk, and not yet compared with the log. */
  isUnproven: boolean
  /** Why what is in the store does not count. */
  doubt: string | undefined
  apply(record: ReceivedRecord): void
  clear(batch: LocalBatch): void
}

type Note = {
  /** Undefined: nothing was ever complete. By the clock on the wall, in ms. */
  readonly completeAt?: number
  readonly inputs: Readonly<Record<string, Position>>
  /** By topic. */
  readonly changelogs: Readonly<Record<string, PartitionNote>>
}

export type ReplicaOptions = {
  readonly task: Task
  readonly topology: Topology
  readonly state: LocalState
  /** Of the changelogs, as the log has them now. */
  readonly topicIds: ReadonlyMap<string, string>
  readonly clock: StreamClock
  readonly setAside?: SetAsideRecords
}

/** Where reading goes on; `startsOver` says why, if what was read before counts no more. */
export type ChangelogStart = TopicPartition & { readonly offset: number; readonly startsOver: string | undefined }

export class Replica {
  readonly task: Task
  readonly #options: ReplicaOptions
  readonly #changelogs: ReadonlyMap<string, Changelog>
  readonly #inputs = new Map<string, Position>()
  readonly #setAside: SetAsideRecords
  /** All that the state lacks was still on the log at this moment, or came later. */
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

  /** By source topic, what was committed together with the stores. */
  get inputs(): ReadonlyMap<string, Position> {
    return this.#inputs
  }

  /** How many entries, in all stores, are still to be written to the disk. */
  get unflushed(): number {
    return this.task.stores.reduce((sum, store) => sum + store.unflushed, 0)
  }

  partitions(): TopicPartition[] {
    return [...this.#changelogs.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** The next offset to read; 0 if nothing was read yet. */
  positionIn(topic: string): number {
    return this.#changelogs.get(topic)?.position ?? 0
  }

  /** What was opened from the disk, and is still to be compared with the log. */
  claims(): Claim[] {
    return [...this.#changelogs.values()].flatMap(({ topic, partition, position, last, isUnproven, doubt }) =>
      isUnproven && doubt === undefined && position !== undefined && last !== undefined
        ? [{ topic, partition, position, last }]
        : [],
    )
  }

  /** The log has the record: up to its position, the changelog is what was read. */
  prove(topic: string): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog !== undefined) changelog.isUnproven = false
  }

  /** The log does not have it: the store starts over. */
  doubt(topic: string, reason: string): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog !== undefined) changelog.doubt = reason
  }

  /** Whether so much time may have passed that the log has forgotten what this replica never read. */
  isOlderThan(ms: number, clock: StreamClock): boolean {
    return this.#completeAt !== undefined && msSince(clock, this.#completeAt) > ms
  }

  /** Everything that was on the log at that moment is known. */
  confirm(at: Moment): void {
    this.#completeAt = at
    this.#isNoted = false
  }

  /**
   * Where to read on, given where the changelogs begin and end. What was not proven counts for nothing. A position that lies
   * outside of its changelog is of another log's making, or of records that are gone: that store starts over.
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
      let startsOver = isTooOld ? 'deletions may have come and gone since it was complete' : doubt
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
   * A transaction of the owner committed: what it wrote there is in the stores already.
   * @param last Of each changelog, the last record of the transaction; its offset is -1 if the log did not tell it.
   */
  wrote(last: { readonly topic: string; readonly offset: number } & WrittenRecord): void {
    const changelog = this.#changelogs.get(last.topic)
    if (changelog?.position === undefined) return
    const { offset, key, value, timestamp } = last
    this.#isNoted = false
    if (offset < changelog.position) {
      // The stores are ahead of the position: harmless while they are read on from there, but nothing that could be proven.
      changelog.last = undefined
      return
    }
    changelog.position = offset + 1
    changelog.last = witnessOf({ offset, key: bytesOnLog(key), value: bytesOnLog(value), timestamp })
  }

  /** The input positions of a transaction that committed. */
  advance(inputs: ReadonlyMap<string, Position>): void {
    for (const [topic, position] of inputs) this.#inputs.set(topic, position)
    this.#isNoted = false
  }

  /**
   * Writes to the disk what is committed and not there yet, with the note that tells how far it is.
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

  /** What is on the disk must not be believed any more. */
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
      if (noted.topicId !== topicIds.get(changelog.topic)) changelog.doubt = 'its topic was made anew'
      // Without a last record there is nothing to be proven by: as if it had not been read.
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

  /** As the committed positions tell it. */
  #timeOf(source: string | undefined): number {
    if (source !== undefined) return this.#inputs.get(source)?.sourceTime ?? 0
    return Math.max(0, ...[...this.#inputs.values()].map(({ streamTime }) => streamTime))
  }

  #applyPosition({ key, value }: ReceivedRecord): void {
    if (key !== null && value !== null) this.#inputs.set(key.toString('utf8'), decodePosition(value))
  }
}

type WrittenRecord = Pick<RecordToSend, 'key' | 'value'> & { readonly timestamp: number }

/** Whether what is on the disk of a task could not be read on any more. */
export function isOutdated(
  state: LocalState,
  { task, clock, maxAgeMs }: { readonly task: number; readonly clock: StreamClock; readonly maxAgeMs: number },
): boolean {
  const completeAt = state.note<Note>(taskNote(task))?.completeAt
  return completeAt === undefined || msSince(clock, momentOf(clock, completeAt)) > maxAgeMs
}
