/**
 * A task's state as one thing: its stores, the input positions that belong to them, and how far each changelog has been read
 * or written. It is what the changelogs say up to there, so whoever holds it may go on reading from there: the owner after
 * the next rebalance, or a standby all the time. Reading a record twice changes nothing, since the last write wins.
 *
 *     owner     written by its transactions: a commit moves the positions behind the records that the log acknowledged
 *     standby   read, all the time
 *     either    becomes the other, by restoration to the end of the changelogs
 *
 * What compaction leaves out must not be missed: a tombstone is kept for `delete.retention.ms` after it came, a day by
 * default. So a replica that may lack something older than that would keep a key which is gone; it has to start over.
 */
import type { FetchedRecords, ReceivedRecord, TopicPartition } from '@streampay/kafka'
import { StreamsError } from './errors.ts'
import { positionsChangelog } from './names.ts'
import { decodePosition, type Position } from './positions.ts'
import { type Moment, moment, msSince, type StreamClock } from './stream-clock.ts'
import { keyOf } from './stream-log.ts'
import type { Task } from './task.ts'
import type { Topology } from './topology.ts'

type Changelog = TopicPartition & {
  /** The next offset to read; undefined if nothing was read yet. */
  position: number | undefined
  apply(record: ReceivedRecord): void
  clear(): void
}

/** Where reading goes on; `startsOver` if what was read before counts no more. */
export type ChangelogStart = TopicPartition & { readonly offset: number; readonly startsOver: boolean }

export class Replica {
  readonly task: Task
  readonly #changelogs: ReadonlyMap<string, Changelog>
  readonly #inputs = new Map<string, Position>()
  /** All that the state lacks was still on the log at this moment, or came later. */
  #completeAt: Moment | undefined

  constructor(task: Task, topology: Topology) {
    this.task = task
    const partition = task.number
    const positions: Changelog = {
      topic: positionsChangelog(topology.applicationId),
      partition,
      position: undefined,
      apply: (record) => this.#applyPosition(record),
      clear: () => this.#inputs.clear(),
    }
    const changelogs = topology.stores.map(({ name }): Changelog => {
      const store = task.store(name)
      return {
        topic: store.changelog,
        partition,
        position: undefined,
        apply: ({ key, value }) => {
          if (key !== null) store.restore(key.toString('utf8'), value)
        },
        clear: () => store.clear(),
      }
    })
    this.#changelogs = new Map([positions, ...changelogs].map((changelog) => [changelog.topic, changelog]))
  }

  get number(): number {
    return this.task.number
  }

  /** By source topic, what was committed together with the stores. */
  get inputs(): ReadonlyMap<string, Position> {
    return this.#inputs
  }

  partitions(): TopicPartition[] {
    return [...this.#changelogs.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** The next offset to read; 0 if nothing was read yet. */
  positionIn(topic: string): number {
    return this.#changelogs.get(topic)?.position ?? 0
  }

  /** Whether so much time may have passed that the log has forgotten what this replica never read. */
  isOlderThan(ms: number, clock: StreamClock): boolean {
    return this.#completeAt !== undefined && msSince(clock, this.#completeAt) > ms
  }

  /** Everything that was on the log at that moment is known. */
  confirm(at: Moment): void {
    this.#completeAt = at
  }

  /**
   * Where to read on, given where the changelogs begin and end. A position that lies outside of its changelog is of another
   * log's making, or of records that are gone: that store starts over.
   */
  resume(bounds: {
    readonly starts: ReadonlyMap<string, number>
    readonly ends: ReadonlyMap<string, number>
    readonly maxAgeMs: number
    readonly clock: StreamClock
  }): ChangelogStart[] {
    const isTooOld = this.isOlderThan(bounds.maxAgeMs, bounds.clock)
    if (isTooOld || this.#completeAt === undefined) this.#completeAt = moment(bounds.clock)
    return [...this.#changelogs.values()].map((changelog) => {
      const { topic, partition, position } = changelog
      const start = bounds.starts.get(keyOf(changelog)) ?? 0
      const end = bounds.ends.get(keyOf(changelog)) ?? start
      const reads = position !== undefined && !isTooOld && position >= start && position <= end
      if (!reads) {
        changelog.clear()
        changelog.position = start
      }
      return { topic, partition, offset: reads ? position : start, startsOver: !reads && position !== undefined }
    })
  }

  /** @throws StreamsError STREAMS_CHANGELOG_CORRUPT */
  apply({ topic, records, position }: FetchedRecords): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog === undefined) return
    for (const record of records) {
      try {
        changelog.apply(record)
      } catch (error) {
        const message = `The changelog record at ${keyOf(record)}/${record.offset} cannot be decoded.`
        throw new StreamsError('STREAMS_CHANGELOG_CORRUPT', message, error)
      }
    }
    changelog.position = position
  }

  /** A transaction of the owner committed: what it wrote there is in the stores already. */
  wrote({ topic, offset }: { readonly topic: string; readonly offset: number }): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog?.position !== undefined && changelog.position <= offset) changelog.position = offset + 1
  }

  /** The input positions of a transaction that committed. */
  advance(inputs: ReadonlyMap<string, Position>): void {
    for (const [topic, position] of inputs) this.#inputs.set(topic, position)
  }

  #applyPosition({ key, value }: ReceivedRecord): void {
    if (key !== null && value !== null) this.#inputs.set(key.toString('utf8'), decodePosition(value))
  }
}
