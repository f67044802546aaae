/** What the audit reads from a log: offsets, committed offsets of groups, and the present records of a topic. */
import { applicationIds, type TotalsPart, topicNamed, topicNames, totalsPart } from '@streampay/domain'
import {
  type Admin,
  type Cluster,
  type Isolation,
  OffsetOutOfRangeError,
  openAdmin,
  type ReceivedRecord,
  type TopicPartition,
} from '@streampay/kafka'
import type { Progress } from '@streampay/process'
import type { Marks, Offsets } from './cut.ts'
import { UndecidableError } from './errors.ts'
import type { Figures } from './ledger-figures.ts'
import { decode, partitionsOf, readTopic } from './read-topic.ts'
import { SetAside } from './set-aside.ts'

/** Deletions come many seconds apart: if there are more than this many, there is another fault. */
const maxOvertaken = 5

/** Retention may remove records of these while they are read: replies promise nothing, and activities are compared from a time on. */
const shrinking: ReadonlySet<string> = new Set([topicNames.replies, topicNames.activities])

/** Logs of earlier versions do not have these before the services start on them. */
const youngTopics: readonly string[] = [topicNames.setAside, topicNames.statements, topicNames.statementPeople]

export class LogSource {
  readonly #cluster: Cluster
  readonly #admin: Admin
  readonly #progress: Progress | undefined
  #setAside = new SetAside([])
  #missing: ReadonlySet<string> = new Set()

  constructor(cluster: Cluster, progress?: Progress) {
    this.#cluster = cluster
    this.#admin = openAdmin(cluster)
    this.#progress = progress
  }

  /**
   * What operators have set aside by now; from then on, reads leave it out. Empty for a log that is older than the topic of notes.
   * @throws UnreadableError
   */
  async readSetAside(): Promise<SetAside> {
    const known = await this.#admin.describeTopics(youngTopics)
    this.#missing = new Set(youngTopics.filter((name) => known.every((topic) => topic.name !== name)))
    if (!this.#missing.has(topicNames.setAside)) this.#setAside = new SetAside(await this.readAll(topicNames.setAside))
    return this.#setAside
  }

  /** Whether the record counts as not being on the log, as far as `readSetAside` has seen. */
  isSetAside(at: TopicPartition & { readonly offset: number }): boolean {
    return this.#setAside.has(at)
  }

  /** @throws UndecidableError if the ledger is not complete */
  async refuseIfTruncated(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      const removed = (await this.starts(topic)).findIndex((start) => start > 0)
      if (removed === -1) continue
      throw new UndecidableError(`${topic}-${removed} no longer starts at offset 0, so the ledger can't be folded`)
    }
  }

  /** The first half of a cut: what has to be known before any record is read. */
  async firstMarks(): Promise<Omit<Marks, 'activitiesFrom' | 'pendingTotals' | 'takenAt'>> {
    return {
      stableTransactions: await this.ends(topicNames.transactions, 'read_committed'),
      appliedTransactions: await this.committed(applicationIds.payments, topicNames.transactions),
      countedTransactions: await this.committed(applicationIds.statistics, topicNames.transactions),
      countedRequests: await this.committed(applicationIds.statistics, topicNames.paymentRequests),
      foldedHistories: await this.#folded(),
      stableHistories: await this.ends(topicNames.balanceHistories, 'read_committed'),
    }
  }

  /** Empty for a log whose statistics never made statements. */
  async #folded(): Promise<Offsets> {
    const partitions = partitionsOf(topicNames.balanceHistories, topicNamed(topicNames.balanceHistories).partitions)
    const offsets = await this.#admin.committedOffsets(applicationIds.statistics, partitions, { requireStable: true })
    return inOrder(offsets).map((offset) => Math.max(0, offset))
  }

  /** Without partitions if the log is older than the topic, as far as `readSetAside` has seen. */
  async starts(topic: string): Promise<Offsets> {
    if (this.#missing.has(topic)) return []
    const partitions = partitionsOf(topic, topicNamed(topic).partitions)
    return inOrder(await this.#admin.listOffsets(partitions, 'earliest', 'read_uncommitted'))
  }

  async ends(topic: string, isolation: Isolation): Promise<Offsets> {
    if (this.#missing.has(topic)) return []
    const partitions = partitionsOf(topic, topicNamed(topic).partitions)
    return inOrder(await this.#admin.listOffsets(partitions, 'latest', isolation))
  }

  /** In an empty partition, no committed offset means the same as 0. */
  async committed(groupId: string, topic: string): Promise<Offsets> {
    const partitions = partitionsOf(topic, topicNamed(topic).partitions)
    const offsets = inOrder(await this.#admin.committedOffsets(groupId, partitions, { requireStable: true }))
    const ends = await this.ends(topic, 'read_committed')
    return offsets.map((offset, partition) => {
      if (offset >= 0) return offset
      if ((ends[partition] ?? 0) === 0) return 0
      throw new UndecidableError(
        `group ${groupId} has no committed offset for ${topic}-${partition}: what it has applied is unknown`,
      )
    })
  }

  /** Everything committed up to the present high watermark: a fetch at a time, each partition in offset order. */
  async *read(topic: string, from?: Offsets): AsyncIterable<readonly ReceivedRecord[]> {
    const starts = from ?? (await this.starts(topic))
    const ends = await this.ends(topic, 'read_uncommitted')
    yield* readTopic(this.#cluster, {
      topic,
      starts,
      ends,
      isSetAside: (at) => this.isSetAside(at),
      mayShrink: shrinking.has(topic),
      onProgress: (done, all) => this.#progress?.(`reading ${topic}`, done, all),
    })
  }

  /** The same at once: for topics that are small. */
  async readAll(topic: string, from?: Offsets): Promise<ReceivedRecord[]> {
    const records: ReceivedRecord[] = []
    for await (const more of this.read(topic, from)) for (const record of more) records.push(record)
    return records
  }

  /**
   * The oldest time from which the topic is complete: 0 if nothing was removed yet. Called after the read, so that it includes removals
   * meanwhile.
   */
  async retainedFrom(topic: string): Promise<number> {
    const starts = await this.starts(topic)
    if (starts.every((start) => start === 0)) return 0
    // If a partition is empty, the log does not tell when its records were removed: then no record counts as missing.
    const ends = await this.ends(topic, 'read_uncommitted')
    if (starts.some((start, partition) => start > 0 && start >= (ends[partition] ?? 0))) return Number.MAX_SAFE_INTEGER
    const firsts = new Map<number, number>()
    for await (const records of this.read(topic)) {
      for (const { partition, timestamp } of records) if (!firsts.has(partition)) firsts.set(partition, timestamp)
      if (firsts.size === starts.length) break
    }
    // One millisecond later, since records of the same time may have been removed.
    return Math.max(0, ...firsts.values()) + 1
  }

  /** Statistics delete the parts that they have added, so the read begins anew when the deletion overtakes it. */
  async pendingTotals(): Promise<Figures> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pendingTotals()
      } catch (error) {
        if (!(error instanceof OffsetOutOfRangeError) || attempt === maxOvertaken) throw error
      }
    }
  }

  async #pendingTotals(): Promise<Figures> {
    const added = await this.committed(applicationIds.statistics, topicNames.totalsRepartition)
    let count = 0
    let volume = 0
    for await (const records of this.read(topicNames.totalsRepartition, added)) {
      for (const record of records) {
        const part = decode<TotalsPart>(record, totalsPart).value
        count += part.count
        volume += part.volume
      }
    }
    return { count, volume }
  }
}

function inOrder(offsets: readonly { readonly partition: number; readonly offset: number }[]): number[] {
  return offsets.toSorted((left, right) => left.partition - right.partition).map(({ offset }) => offset)
}
