/**
 * The bank once more, as plainly as it can be said: written from the design, sharing no code with apps/domain or
 * apps/payments. It is told which records each task took, in which order, and says what must follow from each: every entry,
 * balance, history row, version of a request, reply and dead letter, to the last member. Speed and memory don't matter here.
 *
 * Two things are not its to know, because they hang on how far a table trails the log: whether a recipient was found in the
 * directory, and whether somebody else's request had been heard of. It asks for what was told, and notes what that rests
 * on, so that it can be judged whether it could have been told.
 */
import { partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import { type Body, canonical, fieldErrors, isIdText, parsed } from './naive-bodies.ts'
import { textHeader } from './text-header.ts'

export type Entry = {
  readonly transferId: string
  readonly account: string
  readonly counterparty: string
  readonly amount: number
  readonly kind: 'payment' | 'opening' | 'topUp'
  readonly requestId?: string
  readonly notes?: string
  readonly commandPartition: number
  readonly commandOffset: number
  readonly applied: 'writer' | 'reader'
  readonly at: number
}
export type Request = {
  readonly id: string
  readonly requester: string
  readonly debtor: string
  readonly amount: number
  readonly notes?: string
  readonly status: 'open' | 'paid' | 'declined' | 'cancelled'
  readonly createdAt: number
  readonly closedAt?: number
  readonly transferId?: string
}
type Account = { balance: number; sequence: number; opened: boolean }
type Told =
  | { readonly status: number; readonly body: Body }
  | { readonly status: number; readonly slug: string; readonly members?: Body; readonly fields?: readonly string[] }
type Message =
  | { readonly type: 'request'; readonly request: Request }
  | { readonly type: 'cancel'; readonly id: string; readonly by: Asker; readonly intent: string; readonly at: number }
  | { readonly type: 'forget'; readonly id: string }
/** Who waits for a reply, and how it finds them. */
type Asker = { readonly identity: string; readonly correlationId: string; readonly key: string }
type Kept = {
  readonly intent: string
  readonly told: Told | 'forwarded'
  readonly at: number
  readonly coordinates: string
}
export type Reply = {
  readonly asker: Partial<Asker> & { correlationId: string }
  readonly told: Told
  readonly replayed: boolean
}

/** What follows from a record; each is compared at once with what was really written. Returns where it stands. */
export type Consequences = {
  entry(entry: Entry): void
  history(row: Body & { readonly account: string }): void
  balance(account: string, value: Body): void
  request(request: Request): void
  /** In which order a task forgot them: that is nobody's business, but what follows stands in that order. */
  asForgotten(task: number, requests: readonly Request[]): Request[]
  /** The request is gone for good: a tombstone. */
  forgotten(request: Request): void
  forward(account: string, message: Message): void
  reply(reply: Reply): void
  deadLetter(record: ReceivedRecord): void
  /** What the next reply with this correlation id really says: the slug of a problem, if it is one. */
  toldNext(correlationId: string): string | undefined
  /** A lookup in a table that trails the log was decisive: whether that could be is judged elsewhere. */
  restsOn(lookup: Lookup): void
}
export type Lookup = {
  readonly table: 'directory' | 'requests'
  readonly id: string
  readonly found: 'known' | 'unknown' | 'unsure'
  /** The command that asked. */
  readonly command: ReceivedRecord
}

const treasury = 'streampay:treasury'
const grant = 50_000
const treasuryFloor = -9_000_000_000_000_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** How long closed requests are known; a day later they are removed. */
const requestsKeptMs = 90 * dayMs

const statusOf: Readonly<Record<string, number>> = {
  'malformed-body': 400,
  'malformed-command': 400,
  'reserved-identity': 403,
  'request-not-yours': 403,
  'unknown-recipient': 404,
  'unknown-request': 404,
  'insufficient-funds': 409,
  'request-closed': 409,
  'treasury-exhausted': 409,
  'amount-differs': 422,
  'recipient-differs': 422,
  'own-account': 422,
  'reserved-recipient': 422,
  'idempotency-key-reused': 422,
  'try-again': 503,
}

function no(slug: string, members?: Body): Told {
  return { status: statusOf[slug] ?? 0, slug, ...(members && { members }) }
}

/** One partition of all accounts, with everything that its task remembers. */
export class NaiveTask {
  readonly #number: number
  readonly #partitionCount: number
  readonly #maxKeys: number
  readonly #accounts = new Map<string, Account>()
  readonly #requests = new Map<string, Request>()
  readonly #sentRequests = new Map<string, string>()
  readonly #keys = new Map<string, Kept>()
  readonly #cancels = new Map<string, { readonly told: Told; readonly at: number }>()
  /** The latest log time that it has seen. */
  #time = 0
  /** The latest of its commands, and of its messages. */
  #commandTime = 0
  #messageTime = 0

  constructor(options: { number: number; partitionCount: number; maxKeys: number }) {
    this.#number = options.number
    this.#partitionCount = options.partitionCount
    this.#maxKeys = options.maxKeys
  }

  user(record: ReceivedRecord, then: Consequences): void {
    this.#see(record)
    const id = this.#ownKey(record)
    const claimed = textHeader(record, 'zilla:identity')
    const profile = record.value === null ? undefined : parsed(record.value)
    const isSound = id !== undefined && (claimed === undefined || claimed === id) && !id.startsWith('streampay:')
    if (isSound && record.value === null) return
    if (isSound && isProfile(profile) && profile.id === id) this.#open(id, record, then)
    else then.deadLetter(record)
  }

  /** A credit that another task, or this one, has left to be applied by its reader. */
  entry(record: ReceivedRecord, entry: Entry, then: Consequences): void {
    this.#see(record)
    if (entry.applied === 'reader') this.#apply(entry, then)
  }

  message(record: ReceivedRecord, message: Message, then: Consequences): void {
    this.#see(record)
    this.#messageTime = Math.max(this.#messageTime, record.timestamp)
    if (message.type === 'request') {
      this.#save(message.request, then)
      return
    }
    if (message.type === 'forget') {
      this.#sentRequests.delete(message.id)
      return
    }
    const { by, id, intent, at } = message
    const kept = this.#cancels.get(intent)
    if (kept !== undefined && !isOld(kept.at, record)) {
      then.reply({ asker: by, told: kept.told, replayed: true })
      return
    }
    const request = this.#requestOf(id)
    const told = this.#cancelled(request, id, by.identity)
    if (request !== undefined && told.status === 200) {
      this.#save({ ...request, status: 'cancelled', closedAt: at }, then)
    }
    this.#cancels.set(intent, { told, at: this.#time })
    then.reply({ asker: by, told, replayed: false })
  }

  /**
   * Keys that are an hour past their day need no room any more, by the newest command that was taken, and decided cancels by
   * the newest message: none that is still to come can be so late, however far the other inputs are.
   */
  forgetKeys(): void {
    const isUseless = ({ at }: { at: number }, time: number) => at + dayMs + hourMs <= time
    for (const [name, kept] of this.#keys) if (isUseless(kept, this.#commandTime)) this.#keys.delete(name)
    for (const [intent, kept] of this.#cancels) if (isUseless(kept, this.#messageTime)) this.#cancels.delete(intent)
  }

  forgetRequests(time: number, then: Consequences): void {
    const isDue = ({ closedAt = time }: Request) => closedAt + requestsKeptMs + dayMs <= time
    const due = [...this.#requests.values()].filter(isDue)
    for (const request of then.asForgotten(this.#number, due)) {
      const { id, requester } = request
      this.#requests.delete(id)
      then.forgotten(request)
      then.forward(requester, { type: 'forget', id })
    }
  }

  command(record: ReceivedRecord, then: Consequences): void {
    this.#see(record)
    this.#commandTime = Math.max(this.#commandTime, record.timestamp)
    const flaw = this.#flaw(record)
    if (flaw !== undefined) {
      then.deadLetter(record)
      const correlationId = textHeader(record, 'zilla:correlation-id')
      if (correlationId === undefined || textHeader(record, 'zilla:reply-to') !== 'replies') return
      const identity = textHeader(record, 'zilla:identity')
      const key = textHeader(record, 'idempotency-key')
      const asker = { correlationId, ...(identity && { identity }), ...(key && { key }) }
      then.reply({ asker, told: no(flaw), replayed: false })
      return
    }
    const identity = record.key?.toString() ?? ''
    const asker: Asker = {
      identity,
      correlationId: textHeader(record, 'zilla:correlation-id') ?? '',
      key: textHeader(record, 'idempotency-key') ?? '',
    }
    const model = textHeader(record, 'zilla:domain-model') ?? ''
    const path = textHeader(record, 'streampay:request-id') ?? ''
    const isEmpty = record.value === null || record.value.length === 0
    const body = isEmpty ? {} : (parsed(record.value) as Body)
    this.#open(identity, record, then)
    this.#decide({ record, asker, model, path, body }, then)
  }

  #decide(command: Command, then: Consequences): void {
    const { told, replayed = false } = this.#verdict(command, then)
    if (told !== 'forwarded') then.reply({ asker: command.asker, told, replayed })
  }

  #verdict(command: Command, then: Consequences): { told: Told | 'forwarded'; replayed?: boolean } {
    const { record, asker, model, path, body } = command
    const fields = fieldErrors(model, body)
    if (fields.length > 0) return { told: { status: 400, slug: 'malformed-body', fields } }
    const hasPath = model === 'DeclineCommand' || model === 'CancelCommand'
    const intent = canonical([model, hasPath ? path : null, body])
    const name = JSON.stringify([asker.identity, asker.key])
    const kept = this.#keys.get(name)
    if (kept !== undefined && !isOld(kept.at, record)) {
      if (kept.intent !== intent) return { told: no('idempotency-key-reused') }
      const again = kept.told === 'forwarded' ? this.#cancel(command, kept.coordinates, then) : kept.told
      return { told: again, replayed: true }
    }
    if (this.#keys.size + this.#cancels.size >= this.#maxKeys) return { told: no('try-again') }
    const told = this.#execute(command, then)
    if (told !== 'forwarded' && told.status === 503) return { told }
    this.#keys.set(name, { intent, told, at: this.#time, coordinates: `${record.partition}-${record.offset}` })
    return { told }
  }

  #execute(command: Command, then: Consequences): Told | 'forwarded' {
    switch (command.model) {
      case 'PayCommand':
        return this.#pay(command, then)
      case 'RequestCommand':
        return this.#ask(command, then)
      case 'DeclineCommand':
        return this.#decline(command, then)
      default:
        return this.#cancel(command, `${command.record.partition}-${command.record.offset}`, then)
    }
  }

  #pay(command: Command, then: Consequences): Told {
    const { record, asker, body } = command
    const { identity: payer } = asker
    const recipient = String(body.userId)
    const amount = Number(body.amount)
    const requestId = body.requestId === undefined ? undefined : String(body.requestId)
    if (payer === recipient) return no('own-account')
    if (recipient.startsWith('streampay:')) return no('reserved-recipient')
    const request = requestId === undefined ? undefined : this.#requestOf(requestId)
    if (requestId !== undefined) {
      const refusal = this.#refusalOfDebtor(command, request, requestId, then)
      if (refusal !== undefined) return refusal
      if (request?.requester !== recipient) return no('recipient-differs')
      if (request.amount !== amount) return no('amount-differs', { expected: request.amount })
    } else {
      const refusal = this.#lookUp(command, recipient, then)
      if (refusal !== undefined) return refusal
    }
    const balance = this.#accounts.get(payer)?.balance ?? 0
    if (payer === treasury && balance - amount < treasuryFloor) return no('treasury-exhausted')
    if (payer !== treasury && balance < amount) return no('insufficient-funds', { available: balance })
    const transferId = `t${record.partition}-${record.offset}`
    this.#transfer(
      {
        transferId,
        from: payer,
        to: recipient,
        amount,
        kind: payer === treasury ? 'topUp' : 'payment',
        ...(requestId !== undefined && { requestId }),
        ...(body.notes !== undefined && { notes: String(body.notes) }),
        cause: record,
        writer: payer,
      },
      then,
    )
    if (request !== undefined) this.#save({ ...request, status: 'paid', closedAt: record.timestamp, transferId }, then)
    return { status: 200, body: { transferId, balance: balance - amount } }
  }

  #ask(command: Command, then: Consequences): Told {
    const { record, asker, body } = command
    const { identity: requester } = asker
    const debtor = String(body.userId)
    if (requester === debtor) return no('own-account')
    if (debtor.startsWith('streampay:')) return no('reserved-recipient')
    if (requester.startsWith('streampay:')) return no('reserved-identity')
    const refusal = this.#lookUp(command, debtor, then)
    if (refusal !== undefined) return refusal
    const id = `r${record.partition}-${record.offset}`
    const request: Request = {
      id,
      requester,
      debtor,
      amount: Number(body.amount),
      ...(body.notes !== undefined && { notes: String(body.notes) }),
      status: 'open',
      createdAt: record.timestamp,
    }
    this.#sentRequests.set(id, debtor)
    then.forward(debtor, { type: 'request', request })
    return { status: 201, body: { id } }
  }

  #decline(command: Command, then: Consequences): Told {
    const { record, path } = command
    const request = this.#requestOf(path)
    const refusal = this.#refusalOfDebtor(command, request, path, then)
    if (refusal !== undefined || request === undefined) return refusal ?? no('unknown-request')
    this.#save({ ...request, status: 'declined', closedAt: record.timestamp }, then)
    return { status: 200, body: { id: path, status: 'declined' } }
  }

  /** Decided and answered where the debtor's requests are, under the intent of the first command with its key. */
  #cancel(command: Command, intent: string, then: Consequences): Told | 'forwarded' {
    const { record, asker, path } = command
    const debtor = this.#sentRequests.get(path)
    if (debtor !== undefined) {
      then.forward(debtor, { type: 'cancel', id: path, by: asker, intent, at: record.timestamp })
      return 'forwarded'
    }
    if (this.#requestOf(path) !== undefined) return no('request-not-yours')
    return this.#hearsay(command, path, then)
  }

  #cancelled(request: Request | undefined, id: string, by: string): Told {
    if (request === undefined) return no('unknown-request')
    if (request.requester !== by) return no('request-not-yours')
    if (request.status !== 'open') return no('request-closed', { requestStatus: request.status })
    return { status: 200, body: { id, status: 'cancelled' } }
  }

  #refusalOfDebtor(command: Command, request: Request | undefined, id: string, then: Consequences): Told | undefined {
    if (request === undefined) return this.#hearsay(command, id, then)
    if (request.debtor !== command.asker.identity) return no('request-not-yours')
    if (request.status !== 'open') return no('request-closed', { requestStatus: request.status })
    return undefined
  }

  /** Known for 90 days after it was closed, whether or not it is still there. */
  #requestOf(id: string): Request | undefined {
    const request = this.#requests.get(id)
    return (request?.closedAt ?? this.#time) + requestsKeptMs <= this.#time ? undefined : request
  }

  /** A request that this task doesn't hold: another's, or nobody's as far as is known. */
  #hearsay({ record, asker }: Command, id: string, then: Consequences): Told {
    if (this.#requests.has(id)) return no('unknown-request')
    const found = then.toldNext(asker.correlationId) === 'request-not-yours' ? 'known' : 'unknown'
    then.restsOn({ table: 'requests', id, found, command: record })
    return no(found === 'known' ? 'request-not-yours' : 'unknown-request')
  }

  #lookUp({ record, asker }: Command, id: string, then: Consequences): Told | undefined {
    const slug = then.toldNext(asker.correlationId)
    const found = slug === 'unknown-recipient' ? 'unknown' : slug === 'try-again' ? 'unsure' : 'known'
    then.restsOn({ table: 'directory', id, found, command: record })
    if (found === 'known') return undefined
    return no(found === 'unknown' ? 'unknown-recipient' : 'try-again')
  }

  #open(id: string, cause: ReceivedRecord, then: Consequences): void {
    if (id.startsWith('streampay:') || this.#accounts.get(id)?.opened === true) return
    const transferId = `opening:${id}`
    this.#transfer({ transferId, from: treasury, to: id, amount: grant, kind: 'opening', cause, writer: id }, then)
  }

  #transfer(transfer: Transfer, then: Consequences): void {
    const { transferId, from, to, amount, kind, requestId, notes, cause, writer } = transfer
    const side = (account: string, counterparty: string, signed: number): Entry => ({
      transferId,
      account,
      counterparty,
      amount: signed,
      kind,
      ...(requestId !== undefined && { requestId }),
      ...(notes !== undefined && { notes }),
      commandPartition: cause.partition,
      commandOffset: cause.offset,
      applied: account === writer ? 'writer' : 'reader',
      at: cause.timestamp,
    })
    const sides = [side(from, to, -amount), side(to, from, amount)]
    for (const entry of sides) then.entry(entry)
    for (const entry of sides) if (entry.account === writer) this.#apply(entry, then)
  }

  #apply({ account: id, amount, transferId, counterparty, kind, at }: Entry, then: Consequences): void {
    const account = this.#accounts.get(id) ?? { balance: 0, sequence: 0, opened: false }
    this.#accounts.set(id, account)
    account.balance += amount
    account.sequence += 1
    if (kind === 'opening' && amount > 0) account.opened = true
    const { balance, sequence, opened } = account
    then.balance(id, { account: id, balance, sequence, transferId, at, opened })
    then.history({ account: id, sequence, balance, amount, transferId, counterparty, kind, at })
  }

  #save(request: Request, then: Consequences): void {
    this.#requests.set(request.id, request)
    then.request(request)
  }

  /** The slug of what is wrong with a record that no gateway would have written. */
  #flaw(record: ReceivedRecord): string | undefined {
    const id = this.#ownKey(record)
    if (id === undefined || textHeader(record, 'zilla:identity') !== id) return 'malformed-command'
    if (id.startsWith('streampay:') && id !== treasury) return 'reserved-identity'
    if (textHeader(record, 'zilla:reply-to') !== 'replies') return 'malformed-command'
    if (!isIdText(textHeader(record, 'zilla:correlation-id'))) return 'malformed-command'
    if (!isIdText(textHeader(record, 'idempotency-key'))) return 'malformed-command'
    const model = textHeader(record, 'zilla:domain-model') ?? ''
    const isClosing = model === 'DeclineCommand' || model === 'CancelCommand'
    if (!isClosing && model !== 'PayCommand' && model !== 'RequestCommand') return 'malformed-command'
    if (isClosing && !isIdText(textHeader(record, 'streampay:request-id'))) return 'malformed-command'
    const mayBeEmpty = isClosing && (record.value === null || record.value.length === 0)
    return mayBeEmpty || parsed(record.value) !== undefined ? undefined : 'malformed-command'
  }

  #ownKey({ key, partition }: ReceivedRecord): string | undefined {
    if (key === null || partition !== this.#number) return undefined
    if (partitionForKey(key, this.#partitionCount) !== partition) return undefined
    const text = key.toString('utf8')
    return isIdText(text) ? text : undefined
  }

  #see({ timestamp }: ReceivedRecord): void {
    this.#time = Math.max(this.#time, timestamp)
  }
}

/** Whether what was kept at a time had lost its meaning when this came to the log, however late it is read. */
function isOld(at: number, { timestamp }: ReceivedRecord): boolean {
  return at + dayMs <= timestamp
}

type Command = {
  readonly record: ReceivedRecord
  readonly asker: Asker
  readonly model: string
  readonly path: string
  readonly body: Body
}
type Transfer = {
  readonly transferId: string
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly kind: Entry['kind']
  readonly requestId?: string
  readonly notes?: string
  readonly cause: ReceivedRecord
  readonly writer: string
}

function isProfile(value: unknown): value is { id: string } {
  if (typeof value !== 'object' || value === null) return false
  const { id, name, username } = value as Body
  const isName = (text: unknown) => typeof text === 'string' && text.length >= 1 && text.length <= 100
  return isIdText(id) && isName(name) && isName(username)
}
