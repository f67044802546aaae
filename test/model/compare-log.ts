/**
 * Reads the committed transactions in the order of their decisions. The model of the bank gets the input of each, and every record that it
 * derives is compared with the log: each record once, in its place, with its value, headers and time, and no other record. And each task
 * must have processed every committed record of its inputs, once, in order.
 */
import { headerText, partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import type { StoredPartition, Transaction } from '../../packages/streams/test/support/stored-log.ts'
import type { Clients } from './clients.ts'
import { type Cluster, consumers, type Input, punctuatorOf, type TransactionRecord } from './cluster.ts'
import { LookupJudge } from './judge-lookups.ts'
import { NaiveTask } from './naive-bank.ts'
import { type Body, canonical } from './naive-bodies.ts'
import { type Event, NaiveStatements, NaiveStatistics, NaiveTotals, type Part } from './naive-statistics.ts'
import type { Consequences, Entry, Listing, Movement, PeopleList, Reply, Request, Rules } from './naive-types.ts'

type Message = Parameters<Consequences['forward']>[1]
/** What a transaction wrote, by partition, in order. */
type Written = Map<string, ReceivedRecord[]>

/** The topics whose records are compared one by one. */
const comparedTopics = [
  'transactions',
  'balance-histories',
  'payment-requests',
  'blocked-people',
  'favourite-people',
  'replies',
  'activities',
  'dead-letters',
  'streampay-payments-requests-repartition',
  'streampay-statistics-totals-repartition',
]
/** The topics whose last records of each key are compared: changelogs that are public. */
const comparedChangelogs = ['balances', 'statements', 'statement-people', 'total-transactions', 'average-transactions']
const totalsKey = 'all'
const requestsChangelog = 'streampay-payments-requests-changelog'
const problemPrefix = 'urn:streampay:problem:'

/** The punctuators of the payments topology: they delete old keys, expire requests, and delete those closed long ago. */
const requestsPunctuator = punctuatorOf(10 * 60_000)

type Unread = { readonly record: ReceivedRecord; readonly mayBeMissed: boolean }

class Mismatch extends Error {}

export type CompareOptions = {
  readonly cluster: Cluster
  readonly clients: Clients
  readonly rules: Rules
}

/** The first difference, or undefined. */
export function compareLog(options: CompareOptions): string[] {
  try {
    new LogComparison(options).run()
    return []
  } catch (error) {
    if (error instanceof Mismatch) return [error.message]
    throw error
  }
}

class LogComparison implements Consequences {
  readonly #cluster: Cluster
  readonly #judge: LookupJudge
  readonly #written: ReadonlyMap<Transaction, Written>
  readonly #tasks: readonly NaiveTask[]
  readonly #statistics: readonly NaiveStatistics[]
  readonly #statements: readonly NaiveStatements[]
  readonly #totals = new NaiveTotals()
  readonly #entries = new Map<string, Entry>()
  readonly #requests = new Map<string, Request | 'tombstone'>()
  readonly #messages = new Map<string, Message>()
  readonly #parts = new Map<string, Part>()
  readonly #movements = new Map<string, Movement>()
  /** The unprocessed inputs of each group, by group and partition. */
  readonly #unread = new Map<string, Unread[]>()
  /** The records of the present transaction that the bank has not derived yet. */
  #left: Written = new Map()
  #changelogs = new Map<string, Body>()
  #cause: ReceivedRecord | undefined
  /** The records that the bank has derived so far, and the input records without an effect, by group and place. */
  #consequences = 0
  readonly #idle = new Map<string, ReceivedRecord>()
  #record: TransactionRecord | undefined

  constructor({ cluster, clients, rules }: CompareOptions) {
    const { partitionCount } = cluster.stored
    this.#cluster = cluster
    this.#judge = new LookupJudge(clients)
    this.#written = writtenBy(cluster)
    const numbers = Array.from({ length: partitionCount }, (_, number) => number)
    this.#tasks = numbers.map((number) => new NaiveTask({ number, partitionCount, rules }))
    this.#statistics = numbers.map(() => new NaiveStatistics())
    this.#statements = numbers.map(() => new NaiveStatements())
    for (const { groupId, inputs } of consumers) {
      for (const partition of inputs.flatMap((topic) => cluster.stored.partitionsOf(topic))) {
        this.#unread.set(`${groupId} ${partition.key}`, unreadOf(partition))
      }
    }
  }

  run(): void {
    for (const record of this.#cluster.committed) this.#transaction(record)
    if (!this.#cluster.quiet()) return
    for (const [at, unread] of this.#unread) {
      const first = unread.find(({ mayBeMissed }) => !mayBeMissed)
      if (first !== undefined) throw new Mismatch(`inputs: ${at} was not consumed from ${first.record.offset} on`)
    }
  }

  #transaction(record: TransactionRecord): void {
    this.#record = record
    this.#left = this.#written.get(record.transaction) ?? new Map()
    this.#changelogs = new Map()
    if (record.app === 'payments') for (const input of record.inputs) this.#payments(input)
    else for (const task of record.tasks) this.#statisticsBatch(record.inputs.filter((at) => at.partition === task))
    this.#compareChangelogs()
    for (const [at, [first]] of this.#left) {
      if (first !== undefined) throw new Mismatch(`log: ${at}/${first.offset} does not follow: ${told(first)}`)
    }
  }

  #payments(input: Input): void {
    const task = this.#tasks[input.partition]
    if (task === undefined) throw new Mismatch(`inputs: there is no task ${input.partition}`)
    this.#cause = undefined
    if (input.topic === requestsPunctuator) task.tendRequests(input.offset, this)
    else this.#taking(input, (record) => this.#process(record, task))
  }

  #process(record: ReceivedRecord, task: NaiveTask): void {
    switch (record.topic) {
      case 'users':
        task.user(record, this)
        break
      case 'transactions':
        task.entry(record, found(this.#entries, record), this)
        break
      case 'commands':
        task.command(record, this)
        break
      default:
        task.message(record, found(this.#messages, record), this)
    }
  }

  /** The events of a task's batch, and one part of the totals for all its payments. */
  #statisticsBatch(inputs: readonly Input[]): void {
    let count = 0
    let volume = 0
    const tell = (record: ReceivedRecord) => {
      const statistics = this.#statistics[record.partition] ?? new NaiveStatistics()
      if (record.topic === 'payment-requests') {
        const request = found(this.#requests, record)
        if (request === 'tombstone') return
        for (const event of statistics.request(request)) this.#activity(event)
      } else if (record.topic === 'transactions') {
        const event = statistics.entry(found(this.#entries, record))
        if (event === undefined) return
        this.#activity(event)
        count += 1
        volume += event.amount
      } else if (record.topic === 'balance-histories') {
        this.#foldMovement(record)
      } else {
        this.#totals.add(found(this.#parts, record))
        this.#setChangelog(`total-transactions ${totalsKey}`, this.#totals.totals)
        this.#setChangelog(`average-transactions ${totalsKey}`, this.#totals.average)
      }
    }
    for (const input of inputs) this.#taking(input, tell)
    if (count === 0) return
    this.#cause = undefined
    const part = { count, volume }
    this.#parts.set(placeOf(this.#expect('streampay-statistics-totals-repartition', totalsKey, part)), part)
  }

  #foldMovement(record: ReceivedRecord): void {
    const statements = this.#statements[record.partition] ?? new NaiveStatements()
    for (const { topic, key, value } of statements.movement(found(this.#movements, record))) {
      this.#setChangelog(`${topic} ${key}`, value)
    }
  }

  /** A record without an effect may be read again, until its offset is committed. */
  #taking(input: Input, process: (record: ReceivedRecord) => void): void {
    const at = `${this.#record?.app} ${placeOf(input)}`
    const idle = this.#idle.get(at)
    const record = idle ?? this.#take(input)
    const before = this.#consequences
    this.#cause = record
    process(record)
    if (this.#consequences === before) this.#idle.set(at, record)
    else if (idle !== undefined) throw new Mismatch(`inputs: ${at} was taken again, and now it has consequences`)
  }

  #setChangelog(name: string, value: Body): void {
    this.#consequences += 1
    this.#changelogs.set(name, value)
  }

  /** The next record of an input must be this one. */
  #take({ topic, partition, offset }: Input): ReceivedRecord {
    const { app, process, transaction } = this.#record ?? {}
    const at = `streampay-${app} ${topic}/${partition}`
    const unread = this.#unread.get(at) ?? []
    // What compaction has removed by now was read by some tasks, and not by others.
    while (unread[0]?.mayBeMissed === true && unread[0].record.offset < offset) unread.shift()
    const next = unread.shift()?.record
    if (next === undefined || next.offset !== offset) {
      const wanted = next === undefined ? 'nothing more' : `record ${next.offset}`
      throw new Mismatch(
        `inputs: ${process} (${transaction?.transactionalId}) committed the processing of ${topic}/${partition}/${offset}, where ${wanted} was to come`,
      )
    }
    return next
  }

  taskOf(account: string): NaiveTask | undefined {
    const number = partitionForKey(account, this.#cluster.stored.partitionCount)
    return this.#record?.tasks.has(number) ? this.#tasks[number] : undefined
  }

  entry(entry: Entry): void {
    const record = this.#expect('transactions', entry.account, entry, { 'zilla:identity': entry.account })
    this.#entries.set(placeOf(record), entry)
  }

  history(row: Body & Movement): void {
    const record = this.#expect('balance-histories', row.account, row, { 'zilla:identity': row.account })
    this.#movements.set(placeOf(record), row)
  }

  balance(account: string, value: Body): void {
    this.#setChangelog(`balances ${account}`, value)
  }

  request(request: Request): void {
    const { id, debtor, requester, status } = request
    const headers = { 'zilla:identity': debtor, 'streampay:requester': requester, 'streampay:status': status }
    this.#requests.set(placeOf(this.#expect('payment-requests', id, request, headers)), request)
  }

  asTended(task: number): string[] {
    const changelog = this.#cluster.stored.partition({ topic: requestsChangelog, partition: task })
    const tended: string[] = []
    for (const { record, transaction } of changelog.entries) {
      if (record === undefined || transaction !== this.#record?.transaction) continue
      const value = JSON.parse(record.value?.toString() ?? 'null') as { status: string } | null
      if (value === null || value.status === 'expired') tended.push(record.key?.toString() ?? '')
    }
    return tended
  }

  badlyTended({ id, status }: Request, time: number): void {
    throw new Mismatch(`log: request ${id} is still there, and ${status}, at ${time}`)
  }

  listed(list: PeopleList, { owner, id, value }: Listing): void {
    this.#expect(list, id, value, { 'zilla:identity': owner })
  }

  delisted(list: PeopleList, { owner, id }: Listing): void {
    const record = this.#next(list, id, 'a tombstone')
    if (record.value === null && headerText(record.headers, 'zilla:identity') === owner) return
    throw new Mismatch(`log: ${placeOf(record)} is not the tombstone of ${id}`)
  }

  forgotten({ id, debtor, requester, status }: Request): void {
    const record = this.#next('payment-requests', id, 'a tombstone')
    const told = ['zilla:identity', 'streampay:requester', 'streampay:status'].map((name) =>
      headerText(record.headers, name),
    )
    if (record.value !== null || canonical(told) !== canonical([debtor, requester, status])) {
      throw new Mismatch(`log: ${placeOf(record)} is not the tombstone of ${id}`)
    }
    this.#requests.set(placeOf(record), 'tombstone')
  }

  forward(account: string, message: Message): void {
    const record = this.#next('streampay-payments-requests-repartition', account, message)
    this.#messages.set(placeOf(record), message)
  }

  deadLetter(record: ReceivedRecord): void {
    const { key, value, partition, offset, topic } = record
    const letter = this.#next('dead-letters', key?.toString() ?? '', { origin: `${topic}/${partition}/${offset}` })
    const isSame = letter.value?.toString() === value?.toString()
    if (isSame && headerText(letter.headers, 'origin') === `${topic}/${partition}/${offset}`) return
    throw new Mismatch(`log: the dead letter ${placeOf(letter)} is not that of ${placeOf(record)}`)
  }

  reply(reply: Reply): void {
    const { asker, told: expected, replayed } = reply
    const record = this.#next('replies', asker.correlationId, reply)
    const body = JSON.parse(record.value?.toString() ?? 'null') as Record<string, unknown>
    const actual = {
      status: headerText(record.headers, ':status'),
      identity: headerText(record.headers, 'streampay-identity'),
      key: headerText(record.headers, 'idempotency-key'),
      replayed: headerText(record.headers, 'idempotency-replayed') === 'true',
      mayComeLater: headerText(record.headers, 'retry-after') !== undefined,
      body: 'slug' in expected ? problemIn(body) : body,
    }
    const wanted = {
      status: String(expected.status),
      identity: asker.identity,
      key: asker.key,
      replayed,
      mayComeLater: expected.status === 429,
      body: 'slug' in expected ? problemOf(expected) : expected.body,
    }
    if (canonical(actual) === canonical(wanted)) return
    throw new Mismatch(`reply: ${placeOf(record)} says ${canonical(actual)}, not ${canonical(wanted)}`)
  }

  toldNext(correlationId: string): string | undefined {
    const partition = partitionForKey(correlationId, this.#cluster.stored.partitionCount)
    const [next] = this.#left.get(`replies/${partition}`) ?? []
    if (next === undefined || headerText(next.headers, 'zilla:correlation-id') !== correlationId) return undefined
    const { type } = JSON.parse(next.value?.toString() ?? '{}') as { type?: string }
    return type?.slice(problemPrefix.length)
  }

  restsOn(lookup: Parameters<Consequences['restsOn']>[0]): void {
    const fault = this.#judge.faultOf(lookup, this.#record)
    if (fault !== undefined) throw new Mismatch(`reply: ${fault}`)
  }

  #activity(event: Event): void {
    const { from, to } = event
    const record = this.#next('activities', from, event)
    const { fromName, toName, ...rest } = JSON.parse(record.value?.toString() ?? '{}') as Record<string, unknown>
    const areKnown = this.#judge.mayBeCalled(from, fromName) && this.#judge.mayBeCalled(to, toName)
    if (areKnown && canonical(rest) === canonical(event)) return
    throw new Mismatch(`log: ${placeOf(record)} is ${told(record)}, not the activity ${canonical(event)}`)
  }

  /** The next record that the transaction wrote for this key must have this value. */
  #expect(topic: string, key: string, value: unknown, headers: Readonly<Record<string, string>> = {}): ReceivedRecord {
    const record = this.#next(topic, key, value)
    const isSame = canonical(JSON.parse(record.value?.toString() ?? 'null')) === canonical(value)
    const differs = Object.entries(headers).find(([name, text]) => headerText(record.headers, name) !== text)
    if (isSame && differs === undefined) return record
    throw new Mismatch(`log: ${placeOf(record)} is ${told(record)}, not ${canonical(value)} ${canonical(headers)}`)
  }

  #next(topic: string, key: string, wanted: unknown): ReceivedRecord {
    this.#consequences += 1
    const partition = partitionForKey(key, this.#cluster.stored.partitionCount)
    const record = this.#left.get(`${topic}/${partition}`)?.shift()
    const cause = this.#cause === undefined ? 'a batch' : placeOf(this.#cause)
    if (record === undefined) {
      throw new Mismatch(
        `log: nothing is written to ${topic}/${partition} where ${cause} leads to ${canonical(wanted)}`,
      )
    }
    if (record.key?.toString() !== key) {
      throw new Mismatch(`log: ${placeOf(record)} is ${told(record)}, where ${cause} leads to ${canonical(wanted)}`)
    }
    // Replies get the log's own time.
    if (topic !== 'replies' && this.#cause !== undefined && record.timestamp !== this.#cause.timestamp) {
      throw new Mismatch(`log: ${placeOf(record)} has the time ${record.timestamp}, its cause ${this.#cause.timestamp}`)
    }
    return record
  }

  #compareChangelogs(): void {
    for (const topic of comparedChangelogs) {
      for (let partition = 0; partition < this.#cluster.stored.partitionCount; partition++) {
        const records = this.#left.get(`${topic}/${partition}`) ?? []
        for (const record of records) this.#compareVersion(record)
        records.length = 0
      }
    }
    const [missing] = this.#changelogs
    if (missing !== undefined)
      throw new Mismatch(`log: no version of ${missing[0]} where there must be ${canonical(missing[1])}`)
  }

  #compareVersion(record: ReceivedRecord): void {
    const name = `${record.topic} ${record.key?.toString()}`
    const wanted = this.#changelogs.get(name)
    this.#changelogs.delete(name)
    if (wanted !== undefined && canonical(JSON.parse(record.value?.toString() ?? 'null')) === canonical(wanted)) return
    throw new Mismatch(`log: ${placeOf(record)} is ${told(record)}, not ${canonical(wanted ?? 'nothing')}`)
  }
}

function writtenBy(cluster: Cluster): Map<Transaction, Written> {
  const written = new Map<Transaction, Written>()
  for (const partition of [...comparedTopics, ...comparedChangelogs].flatMap((t) => cluster.stored.partitionsOf(t))) {
    for (const { record, transaction } of partition.entries) {
      if (record === undefined || transaction?.state !== 'committed') continue
      const ofTransaction = written.get(transaction) ?? new Map<string, ReceivedRecord[]>()
      written.set(transaction, ofTransaction)
      const records = ofTransaction.get(partition.key)
      if (records === undefined) ofTransaction.set(partition.key, [record])
      else records.push(record)
    }
  }
  return written
}

function unreadOf({ entries }: StoredPartition): Unread[] {
  const unread: Unread[] = []
  for (const { record, transaction, compacted } of entries) {
    const isInput = record !== undefined && (transaction === undefined || transaction.state === 'committed')
    if (isInput) unread.push({ record, mayBeMissed: compacted === true })
  }
  return unread
}

function found<T>(known: ReadonlyMap<string, T>, record: ReceivedRecord): T {
  const value = known.get(placeOf(record))
  if (value === undefined) throw new Mismatch(`inputs: ${placeOf(record)} was read before it was written`)
  return value
}

function placeOf({ topic, partition, offset }: Input): string {
  return `${topic}/${partition}/${offset}`
}

function told({ key, value }: ReceivedRecord): string {
  return `${key?.toString()} ${value === null ? 'tombstone' : value.toString()}`
}

/** Title and detail are texts for people; all other members of a problem are compared. */
function problemIn({ title, detail, errors, ...rest }: Record<string, unknown>): Body {
  const fields = Array.isArray(errors) ? errors.map(({ field }: { field: string }) => field).sort() : undefined
  const isWorded = typeof title === 'string' && title !== '' && typeof detail === 'string' && detail !== ''
  return { ...rest, ...(fields && { fields }), ...(isWorded ? {} : { words: 'are missing' }) }
}

function problemOf(told: { status: number; slug: string; members?: Body; fields?: readonly string[] }): Body {
  const { status, slug, members, fields } = told
  return { type: `${problemPrefix}${slug}`, status, ...members, ...(fields && { fields }) }
}
