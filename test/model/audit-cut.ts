/** The cut that `npm run audit` takes of a log, made of the simulated log once it is quiet: the same checks, from memory. */
import type { Located, LogCut } from '@streampay/audit'
import { headerText, type ReceivedRecord } from '@streampay/kafka'
import type { Cluster } from './cluster.ts'

type Values = {
  readonly [Name in 'replies' | 'activities' | 'totals' | 'average' | 'histories' | 'transactions']: LogCut[Name]
}

export function cutOf(cluster: Cluster): LogCut {
  const { stored } = cluster
  const read = (topic: string) => stored.committed(topic)
  const stable = (topic: string) => stored.partitionsOf(topic).map((partition) => partition.stableEnd)
  const offsets = (app: string, topic: string) =>
    stored.partitionsOf(topic).map((at) => stored.committedOffset(`streampay-${app}`, at)?.offset ?? 0)
  const values: Values = {
    replies: read('replies').flatMap(acceptedReply),
    activities: read('activities').map((record) => located(record)),
    totals: read('total-transactions')
      .map((record) => located<NonNullable<LogCut['totals']>['value']>(record))
      .at(-1),
    average: read('average-transactions')
      .map((r) => located<NonNullable<LogCut['average']>['value']>(r))
      .at(-1),
    histories: read('balance-histories').map((record) => located(record)),
    transactions: read('transactions').map((record) => located(record)),
  }
  const requests = read('payment-requests')
  return {
    partitionCount: stored.partitionCount,
    stableTransactions: stable('transactions'),
    appliedTransactions: offsets('payments', 'transactions'),
    countedTransactions: offsets('statistics', 'transactions'),
    countedRequests: offsets('statistics', 'payment-requests'),
    foldedHistories: offsets('statistics', 'balance-histories'),
    stableHistories: stable('balance-histories'),
    activitiesFrom: 0,
    pendingTotals: { count: 0, volume: 0 },
    balances: newest(read('balances')),
    statements: newest(read('statements')),
    statementPeople: newest(read('statement-people')),
    requests: newest(requests),
    removedRequests: new Set(requests.filter(isTombstone).map((record) => record.key?.toString() ?? '')),
    ...values,
    setAside: [],
    takenAt: cluster.now,
  }
}

function newest<T>(records: readonly ReceivedRecord[]): Map<string, Located<T>> {
  const versions = new Map(records.map((record) => [record.key?.toString() ?? '', record]))
  return new Map(
    [...versions].filter(([, record]) => !isTombstone(record)).map(([key, record]) => [key, located<T>(record)]),
  )
}

function isTombstone(record: ReceivedRecord): boolean {
  return record.value === null
}

function located<T>(record: ReceivedRecord): Located<T> {
  const { topic, partition, offset, timestamp, key, value } = record
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key?.toString() ?? '',
    value: JSON.parse(value?.toString() ?? 'null') as T,
  }
}

function acceptedReply(record: ReceivedRecord): LogCut['replies'][number][] {
  if (headerText(record.headers, ':status') !== '200') return []
  const reply = located<{ transferId?: string; balance?: number }>(record)
  const { transferId, balance } = reply.value
  if (transferId === undefined || balance === undefined) return []
  const identity = headerText(record.headers, 'streampay-identity') ?? ''
  return [{ ...reply, value: { transferId, balance, identity } }]
}
