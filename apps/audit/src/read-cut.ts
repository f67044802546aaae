/** Takes the cut described in cut.ts from a log, over the Kafka protocol, in the order that makes it decidable: all of it in memory. */
import {
  type Activity,
  type AverageTransactions,
  activity,
  averageTransactions,
  type Balance,
  type BalanceHistory,
  balance,
  balanceHistory,
  type Entry,
  entry,
  type PaymentRequest,
  paymentRequest,
  type Statement,
  type StatementPerson,
  statement,
  statementPerson,
  type TotalTransactions,
  topicNamed,
  topicNames,
  totalTransactions,
} from '@streampay/domain'
import type { Cluster, ReceivedRecord } from '@streampay/kafka'
import type { TSchema } from 'typebox'
import { acceptedReply } from './accepted-replies.ts'
import type { Located, LogCut } from './cut.ts'
import { LogSource } from './log-source.ts'
import { decode } from './read-topic.ts'

/**
 * @throws UndecidableError if records that would be compared were removed, or a group has no committed offsets
 * @throws UnreadableError if the log can't be read or holds a record that isn't of its schema
 */
export async function readLogCut(cluster: Cluster, { nowMs }: { readonly nowMs: () => number }): Promise<LogCut> {
  const source = new LogSource(cluster)
  const setAside = await source.readSetAside()
  await source.refuseIfTruncated([topicNames.transactions, topicNames.balanceHistories])
  const marks = await source.firstMarks()
  const values = async <T>(topic: string, schema: TSchema) =>
    (await source.readAll(topic)).filter(({ value }) => value !== null).map((record) => decode<T>(record, schema))

  const replies = await source.readAll(topicNames.replies)
  const activities = await values<Activity>(topicNames.activities, activity)
  const activitiesFrom = await source.retainedFrom(topicNames.activities)
  const pendingTotals = await source.pendingTotals()
  const totals = (await values<TotalTransactions>(topicNames.totalTransactions, totalTransactions)).at(-1)
  const average = (await values<AverageTransactions>(topicNames.averageTransactions, averageTransactions)).at(-1)
  const balances = await values<Balance>(topicNames.balances, balance)
  const statements = await values<Statement>(topicNames.statements, statement)
  const statementPeople = await values<StatementPerson>(topicNames.statementPeople, statementPerson)
  const histories = await values<BalanceHistory>(topicNames.balanceHistories, balanceHistory)
  const requests = await source.readAll(topicNames.paymentRequests)
  const transactions = await values<Entry>(topicNames.transactions, entry)

  return {
    ...marks,
    partitionCount: topicNamed(topicNames.transactions).partitions,
    replies: replies.map(acceptedReply).filter((reply) => reply !== undefined),
    activities,
    activitiesFrom,
    pendingTotals,
    totals,
    average,
    balances: newestOf(balances),
    statements: newestOf(statements),
    statementPeople: newestOf(statementPeople),
    histories,
    ...newestRequests(requests),
    transactions,
    setAside: setAside.notes,
    takenAt: nowMs(),
  }
}

function newestOf<T>(records: readonly Located<T>[]): Map<string, Located<T>> {
  return new Map(records.map((record) => [record.key, record]))
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
