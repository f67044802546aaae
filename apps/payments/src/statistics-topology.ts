/**
 * The statistics topology. It only reads the records of the payments topology, so it can run in a process of its own.
 *
 *     transactions ────► a payment's activity ─────────────────────────────► activities
 *                        and, once for a batch, its part of the totals ────► totals-repartition
 *     payment-requests ► activities of asking, declining, cancelling ──────► activities
 *     balance-histories ► a movement counts to its month and person ────────► statements, statement-people
 *     totals-repartition ► the one task of the key adds up ────────────────► total-transactions, average-transactions
 *
 * A payment is counted, and its activity written, from the payer's entry alone: never two events for one transfer (INV-7). Private
 * payments are not counted and have no activity (INV-6).
 */
import {
  type Activity,
  type AverageTransactions,
  addUpToLimit,
  applicationIds,
  averageTransactions,
  entry,
  isPrivate,
  meanOf,
  paymentRequest,
  type TotalsPart,
  type TotalTransactions,
  topicNames,
  totalsKey,
  totalsPart,
  totalTransactions,
} from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { BatchContext, ProcessorContext, StoreDefinition, Topology } from '@streampay/streams'
import { userNamed, userTable } from './directory.ts'
import { jsonHeaders, jsonSerde, textSerde } from './serdes.ts'
import { activitySink, totalsSink } from './sinks.ts'
import { foldMovement, statementPersonStore, statementStore } from './statements.ts'

/**
 * Stores whose changelogs are the public topics: both are written in the transaction that read the parts, once for each
 * batch at any number of counted payments.
 */
const totalStore: StoreDefinition<TotalTransactions> = {
  name: 'totals',
  changelog: topicNames.totalTransactions,
  value: jsonSerde(totalTransactions),
  headers: () => jsonHeaders,
}
const averageStore: StoreDefinition<AverageTransactions> = {
  name: 'averages',
  changelog: topicNames.averageTransactions,
  value: jsonSerde(averageTransactions),
  headers: () => jsonHeaders,
}

/**
 * Open requests whose activity was written. Compaction may remove the open version of a request before it is read; the
 * activity of asking is then written at the closed version, and this store knows whether it already was.
 */
const announcedStore: StoreDefinition<string> = { name: 'announced', value: textSerde }

/** No client waits for statistics, so one transaction, and one change of the totals, covers all payments of a tenth of a second. */
export const statisticsCommitIntervalMs = 100

export function statisticsTopology(): Topology {
  return {
    applicationId: applicationIds.statistics,
    sources: [
      { topic: topicNames.totalsRepartition, priority: 0, internal: true, onError: 'stop', process: addUp },
      { topic: topicNames.paymentRequests, priority: 1, onError: 'stop', process: tellOfRequest },
      { topic: topicNames.transactions, priority: 2, onError: 'stop', process: countPayment },
      // Last, so that on an old log the present records are processed before the statements of the past.
      { topic: topicNames.balanceHistories, priority: 3, onError: 'stop', process: foldMovement },
    ],
    stores: [totalStore, averageStore, announcedStore, statementStore, statementPersonStore],
    tables: [userTable],
    sinks: [activitySink, totalsSink],
    setAsideTopic: topicNames.setAside,
    endOfBatch: forwardPart,
  }
}

const entrySerde = jsonSerde(entry)
const requestSerde = jsonSerde(paymentRequest)
const partSerde = jsonSerde(totalsPart)

function countPayment(record: ReceivedRecord, context: ProcessorContext): undefined {
  const read = entrySerde.decode(bytesOf(record))
  const { kind, amount, transferId, account, counterparty, at } = read
  if (kind !== 'payment' || amount >= 0 || isPrivate(read)) return undefined
  tell(context, { id: transferId, type: 'payment', from: account, to: counterparty, amount: -amount, at })
  const gathered = context.scratch<TotalsPart>()
  const { count, volume } = gathered.get(totalsKey) ?? { count: 0, volume: 0 }
  gathered.set(totalsKey, { count: count + 1, volume: addUpToLimit(volume, -amount) })
  return undefined
}

/** One part for a task and batch, at any number of payments: one partition adds up the parts of all tasks. */
function forwardPart(context: BatchContext): void {
  const part = context.scratch<TotalsPart>().get(totalsKey)
  if (part === undefined) return
  context.send(totalsSink, { key: totalsKey, value: part, headers: jsonHeaders })
}

/** Beyond 2^53 - 1 cents the volume does not change any more; the count does. */
function addUp(record: ReceivedRecord, context: ProcessorContext): undefined {
  const part = partSerde.decode(bytesOf(record))
  const totals = context.store<TotalTransactions>(totalStore.name)
  const before = totals.get(totalsKey) ?? { count: 0, volume: 0 }
  const after = { count: before.count + part.count, volume: addUpToLimit(before.volume, part.volume) }
  totals.set(totalsKey, after)
  const averages = context.store<AverageTransactions>(averageStore.name)
  averages.set(totalsKey, { count: after.count, mean: meanOf(after) })
  return undefined
}

function tellOfRequest(record: ReceivedRecord, context: ProcessorContext): undefined {
  const announced = context.store<string>(announcedStore.name)
  if (record.value === null) {
    // The tombstone of a request whose closed version was removed before it was read.
    announced.delete(record.key?.toString('utf8') ?? '')
    return undefined
  }
  const request = requestSerde.decode(record.value)
  if (isPrivate(request)) return undefined
  const { id, requester, debtor, amount, status, createdAt, closedAt } = request
  if (announced.get(id) === undefined) {
    tell(context, { id, type: 'request', from: requester, to: debtor, amount, at: createdAt })
  }
  if (status === 'open') {
    // Open again after a reminder: its activity is already written.
    if (announced.get(id) === undefined) announced.set(id, 'request')
    return undefined
  }
  // A closed request has no further versions, so the store can drop it.
  announced.delete(id)
  const at = closedAt ?? createdAt
  if (status === 'declined') tell(context, { id, type: 'decline', from: debtor, to: requester, amount, at })
  if (status === 'cancelled') tell(context, { id, type: 'cancel', from: requester, to: debtor, amount, at })
  return undefined
}

/** The present names; a person who is not in the directory is shown by id. */
function tell(context: ProcessorContext, event: Omit<Activity, 'fromName' | 'toName'>): void {
  const { id, type, from, to, amount, at } = event
  const activity: Activity = {
    id,
    type,
    from,
    fromName: userNamed(context, from)?.name ?? from,
    to,
    toName: userNamed(context, to)?.name ?? to,
    amount,
    at,
  }
  context.send(activitySink, { key: from, value: activity, headers: jsonHeaders })
}

function bytesOf(record: ReceivedRecord): Buffer {
  if (record.value === null) throw new Error('there is no value')
  return record.value
}
