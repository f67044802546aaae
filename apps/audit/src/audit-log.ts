/**
 * The audit of a log of any size. Records are read once, in the order of cut.ts, and spooled by the group that they belong to; then each
 * bucket of groups is judged alone, with the same rules as a cut in memory.
 *
 *     family     a group has                                          judged by
 *     transfer   its entries, history rows, reply, activity           verifyTransfers
 *     account    versions of its balance and of its statements, then  Accounts, Statements
 *                its rows; its opening
 *     request    its versions, the entries that pay it, activities    verifyRequests
 *     (whole)    entries, added up as they come                       verifyStatistics
 *
 * Memory: a bucket of transfers or requests at a time (about 20,000 records), the buffers of the spool, and what is kept for
 * each account of a bucket: a few figures, and its statements. Disk: 1.3 kB for a payment, in a folder that is removed at the end.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
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
  type SetAsideNote,
  type Statement,
  type StatementPerson,
  statement,
  statementPerson,
  type TotalTransactions,
  topicNames,
  totalTransactions,
} from '@streampay/domain'
import type { Cluster, ReceivedRecord } from '@streampay/kafka'
import type { Progress } from '@streampay/process'
import type { TSchema } from 'typebox'
import { acceptedReply } from './accepted-replies.ts'
import { Accounts, isOpening } from './accounts.ts'
import type { AcceptedReply, Finding, Located, Marks } from './cut.ts'
import { Findings } from './findings.ts'
import { LedgerFigures } from './ledger-figures.ts'
import { LogSource } from './log-source.ts'
import { decode } from './read-topic.ts'
import { isSettlement, verifyRequests } from './requests.ts'
import { bucketsFor, Spool } from './spool.ts'
import { Statements } from './statements.ts'
import { verifyStatistics } from './statistics.ts'
import { verifyTransfers } from './transfers.ts'

export type AuditOptions = {
  /** The folder in which a scratch folder is made for the time of the audit. */
  readonly scratch: string
  readonly nowMs: () => number
  readonly onProgress?: Progress
  /** Records in a bucket on average. Default 20,000. */
  readonly bucketRecords?: number
  /** Ends the audit with its reason; the scratch folder is removed. */
  readonly signal?: AbortSignal
}

export type Audit = {
  readonly findings: Findings
  readonly figures: LedgerFigures
  readonly accounts: number
  readonly requests: number
  readonly acknowledged: number
  /** Records that an operator has taken out of processing: none of the counts above includes them. */
  readonly setAside: readonly SetAsideNote[]
}

const kinds = {
  entry: topicNames.transactions,
  row: topicNames.balanceHistories,
  balance: topicNames.balances,
  month: topicNames.statements,
  person: topicNames.statementPeople,
  activity: topicNames.activities,
  reply: topicNames.replies,
  request: topicNames.paymentRequests,
}

/**
 * @throws UndecidableError if records that would be compared were removed, or a group has no committed offsets
 * @throws UnreadableError if the log can't be read or holds a record that isn't of its schema
 * @throws Error of the file system, for example ENOSPC, if the scratch folder can't be written
 */
export async function auditLog(cluster: Cluster, options: AuditOptions): Promise<Audit> {
  const folder = await mkdtemp(join(options.scratch, 'streampay-audit-'))
  try {
    return await new LogAudit(cluster, options, folder).run()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

class LogAudit {
  readonly #options: AuditOptions
  readonly #folder: string
  readonly #source: LogSource
  readonly #findings = new Findings()
  #accounts = 0
  #requests = 0
  #acknowledged = 0

  constructor(cluster: Cluster, options: AuditOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.#source = new LogSource(cluster, options.onProgress)
  }

  async run(): Promise<Audit> {
    const source = this.#source
    const setAside = await source.readSetAside()
    await source.refuseIfTruncated([topicNames.transactions, topicNames.balanceHistories])
    const spool = new Spool({ folder: this.#folder, buckets: await this.#bucketsNeeded(), kinds })
    const first = await source.firstMarks()

    await this.#spoolReplies(spool)
    await this.#spoolActivities(spool)
    const activitiesFrom = await source.retainedFrom(topicNames.activities)
    const pendingTotals = await source.pendingTotals()
    const totals = await this.#newest<TotalTransactions>(topicNames.totalTransactions, totalTransactions)
    const average = await this.#newest<AverageTransactions>(topicNames.averageTransactions, averageTransactions)
    await this.#spoolBalances(spool)
    await this.#spoolStatements(spool)
    await this.#spoolRows(spool)
    await this.#spoolRequests(spool)
    const figures = new LedgerFigures(first)
    await this.#spoolEntries(spool, figures)

    const marks: Marks = { ...first, activitiesFrom, pendingTotals, takenAt: this.#options.nowMs() }
    for (let bucket = 0; bucket < spool.buckets; bucket++) {
      this.#options.onProgress?.('verifying', bucket, spool.buckets)
      // Gives the event loop a turn, so that a signal to end is handled.
      await setImmediate()
      this.#options.signal?.throwIfAborted()
      this.#findings.addAll(this.#judgeTransfers(marks, spool, bucket))
      this.#findings.addAll(this.#judgeAccounts(marks, spool, bucket))
      this.#findings.addAll(this.#judgeRequests(marks, spool, bucket))
    }
    this.#findings.addAll(verifyStatistics(marks, figures, { totals, average }))
    return {
      findings: this.#findings,
      figures,
      accounts: this.#accounts,
      requests: this.#requests,
      acknowledged: this.#acknowledged,
      setAside: setAside.notes,
    }
  }

  async #bucketsNeeded(): Promise<number> {
    let records = 0
    for (const topic of Object.values(kinds)) {
      const starts = await this.#source.starts(topic)
      const ends = await this.#source.ends(topic, 'read_uncommitted')
      for (const [partition, end] of ends.entries()) records += end - (starts[partition] ?? 0)
    }
    return bucketsFor(records, this.#options.bucketRecords)
  }

  async *#records(topic: string): AsyncIterable<ReceivedRecord> {
    for await (const records of this.#source.read(topic)) {
      this.#options.signal?.throwIfAborted()
      yield* records
    }
  }

  async *#values<T>(topic: string, schema: TSchema): AsyncIterable<{ at: Located<T>; json: Buffer }> {
    for await (const record of this.#records(topic)) {
      if (record.value !== null) yield { at: decode<T>(record, schema), json: record.value }
    }
  }

  async #newest<T>(topic: string, schema: TSchema): Promise<Located<T> | undefined> {
    let newest: Located<T> | undefined
    for await (const { at } of this.#values<T>(topic, schema)) newest = at
    return newest
  }

  async #spoolReplies(spool: Spool<typeof kinds>): Promise<void> {
    for await (const record of this.#records(topicNames.replies)) {
      const reply = acceptedReply(record)
      if (reply === undefined) continue
      this.#acknowledged += 1
      const to = { family: 'transfer', group: reply.value.transferId, kind: 'reply' } as const
      spool.add(to, reply, Buffer.from(JSON.stringify(reply.value)))
    }
  }

  async #spoolActivities(spool: Spool<typeof kinds>): Promise<void> {
    for await (const { at, json } of this.#values<Activity>(topicNames.activities, activity)) {
      const family = at.value.type === 'payment' ? 'transfer' : 'request'
      spool.add({ family, group: at.value.id, kind: 'activity' }, at, json)
    }
  }

  async #spoolBalances(spool: Spool<typeof kinds>): Promise<void> {
    for await (const { at, json } of this.#values<Balance>(topicNames.balances, balance)) {
      spool.add({ family: 'account', group: at.key, kind: 'balance' }, at, json)
    }
  }

  async #spoolStatements(spool: Spool<typeof kinds>): Promise<void> {
    for await (const { at, json } of this.#values<Statement>(topicNames.statements, statement)) {
      spool.add({ family: 'account', group: at.value.account, kind: 'month' }, at, json)
    }
    for await (const { at, json } of this.#values<StatementPerson>(topicNames.statementPeople, statementPerson)) {
      spool.add({ family: 'account', group: at.value.account, kind: 'person' }, at, json)
    }
  }

  async #spoolRows(spool: Spool<typeof kinds>): Promise<void> {
    for await (const { at, json } of this.#values<BalanceHistory>(topicNames.balanceHistories, balanceHistory)) {
      spool.add({ family: 'account', group: at.value.account, kind: 'row' }, at, json)
      spool.add({ family: 'transfer', group: at.value.transferId, kind: 'row' }, at, json)
    }
  }

  async #spoolRequests(spool: Spool<typeof kinds>): Promise<void> {
    for await (const record of this.#records(topicNames.paymentRequests)) {
      const key = record.key?.toString('utf8') ?? ''
      // A record that is no request ends the audit here, where its coordinates are known.
      if (record.value !== null) decode<PaymentRequest>(record, paymentRequest)
      spool.add(
        { family: 'request', group: key, kind: 'request' },
        { ...record, key },
        record.value ?? Buffer.from('null'),
      )
    }
  }

  async #spoolEntries(spool: Spool<typeof kinds>, figures: LedgerFigures): Promise<void> {
    for await (const { at, json } of this.#values<Entry>(topicNames.transactions, entry)) {
      figures.add(at)
      spool.add({ family: 'transfer', group: at.value.transferId, kind: 'entry' }, at, json)
      if (isOpening(at)) spool.add({ family: 'account', group: at.value.account, kind: 'entry' }, at, json)
      const { requestId } = at.value
      if (requestId !== undefined && isSettlement(at)) {
        spool.add({ family: 'request', group: requestId, kind: 'entry' }, at, json)
      }
    }
  }

  *#judgeTransfers(marks: Marks, spool: Spool<typeof kinds>, bucket: number): Iterable<Finding> {
    const group = {
      transactions: [] as Located<Entry>[],
      histories: [] as Located<BalanceHistory>[],
      replies: [] as Located<AcceptedReply>[],
      activities: [] as Located<Activity>[],
    }
    for (const { kind, record } of spool.read('transfer', bucket)) {
      if (kind === 'entry') group.transactions.push(record as Located<Entry>)
      else if (kind === 'row') group.histories.push(record as Located<BalanceHistory>)
      else if (kind === 'reply') group.replies.push(record as Located<AcceptedReply>)
      else group.activities.push(record as Located<Activity>)
    }
    yield* verifyTransfers(marks, group)
  }

  *#judgeAccounts(marks: Marks, spool: Spool<typeof kinds>, bucket: number): Iterable<Finding> {
    const accounts = new Accounts(marks)
    const statements = new Statements(marks)
    for (const { kind, record } of spool.read('account', bucket)) {
      if (kind === 'balance') accounts.addBalance(record as Located<Balance>)
      else if (kind === 'month') statements.addMonth(record as Located<Statement>)
      else if (kind === 'person') statements.addPerson(record as Located<StatementPerson>)
      else if (kind === 'row') {
        yield* accounts.addRow(record as Located<BalanceHistory>)
        statements.addRow(record as Located<BalanceHistory>)
      } else yield* accounts.addEntry(record as Located<Entry>)
    }
    yield* accounts.end()
    yield* statements.end()
    this.#accounts += accounts.size
  }

  *#judgeRequests(marks: Marks, spool: Spool<typeof kinds>, bucket: number): Iterable<Finding> {
    const requests = new Map<string, Located<PaymentRequest>>()
    const removedRequests = new Set<string>()
    const transactions: Located<Entry>[] = []
    const activities: Located<Activity>[] = []
    for (const { kind, record } of spool.read('request', bucket)) {
      if (kind === 'entry') transactions.push(record as Located<Entry>)
      else if (kind === 'activity') activities.push(record as Located<Activity>)
      else if (record.value !== null) requests.set(record.key, record as Located<PaymentRequest>)
      else {
        requests.delete(record.key)
        removedRequests.add(record.key)
      }
    }
    yield* verifyRequests(marks, { requests, removedRequests, transactions, activities })
    this.#requests += requests.size
  }
}
