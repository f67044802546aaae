/** Clients of one test, closed at its end, and helpers that many tests use on a log. */
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import {
  type Admin,
  type Cluster,
  type FetchedRecords,
  type Isolation,
  openAdmin,
  openCluster,
  openReader,
  openTransactionalProducer,
  type ReaderOptions,
  type ReceivedRecord,
  type TopicPartition,
  type TransactionalProducer,
  type TransactionalProducerOptions,
} from '../../src/index.ts'
import type { LogUnderTest } from './log-under-test.ts'

export type Clients = {
  readonly cluster: Cluster
  readonly admin: Admin
  /** A new topic of a name that no other test uses. */
  topic(partitions: number, configs?: Record<string, string>): Promise<string>
  transactional(options: TransactionalProducerOptions): Promise<TransactionalProducer>
  /**
   * Everything from the beginning to the end that the log has now. What was committed before is part of it: EndTxn is
   * answered before the markers are written (KIP-98), so transactions that are being ended are waited for.
   */
  readAll(topic: string, options?: ReaderOptions): Promise<ReceivedRecord[]>
}

export type ClientsOptions = Pick<TransactionalProducerOptions, 'transactionVersion'>

export function clientsOf(log: LogUnderTest, defaults: ClientsOptions = {}): Clients {
  const cluster = openCluster({ brokers: log.brokers, clientId: 'streampay-test' })
  onTestFinished(() => cluster.close())
  const admin = openAdmin(cluster)
  return {
    cluster,
    admin,
    async topic(partitions, configs = {}) {
      const name = uniqueName('topic')
      await admin.createTopics([{ name, partitions, configs }])
      return name
    },
    transactional: (options) => openTransactionalProducer(cluster, { ...defaults, ...options }),
    readAll: (topic, options = {}) => readAll({ cluster, admin, topic, options }),
  }
}

async function readAll(from: {
  readonly cluster: Cluster
  readonly admin: Admin
  readonly topic: string
  readonly options: ReaderOptions
}): Promise<ReceivedRecord[]> {
  const { cluster, admin, topic, options } = from
  const [description] = await admin.describeTopics([topic])
  const partitions = (description?.partitions ?? []).map(({ partition }) => ({ topic, partition }))
  // For read_committed, the end is the last stable offset: up to the high watermark, open transactions would block the
  // reader.
  const isolation: Isolation = options.isolation ?? 'read_committed'
  if (isolation === 'read_committed') await markersWritten(admin)
  const ends = await admin.listOffsets(partitions, 'latest', isolation)
  const reader = openReader(cluster, options)
  reader.assign(partitions.map((partition) => ({ ...partition, offset: 0 })))
  const records: ReceivedRecord[] = []
  const reached = () => ends.every((end) => positionOf(reader.positions(), end) >= end.offset)
  while (!reached()) for (const fetched of await reader.poll()) records.push(...fetched.records)
  await reader.close()
  return records
}

async function markersWritten(admin: Admin): Promise<void> {
  const ending = () => admin.listTransactions(['PrepareCommit', 'PrepareAbort'])
  while ((await ending()).length > 0) await sleep(10)
}

function positionOf(positions: readonly (TopicPartition & { position: number })[], of: TopicPartition): number {
  return positions.find(({ topic, partition }) => topic === of.topic && partition === of.partition)?.position ?? -1
}

export function valuesOf(records: readonly ReceivedRecord[]): string[] {
  return records.map(({ value }) => String(value))
}

export function recordsOf(fetched: readonly FetchedRecords[]): ReceivedRecord[] {
  return fetched.flatMap(({ records }) => records)
}

/** A group without members: its offsets are accepted without a generation. */
export function strayGroup(groupId: string) {
  return { groupId, generationId: -1, memberId: '', groupInstanceId: null }
}

let names = 0

/** A topic, transactional.id or group id that no other test uses. */
export function uniqueName(prefix: string): string {
  names++
  return `${prefix}-${process.pid}-${names}`
}
