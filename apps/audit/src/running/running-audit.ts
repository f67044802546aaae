/**
 * The audit while the services run: from a moment on, every record of a live log is judged once, by the rules of the whole audit, within
 * what is new since the last look. It reads as any client does, keeps only what is undecided, and starts at once on a log of any length.
 *
 *     marks ──► commands, dead letters ──► replies, activities, totals, statements ──► balances ──► rows, requests ──► entries ──► judge
 *
 * The order is that of a cut (cut.ts). Faults before its start are not found: that is the task of the whole audit.
 */
import {
  type Activity,
  type AverageTransactions,
  activity,
  applicationIds,
  averageTransactions,
  type Balance,
  type BalanceHistory,
  type Books,
  balance,
  balanceHistory,
  type Entry,
  entry,
  headerNames,
  type PaymentRequest,
  paymentRequest,
  type Statement,
  statement,
  type TotalTransactions,
  topicNames,
  totalTransactions,
} from '@streampay/domain'
import { type Cluster, headerText, type ReceivedRecord } from '@streampay/kafka'
import type { TSchema } from 'typebox'
import { acceptedReply } from '../accepted-replies.ts'
import type { Finding, Located, Marks } from '../cut.ts'
import { Findings } from '../findings.ts'
import { LogSource } from '../log-source.ts'
import { decode } from '../read-topic.ts'
import { verifyAverage } from '../statistics.ts'
import { Beginning, type WatchedTopic, watched } from './beginning.ts'
import { CommandWatch } from './command-watch.ts'
import { RequestGroups } from './request-groups.ts'
import { RunningAccounts } from './running-accounts.ts'
import { StatementProgress } from './statement-progress.ts'
import { Tail } from './tail.ts'
import { TotalsCheck } from './totals-check.ts'
import { TransferGroups } from './transfer-groups.ts'

export class RunningAudit {
  readonly #source: LogSource
  readonly #beginning: Beginning
  readonly #tails: ReadonlyMap<WatchedTopic, Tail>
  readonly #nowMs: () => number
  readonly #findings = new Findings()
  readonly #transfers = new TransferGroups()
  readonly #requests = new RequestGroups()
  readonly #accounts = new RunningAccounts()
  readonly #statements = new StatementProgress()
  readonly #commands = new CommandWatch()
  readonly #totals: TotalsCheck
  #isBroken = false
  #newestTotals: Located<TotalTransactions> | undefined
  #newestAverage: Located<AverageTransactions> | undefined

  private constructor({ source, cluster, beginning, nowMs }: Parts) {
    this.#source = source
    this.#beginning = beginning
    this.#nowMs = nowMs
    this.#tails = new Map(
      watched.map((topic) => [topic, new Tail({ cluster, source }, topic, beginning.positions.get(topic) ?? [])]),
    )
    this.#totals = new TotalsCheck(beginning.positions.get(topicNames.transactions) ?? [])
  }

  /** @throws UndecidableError if a topic is missing, or payments have never committed an offset; UnreadableError, KafkaError */
  static async begin(cluster: Cluster, nowMs: () => number): Promise<RunningAudit> {
    const source = new LogSource(cluster)
    await source.readSetAside()
    return new RunningAudit({ source, cluster, nowMs, beginning: await Beginning.at(source, nowMs()) })
  }

  /** A record could not be judged because of its content: later ones can't be compared any more, and another audit has to begin. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Judges all that is new. @throws UnreadableError, KafkaError: then the next look begins where this one began */
  async look(): Promise<Books> {
    const startedAt = this.#nowMs()
    // Each time, since what stops a look may be set aside then.
    await this.#source.readSetAside()
    const processed = await this.#source.committed(applicationIds.payments, topicNames.commands)
    const first = await this.#source.firstMarks()
    const pendingTotals = await this.#source.pendingTotals()
    const records = new Map<WatchedTopic, readonly ReceivedRecord[]>()
    for (const topic of watched) records.set(topic, (await this.#tails.get(topic)?.read()) ?? [])
    // Judged records are younger than any retention.
    const marks: Marks = { ...first, pendingTotals, activitiesFrom: 0, takenAt: startedAt }
    for (const tail of this.#tails.values()) tail.keep()
    this.#isBroken = true
    this.#findings.addAll(this.#take((topic) => records.get(topic) ?? []))
    this.#isBroken = false
    const isCaughtUp = [...this.#tails.values()].every(({ isAtEnd }) => isAtEnd)
    if (isCaughtUp) this.#findings.addAll(this.#judge(marks, processed))
    return this.#books({ startedAt, isCaughtUp })
  }

  *#take(of: (topic: WatchedTopic) => readonly ReceivedRecord[]): Iterable<Finding> {
    for (const record of of(topicNames.commands)) yield* this.#commands.addCommand(record)
    for (const record of of(topicNames.deadLetters)) {
      this.#commands.addDeadLetter(headerText(record.headers, headerNames.correlationId) ?? '')
    }
    for (const record of of(topicNames.replies)) yield* this.#takeReply(record)
    for (const at of valuesOf<Activity>(of(topicNames.activities), activity)) this.#takeActivity(at)
    for (const at of valuesOf<TotalTransactions>(of(topicNames.totalTransactions), totalTransactions)) {
      this.#newestTotals = at
    }
    for (const at of valuesOf<AverageTransactions>(of(topicNames.averageTransactions), averageTransactions)) {
      this.#newestAverage = at
    }
    for (const at of valuesOf<BalanceHistory>(of(topicNames.balanceHistories), balanceHistory)) {
      yield* this.#accounts.addRow(at)
      this.#statements.addRow(at)
      if (this.#beginning.covers(at.value.transferId)) this.#transfers.addRow(at)
    }
    yield* this.#accounts.compare(valuesOf<Balance>(of(topicNames.balances), balance))
    const statements = [...valuesOf<Statement>(of(topicNames.statements), statement)]
    for (const at of statements) this.#statements.addStatement(at)
    yield* this.#accounts.compareStatements(statements)
    for (const record of of(topicNames.paymentRequests)) yield* this.#takeRequest(record)
    for (const at of valuesOf<Entry>(of(topicNames.transactions), entry)) yield* this.#takeEntry(at)
  }

  *#takeReply(record: ReceivedRecord): Iterable<Finding> {
    yield* this.#commands.addReply(record)
    const reply = acceptedReply(record)
    if (reply !== undefined && this.#beginning.covers(reply.value.transferId)) yield* this.#transfers.addReply(reply)
  }

  #takeActivity(at: Located<Activity>): void {
    if (!this.#beginning.covers(at.value.id)) return
    if (at.value.type === 'payment') this.#transfers.addActivity(at)
    else this.#requests.addActivity(at)
  }

  *#takeRequest(record: ReceivedRecord): Iterable<Finding> {
    const id = record.key?.toString('utf8') ?? ''
    if (!this.#beginning.covers(id)) return
    yield* this.#requests.addVersion(
      id,
      record.value === null ? undefined : decode<PaymentRequest>(record, paymentRequest),
    )
  }

  *#takeEntry(at: Located<Entry>): Iterable<Finding> {
    this.#totals.add(at)
    if (!this.#beginning.covers(at.value.transferId)) return
    this.#transfers.addEntry(at)
    if (this.#beginning.covers(at.value.requestId ?? '')) yield* this.#requests.addEntry(at)
  }

  *#judge(marks: Marks, processed: readonly number[]): Iterable<Finding> {
    yield* this.#commands.judge(processed)
    yield* this.#transfers.judge(marks)
    yield* this.#requests.judge(marks)
    yield* this.#totals.judge(marks, this.#newestTotals)
    yield* this.#statements.judge(marks)
    yield* verifyAverage({ totals: this.#newestTotals, average: this.#newestAverage })
    // Reported once.
    this.#newestAverage = undefined
  }

  #books({ startedAt, isCaughtUp }: { readonly startedAt: number; readonly isCaughtUp: boolean }): Books {
    const checkedAt = this.#nowMs()
    const count = (invariant: Finding['invariant']) => this.#findings.countOf(invariant)
    return {
      since: this.#beginning.at,
      checkedAt,
      tookMs: checkedAt - startedAt,
      isCaughtUp,
      transfers: this.#transfers.judged,
      requests: this.#requests.judged,
      open: this.#transfers.open,
      waiting: this.#commands.waiting,
      lost: this.#commands.lost,
      doubled: this.#commands.doubled,
      violations: {
        'INV-1': count('INV-1'),
        'INV-2': count('INV-2'),
        'INV-3': count('INV-3'),
        'INV-4': count('INV-4'),
        'INV-5': count('INV-5'),
        'INV-7': count('INV-7'),
      },
      findings: this.#findings.kept,
    }
  }
}

type Parts = {
  readonly source: LogSource
  readonly cluster: Cluster
  readonly beginning: Beginning
  readonly nowMs: () => number
}

function* valuesOf<T>(records: readonly ReceivedRecord[], schema: TSchema): Iterable<Located<T>> {
  for (const record of records) if (record.value !== null) yield decode<T>(record, schema)
}
