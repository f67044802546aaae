/**
 * The bank a second time, in the simplest form: written from the design, without code from apps/domain or apps/payments. It gets the
 * records that each task processed, in their order, and derives all effects of each: every entry, balance, history row, version of a
 * request, reply and dead letter, completely. Speed and memory don't matter here.
 *
 * One input it can't derive, because it depends on how far a table trails the log: whether a recipient was found in the directory. It takes
 * that from the answer, and notes it, so that another check decides whether the answer was possible.
 */
import { headerText, partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import { type Body, canonical, fieldErrors, hasPath, isIdText, isProfile, meaningOf, parsed } from './naive-bodies.ts'
import { NaiveKeys } from './naive-keys.ts'
import { NaiveLists } from './naive-lists.ts'
import { no } from './naive-refusals.ts'
import type {
  Account,
  Asker,
  Command,
  Consequences,
  Entry,
  Message,
  Pending,
  Request,
  Rules,
  Told,
} from './naive-types.ts'

const treasury = 'streampay:treasury'
const grant = 50_000
const treasuryFloor = -9_000_000_000_000_000
const dayMs = 24 * 3_600_000
/** How long closed requests are kept; a day later they are removed. */
const requestsKeptMs = 90 * dayMs
/** How late requests may expire or be removed: by the length of a slot, and the interval between two checks. */
const tendedLateMs = 20 * 60_000
/** Repeats that wait for the answer of their command, and get it too. */
const maxWaiters = 8

/** One partition of all accounts, with all state of its task. */
export class NaiveTask {
  readonly #number: number
  readonly #partitionCount: number
  readonly #rules: Rules
  readonly #accounts = new Map<string, Account>()
  readonly #requests = new Map<string, Request>()
  /** Since when each has its present state here, by the latest log time. */
  readonly #requestsSince = new Map<string, number>()
  readonly #sentRequests = new Map<string, { readonly debtor: string; readonly requester: string; open: boolean }>()
  readonly #keys = new NaiveKeys()
  readonly #pending = new Map<string, Pending>()
  readonly #lists: NaiveLists
  /** The latest log time that it has seen. */
  #time = 0
  /** The latest of its commands. */
  #commandTime = 0

  constructor(options: { number: number; partitionCount: number; rules: Rules }) {
    this.#number = options.number
    this.#partitionCount = options.partitionCount
    this.#rules = options.rules
    this.#lists = new NaiveLists(options.rules)
  }

  user(record: ReceivedRecord, then: Consequences): void {
    this.#see(record)
    const id = this.#ownKey(record)
    const claimed = headerText(record.headers, 'zilla:identity')
    const profile = record.value === null ? undefined : parsed(record.value)
    const isSound = id !== undefined && (claimed === undefined || claimed === id) && !id.startsWith('streampay:')
    if (isSound && record.value === null) return
    if (isSound && isProfile(profile) && profile.id === id) this.#open(id, record, then)
    else then.deadLetter(record)
  }

  /** A credit that another task, or this one, has left for its reader to apply. */
  entry(record: ReceivedRecord, entry: Entry, then: Consequences): void {
    this.#see(record)
    if (entry.applied === 'reader') this.#apply(entry, then)
  }

  /** A credit that its writer, in the same process, applies. */
  credit(entry: Entry, then: Consequences): void {
    this.#apply(entry, then)
  }

  message(record: ReceivedRecord, message: Message, then: Consequences): void {
    this.#see(record)
    switch (message.type) {
      case 'request':
        this.#arrive(message.request, message.intent, then)
        break
      case 'cancel':
        this.#decideCancel(message, then)
        break
      case 'remind':
        this.#decideReminder(message, then)
        break
      case 'decided':
        this.#settle(message, then)
        break
      case 'closed': {
        const sent = this.#sentRequests.get(message.id)
        if (sent !== undefined) sent.open = false
        break
      }
      case 'forget':
        this.#sentRequests.delete(message.id)
    }
  }

  #arrive(request: Request, intent: string, then: Consequences): void {
    const { id, debtor, requester } = request
    const open = [...this.#requests.values()].filter((known) => known.status === 'open' && known.debtor === debtor)
    const ofPair = open.filter((known) => known.requester === requester)
    let told: Told = { status: 201, body: { id } }
    if (this.#lists.has('blocked-people', debtor, requester)) told = no('requests-not-accepted')
    else if (ofPair.length >= this.#rules.maxOpenOfPair) told = no('too-many-requests-open')
    else if (open.length >= this.#rules.maxOpenForDebtor) told = no('too-many-requests-open')
    else this.#save(request, then)
    then.forward(requester, { type: 'decided', intent, told })
  }

  #decideCancel({ id, by, intent, at }: Extract<Message, { type: 'cancel' }>, then: Consequences): void {
    const request = this.#requestOf(id)
    const told = this.#cancelled(request, id, by)
    if (request !== undefined && told.status === 200) {
      this.#close({ ...request, status: 'cancelled', closedAt: at }, then)
    }
    then.forward(by, { type: 'decided', intent, told })
  }

  /** A reminder of an open request, by its requester, unless the debtor blocks them; a day after the last one. */
  #decideReminder({ id, by, intent, at }: Extract<Message, { type: 'remind' }>, then: Consequences): void {
    const request = this.#requestOf(id)
    const told = this.#reminded(request, { id, by, at })
    if (request !== undefined && told.status === 200) {
      this.#save({ ...request, remindedAt: at, reminders: (request.reminders ?? 0) + 1 }, then)
    }
    then.forward(by, { type: 'decided', intent, told })
  }

  #reminded(request: Request | undefined, { id, by, at }: { id: string; by: string; at: number }): Told {
    if (request === undefined || request.requester !== by) return no('unknown-request')
    if (request.status !== 'open') return no('request-closed', { requestStatus: request.status })
    if (this.#lists.has('blocked-people', request.debtor, by)) return no('requests-not-accepted')
    const possibleAt = (request.remindedAt ?? at - dayMs) + dayMs
    return possibleAt > at ? no('reminded-recently', { possibleAt }) : { status: 200, body: { id, remindedAt: at } }
  }

  /** For a command that was carried out the key is kept; for a refusal nothing is, neither the key nor a request's slot. */
  #settle({ intent, told }: Extract<Message, { type: 'decided' }>, then: Consequences): void {
    const pending = this.#pending.get(intent)
    if (pending === undefined) return
    this.#pending.delete(intent)
    const { name, isRequest, waiters } = pending
    const kept = this.#keys.get(name, this.#commandTime)
    const isRefused = told.status >= 400
    if (kept?.told === 'pending' && kept.intent.startsWith(`${intent} `)) {
      if (isRefused) this.#keys.giveBack(name, kept)
      else this.#keys.replace(name, { ...kept, told })
    }
    if (isRefused && isRequest) this.#sentRequests.delete(`r${intent}`)
    for (const [index, asker] of waiters.entries()) then.reply({ asker, told, replayed: index > 0 && !isRefused })
  }

  /** Expires requests that were open for too long, and deletes those closed long ago. */
  tendRequests(time: number, then: Consequences): void {
    for (const id of then.asTended(this.#number)) {
      const request = this.#requests.get(id)
      // What was done later in the same transaction is processed then.
      if (request === undefined || this.#dueAt(request) > time) continue
      if (request.status === 'open') {
        this.#close({ ...request, status: 'expired', closedAt: request.createdAt + this.#rules.openMs }, then)
        continue
      }
      this.#requests.delete(id)
      then.forgotten(request)
      then.forward(request.requester, { type: 'forget', id })
    }
    for (const request of this.#requests.values()) {
      const since = Math.max(this.#dueAt(request), this.#requestsSince.get(request.id) ?? 0)
      if (since + tendedLateMs < time) then.badlyTended(request, time)
    }
  }

  /** When a request is to expire, or to be removed. */
  #dueAt({ createdAt, closedAt }: Request): number {
    return closedAt === undefined ? createdAt + this.#rules.openMs : closedAt + requestsKeptMs + dayMs
  }

  command(record: ReceivedRecord, then: Consequences): void {
    this.#see(record)
    this.#commandTime = Math.max(this.#commandTime, record.timestamp)
    const flaw = this.#flaw(record)
    if (flaw !== undefined) {
      then.deadLetter(record)
      const correlationId = headerText(record.headers, 'zilla:correlation-id')
      if (correlationId === undefined || headerText(record.headers, 'zilla:reply-to') !== 'replies') return
      const identity = headerText(record.headers, 'zilla:identity')
      const key = headerText(record.headers, 'idempotency-key')
      // A text that is no id is not repeated: an answer must not grow with its command.
      const asker = { correlationId, ...(isIdText(identity) && { identity }), ...(isIdText(key) && { key }) }
      then.reply({ asker, told: no(flaw), replayed: false })
      return
    }
    const identity = record.key?.toString() ?? ''
    const asker: Asker = {
      identity,
      correlationId: headerText(record.headers, 'zilla:correlation-id') ?? '',
      key: headerText(record.headers, 'idempotency-key') ?? '',
    }
    const model = headerText(record.headers, 'zilla:domain-model') ?? ''
    const path = headerText(record.headers, 'streampay:request-id') ?? ''
    const isEmpty = record.value === null || record.value.length === 0
    const body = isEmpty ? {} : (parsed(record.value) as Body)
    this.#open(identity, record, then)
    this.#decide({ record, asker, model, path, body }, then)
  }

  #decide(command: Command, then: Consequences): void {
    const { told, replayed = false } = this.#verdict(command, then)
    if (told !== 'pending') then.reply({ asker: command.asker, told, replayed })
  }

  #verdict(command: Command, then: Consequences): { told: Told | 'pending'; replayed?: boolean } {
    const { record, asker, model, path, body } = command
    const fields = fieldErrors(model, body)
    if (fields.length > 0) return { told: { status: 400, slug: 'malformed-body', fields } }
    const meaning = canonical([model, hasPath(model) ? path : null, meaningOf(body)])
    const name = JSON.stringify([asker.identity, asker.key])
    const kept = this.#keys.get(name, this.#commandTime)
    if (kept !== undefined && !isOld(kept.at, record)) {
      const [coordinates = ''] = kept.intent.split(' ', 1)
      if (kept.intent !== `${coordinates} ${meaning}`) return { told: no('idempotency-key-reused') }
      if (kept.told !== 'pending') return { told: kept.told, replayed: true }
      const waiters = this.#pending.get(coordinates)?.waiters ?? []
      if (waiters.length >= maxWaiters) return { told: no('try-again') }
      waiters.push(asker)
      return { told: 'pending' }
    }
    const { maxIdempotencyKeys, maxKeysOfIdentity } = this.#rules
    if (this.#keys.count(asker.identity, this.#commandTime) >= maxKeysOfIdentity)
      return { told: no('too-many-commands') }
    if (this.#keys.count(undefined, this.#commandTime) >= maxIdempotencyKeys) return { told: no('try-again') }
    const told = this.#execute(command, then)
    if (told !== 'pending' && told.status >= 400) return { told }
    const coordinates = `${record.partition}-${record.offset}`
    this.#keys.take(name, { by: asker.identity, intent: `${coordinates} ${meaning}`, told, at: this.#commandTime })
    if (told === 'pending') {
      this.#pending.set(coordinates, { name, isRequest: model === 'RequestCommand', waiters: [asker] })
    }
    return { told }
  }

  #execute(command: Command, then: Consequences): Told | 'pending' {
    switch (command.model) {
      case 'PayCommand':
        return this.#pay(command, then)
      case 'RequestCommand':
        return this.#ask(command, then)
      case 'DeclineCommand':
        return this.#decline(command, then)
      case 'BlockCommand':
        return this.#lists.put('blocked-people', command, then)
      case 'UnblockCommand':
        return this.#lists.take('blocked-people', command, then)
      case 'FavouriteCommand':
        return this.#lists.put('favourite-people', command, then)
      case 'UnfavouriteCommand':
        return this.#lists.take('favourite-people', command, then)
      case 'CancelCommand':
        return this.#leaveToDebtor('cancel', command, then)
      default:
        return this.#leaveToDebtor('remind', command, then)
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
      const refusal = this.#refusalOfDebtor(request, payer)
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
        ...((body.notes ?? request?.notes) !== undefined && { notes: String(body.notes ?? request?.notes) }),
        ...((body.visibility === 'private' || request?.visibility === 'private') && { visibility: 'private' }),
        cause: record,
        writer: payer,
      },
      then,
    )
    if (request !== undefined) this.#close({ ...request, status: 'paid', closedAt: record.timestamp, transferId }, then)
    return { status: 200, body: { transferId, balance: balance - amount } }
  }

  #ask(command: Command, then: Consequences): Told | 'pending' {
    const { record, asker, body } = command
    const { identity: requester } = asker
    const debtor = String(body.userId)
    if (requester === debtor) return no('own-account')
    if (debtor.startsWith('streampay:')) return no('reserved-recipient')
    if (requester.startsWith('streampay:')) return no('reserved-identity')
    // A bound that is reached refuses the command before the debtor is looked up.
    const open = [...this.#sentRequests.values()].filter((sent) => sent.open && sent.requester === requester)
    if (open.length >= this.#rules.maxOpenOfRequester) return no('too-many-requests-open')
    const refusal = this.#lookUp(command, debtor, then)
    if (refusal !== undefined) return refusal
    const id = `r${record.partition}-${record.offset}`
    const request: Request = {
      id,
      requester,
      debtor,
      amount: Number(body.amount),
      ...(body.notes !== undefined && { notes: String(body.notes) }),
      ...(body.visibility === 'private' && { visibility: 'private' }),
      status: 'open',
      createdAt: record.timestamp,
    }
    this.#sentRequests.set(id, { debtor, requester, open: true })
    then.forward(debtor, { type: 'request', request, intent: `${record.partition}-${record.offset}` })
    return 'pending'
  }

  #decline({ record, asker, path }: Command, then: Consequences): Told {
    const request = this.#requestOf(path)
    const refusal = this.#refusalOfDebtor(request, asker.identity)
    if (refusal !== undefined || request === undefined) return refusal ?? no('unknown-request')
    this.#close({ ...request, status: 'declined', closedAt: record.timestamp }, then)
    return { status: 200, body: { id: path, status: 'declined' } }
  }

  /** Decided once, by the task that has the debtor's requests. */
  #leaveToDebtor(type: 'cancel' | 'remind', { record, asker, path }: Command, then: Consequences): Told | 'pending' {
    const sent = this.#sentRequests.get(path)
    if (sent === undefined || sent.requester !== asker.identity) return no('unknown-request')
    const intent = `${record.partition}-${record.offset}`
    then.forward(sent.debtor, { type, id: path, by: asker.identity, intent, at: record.timestamp })
    return 'pending'
  }

  #cancelled(request: Request | undefined, id: string, by: string): Told {
    if (request === undefined || request.requester !== by) return no('unknown-request')
    if (request.status !== 'open') return no('request-closed', { requestStatus: request.status })
    return { status: 200, body: { id, status: 'cancelled' } }
  }

  /** A missing request and one of other people have the same answer. */
  #refusalOfDebtor(request: Request | undefined, by: string): Told | undefined {
    if (request === undefined || request.debtor !== by) return no('unknown-request')
    if (request.status !== 'open') return no('request-closed', { requestStatus: request.status })
    return undefined
  }

  /** Known for 90 days after it was closed, even if it is removed already; expired at its time, even if that was not written yet. */
  #requestOf(id: string): Request | undefined {
    const request = this.#requests.get(id)
    if (request === undefined) return undefined
    if (request.closedAt !== undefined) return request.closedAt + requestsKeptMs <= this.#time ? undefined : request
    const end = request.createdAt + this.#rules.openMs
    return end <= this.#time ? { ...request, status: 'expired', closedAt: end } : request
  }

  #lookUp({ record, asker }: Command, id: string, then: Consequences): Told | undefined {
    const slug = then.toldNext(asker.correlationId)
    const found = slug === 'unknown-recipient' ? 'unknown' : slug === 'try-again' ? 'unsure' : 'known'
    then.restsOn({ id, found, command: record })
    if (found === 'known') return undefined
    return no(found === 'unknown' ? 'unknown-recipient' : 'try-again')
  }

  #open(id: string, cause: ReceivedRecord, then: Consequences): void {
    if (id.startsWith('streampay:') || this.#accounts.get(id)?.opened === true) return
    const transferId = `opening:${id}`
    this.#transfer({ transferId, from: treasury, to: id, amount: grant, kind: 'opening', cause, writer: id }, then)
  }

  #transfer(transfer: Transfer, then: Consequences): void {
    const { transferId, from, to, amount, kind, requestId, notes, visibility, cause, writer } = transfer
    const creditor = then.taskOf(writer === from ? to : from)
    const side = (account: string, counterparty: string, signed: number): Entry => ({
      transferId,
      account,
      counterparty,
      amount: signed,
      kind,
      ...(requestId !== undefined && { requestId }),
      ...(notes !== undefined && { notes }),
      ...(visibility !== undefined && { visibility }),
      commandPartition: cause.partition,
      commandOffset: cause.offset,
      applied: account === writer || creditor !== undefined ? 'writer' : 'reader',
      at: cause.timestamp,
    })
    const [debit, credit] = [side(from, to, -amount), side(to, from, amount)]
    for (const entry of [debit, credit]) then.entry(entry)
    this.#apply(writer === from ? debit : credit, then)
    creditor?.credit(writer === from ? credit : debit, then)
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
    this.#requestsSince.set(request.id, this.#time)
    then.request(request)
  }

  #close(request: Request, then: Consequences): void {
    this.#save(request, then)
    then.forward(request.requester, { type: 'closed', id: request.id })
  }

  /** The slug of the fault of a record that no gateway would have written. */
  #flaw(record: ReceivedRecord): string | undefined {
    const id = this.#ownKey(record)
    if (id === undefined || headerText(record.headers, 'zilla:identity') !== id) return 'malformed-command'
    if (id.startsWith('streampay:') && id !== treasury) return 'reserved-identity'
    if (headerText(record.headers, 'zilla:reply-to') !== 'replies') return 'malformed-command'
    if (!isIdText(headerText(record.headers, 'zilla:correlation-id'))) return 'malformed-command'
    if (!isIdText(headerText(record.headers, 'idempotency-key'))) return 'malformed-command'
    const model = headerText(record.headers, 'zilla:domain-model') ?? ''
    const isClosing = hasPath(model)
    if (!isClosing && !['PayCommand', 'RequestCommand', 'BlockCommand', 'FavouriteCommand'].includes(model))
      return 'malformed-command'
    if (isClosing && !isIdText(headerText(record.headers, 'streampay:request-id'))) return 'malformed-command'
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

/** Whether what was kept at a time was out of date when this record came to the log, however late it is read. */
function isOld(at: number, { timestamp }: ReceivedRecord): boolean {
  return at + dayMs <= timestamp
}

type Transfer = {
  readonly transferId: string
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly kind: Entry['kind']
  readonly requestId?: string
  readonly notes?: string
  readonly visibility?: 'private'
  readonly cause: ReceivedRecord
  readonly writer: string
}
