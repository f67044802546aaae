import { isVirtual, type PaymentRequest, treasuryId, type User, type Visibility } from '@streampay/domain'
import type { CrowdClock } from './crowd-clock.ts'
import type { Random } from './random.ts'
import { newRealPerson, noteFavour, type RealPerson } from './real-people.ts'

type Transfer = {
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly notes?: string
  readonly visibility?: Visibility
}

/** A command that a virtual user wants to send; a `topUp` is sent by the treasury. */
export type CommandIntent =
  | ({ readonly type: 'pay' } & Transfer)
  | ({ readonly type: 'request' } & Transfer)
  | ({ readonly type: 'settle'; readonly requestId: string } & Omit<Transfer, 'notes'>)
  | { readonly type: 'decline'; readonly from: string; readonly requestId: string }
  | { readonly type: 'cancel'; readonly from: string; readonly requestId: string }
  | { readonly type: 'topUp'; readonly to: string; readonly amount: number }

export type Registration = { readonly type: 'register'; readonly user: User }

export type Intent = Registration | CommandIntent

/** The outcome of a command: the reply's status and body, or that no answer came to any attempt. */
export type Answer = { readonly status: number; readonly body: unknown } | 'none'

export type VirtualUser = {
  readonly id: string
  /** In cents; undefined until the log has it, and before that nothing is spent. */
  balance: number | undefined
  /** When it was seen for the first time. */
  readonly knownSince: number
  nextActionAt: number
  nextTopUpAt: number
}

/** An open request of or to a virtual user. Times are of the crowd's clock; undefined: never. */
export type OpenRequest = {
  readonly request: PaymentRequest
  /** When the virtual debtor decides on it. */
  decideAt: number | undefined
  /** When the virtual requester cancels it. */
  cancelAt: number | undefined
  looks: number
}

export type CrowdOptions = {
  readonly random: Random
  /** Virtual users from the start, and at most. */
  readonly firstUsers: number
  readonly maxUsers: number
  readonly userEveryMs: number
  readonly clock: CrowdClock
}

/**
 * All state of the simulation, and when each of its people acts next. Nothing here does I/O or reads a clock: records of the log are passed
 * to `observe…`, commands are returned by `decide` (decide.ts). Times are milliseconds of the crowd's own clock, except those of real
 * people, which are of the world's clock.
 */
export type Crowd = {
  readonly options: CrowdOptions
  readonly virtual: Map<string, VirtualUser>
  readonly real: Map<string, RealPerson>
  /** The keys of both, for picking one by number. */
  readonly ids: { readonly virtual: string[]; readonly real: string[] }
  readonly requests: Map<string, OpenRequest>
  /** Registered just now, and not on the log yet. */
  readonly pending: Set<string>
  nextUserAt: number
}

// Real people come and go; only this many are remembered.
const maxRealUsers = 1_000
const maxOpenRequests = 20_000

export function openCrowd(options: CrowdOptions): Crowd {
  return {
    options,
    virtual: new Map(),
    real: new Map(),
    ids: { virtual: [], real: [] },
    requests: new Map(),
    pending: new Set(),
    nextUserAt: 0,
  }
}

export function observeUser(crowd: Crowd, id: string, now: number): void {
  if (crowd.virtual.has(id) || crowd.real.has(id)) return
  if (!isVirtual(id)) {
    if (crowd.real.size >= maxRealUsers) return
    const { random, clock } = crowd.options
    crowd.real.set(id, newRealPerson(random, clock.worldTime(now)))
    crowd.ids.real.push(id)
    return
  }
  const firstActionAt = now + crowd.options.random.integer(100, 15_000)
  crowd.pending.delete(id)
  crowd.virtual.set(id, { id, balance: undefined, knownSince: now, nextActionAt: firstActionAt, nextTopUpAt: now })
  crowd.ids.virtual.push(id)
}

/** Adds the account too, because its record in `users` may be older than the first one that is read at a start. */
export function observeBalance(crowd: Crowd, account: string, balance: number, now: number): void {
  if (account !== treasuryId) observeUser(crowd, account, now)
  const person = crowd.virtual.get(account) ?? crowd.real.get(account)
  if (person !== undefined) person.balance = balance
}

/** Takes a version of a payment request from the log; `undefined` is a tombstone. */
export function observeRequest(crowd: Crowd, id: string, request: PaymentRequest | undefined, now: number): void {
  if (request === undefined || request.status !== 'open') {
    forgetRequest(crowd, id, request?.status)
    return
  }
  if (crowd.requests.has(id) || crowd.requests.size >= maxOpenRequests) return
  const toVirtual = isVirtual(request.debtor)
  const fromVirtual = isVirtual(request.requester)
  if (!toVirtual && !fromVirtual) return
  const { random } = crowd.options
  const debtor = crowd.real.get(request.debtor)
  if (debtor !== undefined && fromVirtual) {
    debtor.openRequests += 1
    debtor.asked += request.amount
  }
  crowd.requests.set(id, {
    request,
    decideAt: toVirtual ? now + random.integer(1_000, 4_000) : undefined,
    cancelAt: fromVirtual ? cancelTime({ random, toVirtual, now }) : undefined,
    looks: 0,
  })
}

/** The outcome of an intent. The log has the same and more, but later. */
export function observeAnswer(crowd: Crowd, intent: Intent, answer: Answer, now: number): void {
  if (intent.type === 'register') crowd.pending.delete(intent.user.id)
  if (answer === 'none' || intent.type === 'register') return
  undoRefused(crowd, intent, answer.status)
  const user = 'from' in intent ? crowd.virtual.get(intent.from) : undefined
  const told = balanceIn(answer.body)
  if (user !== undefined && told !== undefined) user.balance = told
  if (!('requestId' in intent)) return
  const open = crowd.requests.get(intent.requestId)
  if (open === undefined) return
  // Lack of money: the debtor decides again later. After any other refusal the request is closed.
  if (answer.status === 409 && told !== undefined) open.decideAt = now + crowd.options.random.integer(5_000, 15_000)
}

/** Notes that a real person gets an amount that they asked for. The next visit without a request waits for this. */
export function noteSettlement(crowd: Crowd, { to, ...favour }: Transfer, now: number): void {
  const person = crowd.real.get(to)
  if (person !== undefined) noteFavour(person, favour, crowd.options.clock.worldTime(now))
}

/** A payment to a real person was counted when it was decided; a refused one is subtracted again. */
function undoRefused({ real }: Crowd, intent: CommandIntent, status: number): void {
  if ((intent.type !== 'pay' && intent.type !== 'settle') || status === 200) return
  const person = real.get(intent.to)
  if (person === undefined) return
  person.received -= intent.amount
  if (intent.type === 'settle') person.favour = undefined
}

function forgetRequest(crowd: Crowd, id: string, status: PaymentRequest['status'] | undefined): void {
  const known = crowd.requests.get(id)
  if (known === undefined) return
  crowd.requests.delete(id)
  const debtor = crowd.real.get(known.request.debtor)
  if (debtor === undefined || !isVirtual(known.request.requester)) return
  debtor.openRequests -= 1
  debtor.asked -= known.request.amount
  if (status === 'paid') debtor.received -= known.request.amount
}

/** Some requests are cancelled: at once between virtual people, so that cancels race with payments; later with real people. */
function cancelTime({
  random,
  toVirtual,
  now,
}: {
  random: Random
  toVirtual: boolean
  now: number
}): number | undefined {
  if (!random.chance(15)) return undefined
  return now + (toVirtual ? random.integer(500, 4_000) : random.integer(180_000, 600_000))
}

/** `balance` of a payment's reply, or `available` of a refusal for lack of money. */
function balanceIn(body: unknown): number | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if ('balance' in body && typeof body.balance === 'number') return body.balance
  if ('available' in body && typeof body.available === 'number') return body.available
  return undefined
}
