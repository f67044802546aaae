import { isVirtual, recordedVisibility } from '@streampay/domain'
import { type Crowd, type Intent, noteSettlement, type OpenRequest, type VirtualUser } from './crowd.ts'
import { virtualUser } from './people.ts'
import type { Random } from './random.ts'
import { favourInReturn, mayVisit, noteVisit, type RealPerson, visit } from './real-people.ts'

const actionEveryMs = { min: 15_000, max: 45_000 }
// Below this a virtual user asks the treasury, at most once a minute.
const lowBalanceCents = 5_000
const topUpEveryMs = 60_000
const topUpCents = { min: 10_000, max: 30_000 }
// How long to wait for the log to have the balance.
const balanceWaitMs = 30_000
// A debtor without enough money tries to pay a request this many times before declining it.
const maxLooks = 3

const sayings = [
  'Lunch',
  'Coffee',
  'Cinema tickets',
  'My half of the taxi',
  'Groceries',
  'Birthday present',
  'Rent',
  'Concert',
  'Thank you!',
  'Pizza night',
  'Train tickets',
  'Garden tools',
] as const

/**
 * The commands of the crowd that are due now, at most `budget` of them; the others stay due. Changes the crowd's timetable: each intent is
 * returned once.
 */
export function decide(crowd: Crowd, now: number, budget: number): Intent[] {
  const intents: Intent[] = []
  const isFull = () => intents.length >= budget
  while (!isFull() && isUserDue(crowd, now)) intents.push(register(crowd, now))
  for (const open of crowd.requests.values()) {
    if (isFull()) return intents
    const intent = decideRequest(crowd, open, now)
    if (intent !== undefined) intents.push(intent)
  }
  for (const [id, person] of crowd.real) {
    if (isFull()) return intents
    const intent = askInReturn(crowd, id, person, now)
    if (intent !== undefined) intents.push(intent)
  }
  for (const user of crowd.virtual.values()) {
    if (isFull()) return intents
    if (user.nextActionAt > now) continue
    user.nextActionAt = now + crowd.options.random.integer(actionEveryMs.min, actionEveryMs.max)
    const intent = act(crowd, user, now)
    if (intent !== undefined) intents.push(intent)
  }
  return intents
}

/** The first ones at once, then one at a time. */
function isUserDue({ options, virtual, pending, nextUserAt }: Crowd, now: number): boolean {
  const registered = virtual.size + pending.size
  if (registered < Math.min(options.firstUsers, options.maxUsers)) return true
  return registered < options.maxUsers && now >= nextUserAt
}

/** Takes the first number that is free: a registration that never reached the log leaves a gap. */
function register(crowd: Crowd, now: number): Intent {
  let user = virtualUser(1)
  for (let number = 2; crowd.virtual.has(user.id) || crowd.pending.has(user.id); number += 1) user = virtualUser(number)
  crowd.pending.add(user.id)
  crowd.nextUserAt = now + crowd.options.userEveryMs
  return { type: 'register', user }
}

function decideRequest(crowd: Crowd, open: OpenRequest, now: number): Intent | undefined {
  const { request } = open
  if (open.cancelAt !== undefined && open.cancelAt <= now && mayCancel(crowd, request.debtor, now)) {
    open.cancelAt = undefined
    return { type: 'cancel', from: request.requester, requestId: request.id }
  }
  if (open.decideAt === undefined || open.decideAt > now) return undefined
  open.looks += 1
  return decideAsDebtor(crowd, open, now)
}

/** For a real debtor, a cancelled request is an event like any other, and may have to wait. */
function mayCancel({ real, options }: Crowd, debtor: string, now: number): boolean {
  const person = real.get(debtor)
  if (person === undefined) return true
  const worldMs = options.clock.worldTime(now)
  if (!mayVisit(person, worldMs)) return false
  noteVisit(person, options.random, worldMs)
  return true
}

function decideAsDebtor(crowd: Crowd, open: OpenRequest, now: number): Intent | undefined {
  const { random } = crowd.options
  const { id, debtor, requester, amount } = open.request
  // If no answer comes, the debtor decides again after a while.
  open.decideAt = now + 60_000
  const decline: Intent = { type: 'decline', from: debtor, requestId: id }
  const user = crowd.virtual.get(debtor)
  // No other virtual person yet: the directory may not be read yet.
  if (user === undefined) return undefined
  if (user.balance !== undefined && user.balance >= amount) {
    // A real person's request is always paid; among virtual people, some are declined.
    if (isVirtual(requester) && random.chance(10)) return decline
    user.balance -= amount
    noteSettlement(crowd, { from: debtor, to: requester, amount, ...recordedVisibility(open.request) }, now)
    return { type: 'settle', from: debtor, to: requester, amount, requestId: id }
  }
  if (open.looks >= maxLooks || (user.balance !== undefined && random.chance(50))) return decline
  open.decideAt = now + random.integer(8_000, 20_000)
  return topUp(crowd, user, now)
}

function act(crowd: Crowd, user: VirtualUser, now: number): Intent | undefined {
  if (user.balance === undefined) {
    // Either the ledger has not opened the account yet, or its balance is older than the first one that is read at a start. Money from the
    // treasury makes the ledger write a new one.
    user.nextActionAt = now + 1_000
    return now - user.knownSince < balanceWaitMs ? undefined : topUp(crowd, user, now)
  }
  if (user.balance < lowBalanceCents) {
    const intent = topUp(crowd, user, now)
    if (intent !== undefined) return intent
  }
  const person = realPersonToVisit(crowd, now)
  const intent = person === undefined ? meetVirtual(crowd, user) : visitReal(crowd, user, person, now)
  if (intent?.type === 'pay') user.balance -= intent.amount
  return intent
}

type Meeting = Extract<Intent, { type: 'pay' | 'request' }>

function meetVirtual({ ids, options }: Crowd, user: VirtualUser): Meeting | undefined {
  const { random } = options
  const to = another(ids.virtual, user.id, random)
  if (to === undefined) return undefined
  const notes = notesOf(random)
  if (random.chance(35)) return { type: 'request', from: user.id, to, amount: requestedAmount(random), ...notes }
  const amount = Math.min(everydayAmount(random), user.balance ?? 0)
  return amount < 1 ? undefined : { type: 'pay', from: user.id, to, amount, ...notes }
}

type Visited = { readonly id: string; readonly person: RealPerson }

function visitReal({ options }: Crowd, user: VirtualUser, { id, person }: Visited, now: number): Meeting | undefined {
  const { random, clock } = options
  noteVisit(person, random, clock.worldTime(now))
  const wish = { from: user.id, to: id, wanted: everydayAmount(random), money: user.balance ?? 0 }
  const intent = visit(wish, person, random)
  return intent === undefined ? undefined : { ...intent, ...notesOf(random) }
}

/** From time to time a real person, if there is one who was not visited just now. */
function realPersonToVisit({ ids, real, options }: Crowd, now: number): Visited | undefined {
  if (ids.real.length === 0 || !options.random.chance(10)) return undefined
  const id = options.random.pick(ids.real)
  const person = real.get(id)
  if (person === undefined || !mayVisit(person, options.clock.worldTime(now))) return undefined
  return { id, person }
}

function another(ids: readonly string[], self: string, random: Random): string | undefined {
  if (ids.length < 2) return undefined
  const picked = random.integer(0, ids.length - 1)
  return ids[picked] === self ? ids[(picked + 1) % ids.length] : ids[picked]
}

function notesOf(random: Random): { readonly notes?: string } {
  return random.chance(70) ? { notes: random.pick(sayings) } : {}
}

function askInReturn({ options }: Crowd, id: string, person: RealPerson, now: number): Intent | undefined {
  const { random, clock } = options
  const favour = favourInReturn(person, clock.worldTime(now))
  if (favour === undefined) return undefined
  noteVisit(person, random, clock.worldTime(now))
  return { type: 'request', ...favour, to: id, notes: random.pick(sayings) }
}

function topUp(crowd: Crowd, user: VirtualUser, now: number): Intent | undefined {
  if (user.nextTopUpAt > now) return undefined
  user.nextTopUpAt = now + topUpEveryMs
  return { type: 'topUp', to: user.id, amount: crowd.options.random.integer(topUpCents.min, topUpCents.max) }
}

/** In cents: mostly small change. */
function everydayAmount(random: Random): number {
  const kind = random.integer(0, 9)
  if (kind < 6) return random.integer(200, 3_000)
  if (kind < 9) return random.integer(3_000, 12_000)
  return random.integer(12_000, 40_000)
}

/** A few ask for more money than any account has. */
function requestedAmount(random: Random): number {
  return random.chance(5) ? random.integer(60_000, 150_000) : everydayAmount(random)
}
