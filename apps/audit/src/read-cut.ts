/** Takes the cut described in cut.ts from a log, over the Kafka protocol, in the order that makes it decidable. */
import {
  type Activity,
  type AverageTransactions,
  activity,
  applicationIds,
  averageTransactions,
  type Balance,
  type BalanceHistory,
  balance,
  balanceHistory,
  type Entry,
  entry,
  headerNames,
  type PaymentRequest,
  paymentRequest,
  payReply,
  type TotalsPart,
  type TotalTransactions,
  topicNamed,
  topicNames,
  totalsPart,
  totalTransactions,
} from '@streampay/domain'
import {
  type Admin,
  type Cluster,
  type Isolation,
  OffsetOutOfRangeError,
  openAdmin,
  type ReceivedRecord,
} from '@streampay/kafka'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { AcceptedReply, Located, LogCut, Offsets } from './cut.ts'
import { UndecidableError } from './errors.ts'
import { decode, partitionsOf, readTopic } from './read-topic.ts'

/** Deletions come many seconds apart: more often than this, something else is wrong. */
const maxOvertaken = 5

export type CutOptions = {
  readonly nowMs: () => number
  /** Told before each topic is read. */
  readonly onProgress?: (text: string) => void
}

/**
 * @throws UndecidableError if records that would be compared were removed, or a group has no committed offsets
 * @throws UnreadableError if the log can't be read or holds a record that isn't of its schema
 */
export async function readLogCut(cluster: Cluster, options: CutOptions): Promise<LogCut> {
  const source = new CutSource(cluster, options)
  await source.refuseIfTruncated([topicNames.transactions, topicNames.balanceHistories])

  const stableTransactions = await source.ends(topicNames.transactions, 'read_committed')
  const appliedTransactions = await source.committed(applicationIds.payments, topicNames.transactions)
  const countedTransactions = await source.committed(applicationIds.statistics, topicNames.transactions)
  const countedRequests = await source.committed(applicationIds.statistics, topicNames.paymentRequests)
  const stableHistories = await source.ends(topicNames.balanceHistories, 'read_committed')

  const replies = acceptedReplies(await source.read(topicNames.replies))
  const activitiesFrom = await source.retainedFrom(topicNames.activities)
  const activities = await source.values<Activity>(topicNames.activities, activity)
  const pendingTotals = await source.pendingTotals()
  const totals = newest(await source.values<TotalTransactions>(topicNames.totalTransactions, totalTransactions))
  const average = newest(await source.values<AverageTransactions>(topicNames.averageTransactions, averageTransactions))
  const balances = await source.values<Balance>(topicNames.balances, balance)
  const histories = await source.values<BalanceHistory>(topicNames.balanceHistories, balanceHistory)
  const requests = await source.read(topicNames.paymentRequests)
  const transactions = await source.values<Entry>(topicNames.transactions, entry)

  return {
    partitionCount: topicNamed(topicNames.transactions).partitions,
    stableTransactions,
    appliedTransactions,
    countedTransactions,
    countedRequests,
    stableHistories,
    replies,
    activities,
    activitiesFrom,
    pendingTotals,
    totals,
    average,
    balances: new Map(balances.map((record) => [record.key, record])),
    histories,
    ...newestRequests(requests),
    transactions,
    takenAt: options.nowMs(),
  }
}

class CutSource {
  readonly #cluster: Cluster
  readonly #admin: Admin
  readonly #options: CutOptions

  constructor(cluster: Cluster, options: CutOptions) {
    this.#cluster = cluster
    this.#admin = openAdmin(cluster)
    this.#options = options
  }

  async refuseIfTruncated(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      const removed = (await this.starts(topic)).findIndex((start) => start > 0)
      if (removed === -1) continue
      throw new UndecidableError(
        `${topic}-${removed} no longer starts at offset 0: the fold of the ledger can't be made`,
      )
    }
  }

  async starts(topic: string): Promise<Offsets> {
    const partitions = partitionsOf(topic, topicNamed(topic).partitions)
    return inOrder(await this.#admin.listOffsets(partitions, 'earliest', 'read_uncommitted'))
  }

  async ends(topic: string, isolation: Isolation): Promise<Offsets> {
    const partitions = partitionsOf(topic, topicNamed(topic).partitions)
    return inOrder(await this.#admin.listOffsets(partitions, 'latest', isolation))
  }

  /** Of a partition that holds nothing, no committed offset is as good as 0. */
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

  /** Everything committed up to the present high watermark. */
  async read(topic: string, from?: Offsets): Promise<ReceivedRecord[]> {
    this.#options.onProgress?.(`reading ${topic}`)
    const starts = from ?? (await this.starts(topic))
    const ends = await this.ends(topic, 'read_uncommitted')
    return readTopic(this.#cluster, { topic, starts, ends })
  }

  async values<T>(topic: string, schema: TSchema): Promise<Located<T>[]> {
    const records = await this.read(topic)
    return records.filter((record) => record.value !== null).map((record) => decode<T>(record, schema))
  }

  /** The oldest time from which the topic is whole: 0 if nothing was removed yet. */
  async retainedFrom(topic: string): Promise<number> {
    const starts = await this.starts(topic)
    if (starts.every((start) => start === 0)) return 0
    const records = await this.read(topic)
    const firsts = starts.map(
      (_, partition) => records.find((record) => record.partition === partition)?.timestamp ?? 0,
    )
    // One millisecond later, since records of the same time may have been removed.
    return Math.max(...firsts) + 1
  }

  /** Statistics delete what they have added, so the read begins anew when that overtakes it. */
  async pendingTotals(): Promise<{ count: number; volume: number }> {
    const records = await this.#unlessOvertaken(async () => {
      const added = await this.committed(applicationIds.statistics, topicNames.totalsRepartition)
      return await this.read(topicNames.totalsRepartition, added)
    })
    const parts = records.map((record) => decode<TotalsPart>(record, totalsPart).value)
    return {
      count: parts.reduce((sum, part) => sum + part.count, 0),
      volume: parts.reduce((sum, part) => sum + part.volume, 0),
    }
  }

  async #unlessOvertaken<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read()
      } catch (error) {
        if (!(error instanceof OffsetOutOfRangeError) || attempt === maxOvertaken) throw error
      }
    }
  }
}

function inOrder(offsets: readonly { readonly partition: number; readonly offset: number }[]): number[] {
  return offsets.toSorted((left, right) => left.partition - right.partition).map(({ offset }) => offset)
}

function newest<T>(records: readonly Located<T>[]): Located<T> | undefined {
  return records.at(-1)
}

function newestRequests(records: readonly ReceivedRecord[]): Pick<LogCut, 'requests' | 'removedRequests'> {
  const requests = new Map<string, Located<PaymentRequest>>()
  const removedRequests = new Set<string>()
  for (const record of records) {
    const key = record.key?.toString('utf8') ?? ''
    if (record.value === null) {
      requests.delete(key)
      removedRequests.add(key)
    } else requests.set(key, decode<PaymentRequest>(record, paymentRequest))
  }
  return { requests, removedRequests }
}

/** Payments that were acknowledged with 200; other replies promise nothing about the ledger. */
function acceptedReplies(records: readonly ReceivedRecord[]): Located<AcceptedReply>[] {
  const accepted: Located<AcceptedReply>[] = []
  for (const record of records) {
    if (record.value === null || headerOf(record, headerNames.status) !== '200') continue
    const value: unknown = JSON.parse(record.value.toString('utf8'))
    if (!Value.Check(payReply, value)) continue
    const { topic, partition, offset, timestamp } = record
    const identity = headerOf(record, headerNames.identity) ?? ''
    accepted.push({
      topic,
      partition,
      offset,
      timestamp,
      key: record.key?.toString('utf8') ?? '',
      value: { ...value, identity },
    })
  }
  return accepted
}

function headerOf(record: ReceivedRecord, name: string): string | undefined {
  return record.headers.find(([header]) => header === name)?.[1]?.toString('utf8')
}
