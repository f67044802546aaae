/**
 * All clients, with the gateway between them and the log: a call is invoked, its record is written some time later, and it is answered at
 * the moment when a read_committed reader can see its reply. No gateway could answer earlier, so the checks of answers use the strictest
 * order of time.
 */
import { headerText, keyOf, partitionForKey, type ReceivedRecord, type RecordToSend } from '@streampay/kafka'
import type { Cluster, Moment } from './cluster.ts'
import type { Broken, CommandItem, FaultItem, Item, ProfileItem } from './history.ts'
import { hasPath } from './naive-bodies.ts'
import type { Actor } from './scheduler.ts'

/** The answer to a client. */
export type Answer = {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly replayed: boolean
  /** When the client got it, in steps of the scheduler. */
  readonly at: number
  readonly record: ReceivedRecord
}

export type Call = {
  readonly item: CommandItem
  readonly correlationId: string
  /** The payment request that it names, in the body or in the path. */
  readonly requestId: string | undefined
  readonly body: Readonly<Record<string, unknown>>
  /** In steps of the scheduler. */
  readonly invokedAt: number
  /** How often the log's clock had been set forward when the command was first written. */
  era: number
  /** The coordinates of the records. */
  readonly written: ReceivedRecord[]
  /** The client gets the first one; a command that was written twice is answered twice. */
  readonly answers: Answer[]
  answeredAt: number | undefined
  /** The era of the last answer. */
  answeredIn: number
}

export type ProfileCall = {
  readonly item: ProfileItem
  readonly invokedAt: number
  written: ReceivedRecord | undefined
  writtenAt: number | undefined
}

/** A client without an answer after this time continues without it. */
const patienceMs = 10_000

export class Clients {
  readonly calls: Call[] = []
  readonly profiles: ProfileCall[] = []
  /** How often the log's clock was set forward. */
  era = 0
  readonly #cluster: Cluster
  readonly #actor: Actor
  readonly #maxOutstanding: number
  readonly #byCorrelation = new Map<string, Call>()
  readonly #byNumber = new Map<number, Call>()
  readonly #read = new Map<string, number>()
  readonly #writtenAt = new Map<string, Moment>()
  /** Unanswered calls, with the time at which the client stops waiting. */
  readonly #awaited = new Map<Call, number>()
  #unwritten = 0
  #invoking = false

  constructor(cluster: Cluster, { maxOutstanding }: { readonly maxOutstanding: number }) {
    this.#cluster = cluster
    this.#maxOutstanding = maxOutstanding
    this.#actor = cluster.scheduler.actor('clients')
    const replies = new Map(cluster.stored.partitionsOf('replies').map((partition) => [partition.key, partition]))
    cluster.onMarked = (key) => {
      const partition = replies.get(key)
      if (partition !== undefined) this.#readReplies(partition)
    }
  }

  /** Whether all commands have been written. */
  get idle(): boolean {
    return !this.#invoking && this.#unwritten === 0
  }

  /**
   * Runs the items in order. @param onFault called for each fault when its turn comes; returns how long the clients pause after it, in ms
   */
  go(items: readonly Item[], onFault: (item: FaultItem) => number): void {
    this.#invoking = true
    const left = [...items]
    const next = (silentMs: number) => {
      const item = left.shift()
      if (item === undefined) {
        this.#invoking = false
        return
      }
      if (item.kind === 'fault' && !waitsForAll(item)) {
        next(silentMs + onFault(item))
        return
      }
      this.#cluster.scheduler.park({
        actor: this.#actor,
        name: 'invoke',
        ready: () => this.#mayInvoke(item),
        notBefore: this.#cluster.scheduler.elapsed + silentMs,
        dueAt: this.#cluster.scheduler.elapsed + silentMs + patienceMs,
        run: () => {
          if (item.kind === 'command') this.#invoke(item)
          else if (item.kind === 'profile') this.#writeProfile(item)
          next(item.kind === 'fault' ? onFault(item) : 0)
          return false
        },
      })
    }
    next(0)
  }

  /** When a record of these clients was written. */
  writtenAt(record: ReceivedRecord): Moment {
    return this.#writtenAt.get(`${keyOf(record)}/${record.offset}`) ?? { atStep: 0, elapsed: 0 }
  }

  #mayInvoke(item: Item): boolean {
    const { elapsed } = this.#cluster.scheduler
    for (const [call, until] of this.#awaited) if (elapsed >= until) this.#awaited.delete(call)
    if (item.kind === 'fault') return this.#awaited.size === 0
    if (this.#awaited.size >= this.#maxOutstanding) return false
    if (item.kind === 'profile' || item.after === 'nobody') return true
    if (item.after === 'everybody') return this.#awaited.size === 0
    for (const call of this.#awaited.keys()) if (call.item.by === item.by) return false
    return true
  }

  #invoke(item: CommandItem): void {
    const requestId = item.request === undefined ? undefined : this.#requestIdOf(item.request)
    const call: Call = {
      item,
      correlationId: `c${item.number}`,
      requestId,
      body: bodyOf(item, requestId),
      invokedAt: this.#cluster.scheduler.steps,
      era: this.era,
      written: [],
      answers: [],
      answeredAt: undefined,
      answeredIn: this.era,
    }
    this.calls.push(call)
    this.#byCorrelation.set(call.correlationId, call)
    this.#byNumber.set(item.number, call)
    if (item.broken !== 'unknown-reply-topic') {
      this.#awaited.set(call, this.#cluster.scheduler.elapsed + patienceMs)
    }
    const record = commandRecord(call, this.#cluster.stored.partitionCount)
    for (let i = 0; i < (item.twice === true ? 2 : 1); i++) {
      this.#write(record, (written) => {
        if (call.written.length === 0) call.era = this.era
        call.written.push(written)
      })
    }
  }

  #writeProfile(item: ProfileItem): void {
    const profile: ProfileCall = {
      item,
      invokedAt: this.#cluster.scheduler.steps,
      written: undefined,
      writtenAt: undefined,
    }
    this.profiles.push(profile)
    this.#write(profileRecord(item, this.#cluster.stored.partitionCount), (written) => {
      profile.written = written
      profile.writtenAt = this.#cluster.scheduler.steps
    })
  }

  #write(record: RecordToSend, done: (written: ReceivedRecord) => void): void {
    this.#unwritten++
    const { scheduler, stored } = this.#cluster
    const run = () => {
      this.#unwritten--
      const written = stored.append(record)
      this.#writtenAt.set(`${keyOf(written)}/${written.offset}`, this.#cluster.moment)
      scheduler.note(this.#actor, `${keyOf(written)}/${written.offset} is written`)
      done(written)
      return false
    }
    scheduler.park({ actor: this.#actor, name: 'write', run })
  }

  /** Known from the reply, or guessed: ids follow from the coordinates of the command. */
  #requestIdOf(number: number): string {
    const [first] = this.#byNumber.get(number)?.written ?? []
    return first === undefined ? 'r0-999999' : `r${first.partition}-${first.offset}`
  }

  #readReplies({ topic, partition, key }: { topic: string; partition: number; key: string }): void {
    const { stored, scheduler } = this.#cluster
    const fetched = stored.fetch({ topic, partition }, this.#read.get(key) ?? 0)
    this.#read.set(key, fetched.position)
    for (const record of fetched.records) {
      const call = this.#byCorrelation.get(headerText(record.headers, 'zilla:correlation-id') ?? '')
      if (call === undefined) continue
      call.answers.push({
        status: Number(headerText(record.headers, ':status')),
        body: JSON.parse(record.value?.toString() ?? 'null') as Record<string, unknown>,
        replayed: headerText(record.headers, 'idempotency-replayed') === 'true',
        at: scheduler.steps,
        record,
      })
      call.answeredIn = this.era
      this.#awaited.delete(call)
      if (call.answeredAt !== undefined) continue
      call.answeredAt = scheduler.steps
      scheduler.note(this.#actor, `#${call.item.number} is answered: ${call.answers[0]?.status}`)
    }
  }
}

function waitsForAll({ fault }: FaultItem): boolean {
  return fault.kind === 'time-passes' && fault.quiet
}

/** Members in one of two orders, since the same body may be serialized differently. */
function bodyOf(item: CommandItem, requestId: string | undefined): Record<string, unknown> {
  const { model, to, amount, notes, visibility, extra, number } = item
  const extraMember = extra === true ? { tip: 5 } : {}
  if (hasPath(model)) return extraMember
  const entries: [string, unknown][] = [
    ['userId', to],
    ['amount', amount],
    ['notes', notes],
    ['requestId', requestId],
    ['visibility', visibility],
    ...Object.entries(extraMember),
  ]
  const present = entries.filter(([, value]) => value !== undefined)
  return Object.fromEntries(number % 2 === 0 ? present : present.reverse())
}

function commandRecord({ item, correlationId, requestId, body }: Call, partitionCount: number): RecordToSend {
  const { broken, model } = item
  const identity = identityOf(item)
  const headers: Record<string, string> = {
    'zilla:domain-model': broken === 'unknown-model' ? 'StealCommand' : model,
    'zilla:identity': broken === 'other-identity' ? 'mallory' : identity,
    'zilla:correlation-id': correlationId,
    'zilla:reply-to': broken === 'unknown-reply-topic' ? 'transactions' : 'replies',
    'content-type': 'application/json',
    ...(broken === 'no-idempotency-key' ? {} : { 'idempotency-key': idempotencyKeyOf(item) }),
    ...(hasPath(model) ? { 'streampay:request-id': pathIdOf(item, requestId) } : {}),
  }
  const value = spoiled(JSON.stringify(body), broken)
  const elsewhere = (partitionForKey(identity, partitionCount) + 1) % partitionCount
  return {
    topic: 'commands',
    key: identity,
    value,
    headers,
    ...(broken === 'other-partition' ? { partition: elsewhere } : {}),
  }
}

/** A body as clients other than our gateway may write it. */
function spoiled(body: string, broken: Broken | undefined): string {
  switch (broken) {
    case 'not-json':
      return '{"userId":'
    case 'repeated-member':
      return `{"userId":"mallory","userId":"mallory",${body.slice(1)}`.replace(/,}$/, '}')
    case 'inexact-number':
      return `{"amount":7.00000000000000000001,${body.slice(1).replace(/"amount":[^,}]*,?/, '')}`.replace(/,}$/, '}')
    default:
      return body
  }
}

/** The subject of the command, if its path has one. */
export function pathIdOf({ model, to }: CommandItem, requestId: string | undefined): string {
  return model === 'UnblockCommand' || model === 'UnfavouriteCommand' ? String(to) : (requestId ?? 'r0-999999')
}

function identityOf({ broken, by }: CommandItem): string {
  if (broken === 'reserved-identity') return `streampay:${by}`
  return broken === 'long-identity' ? by.padEnd(256, '.') : by
}

function idempotencyKeyOf({ broken, key }: CommandItem): string {
  return broken === 'long-idempotency-key' ? key.padEnd(256, '.') : key
}

function profileRecord({ by, name, broken }: ProfileItem, partitionCount: number): RecordToSend {
  const id = broken === 'other-id' ? 'mallory' : by
  const identity = broken === 'other-identity' ? 'mallory' : by
  const shown = broken === 'system-name' ? 'Stream Pay' : name
  const said = JSON.stringify({ id, name: shown, username: by.slice(0, 3) })
  const sent = broken === 'repeated-member' ? `{"id":"mallory",${said.slice(1)}` : said
  const value = shown === undefined ? null : sent
  const elsewhere = (partitionForKey(by, partitionCount) + 1) % partitionCount
  const partition = broken === 'other-partition' ? { partition: elsewhere } : {}
  return { topic: 'users', key: by, value, headers: { 'zilla:identity': identity }, ...partition }
}
