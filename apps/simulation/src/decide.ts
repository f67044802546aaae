import { type Crowd, type Intent, mayRequestFrom, type OpenRequest, type VirtualUser } from './crowd.ts'
import { isVirtual, virtualUser } from './people.ts'
import type { Random } from './random.ts'

const actionEveryMs = { min: 15_000, max: 45_000 }
// Below this a virtual user asks the treasury, at most once a minute.
const lowBalanceCents = 5_000
const topUpEveryMs = 60_000
const topUpCents = { min: 10_000, max: 30_000 }
// How long the log is given to tell a balance by itself.
const balanceWaitMs = 30_000
// Who can't pay a request looks at it so many times before saying no.
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
 * What the crowd wants to do by now, at most `budget` things; whatever is left over stays due. Mutates the crowd's
 * timetable: each intent is given out once.
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
  for (const user of crowd.virtual.values()) {
    if (isFull()) return intents
    if (user.nextActionAt > now) continue
    user.nextActionAt = now + crowd.options.random.integer(actionEveryMs.min, actionEveryMs.max)
    const intent = act(crowd, user, now)
    if (intent !== undefined) intents.push(intent)
  }
  return intents
}

/** The first so many at once, then one at a time. */
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
  if (open.cancelAt !== undefined && open.cancelAt <= now) {
    open.cancelAt = undefined
    return { type: 'cancel', from: request.requester, requestId: request.id }
  }
  if (open.decideAt === undefined || open.decideAt > now) return undefined
  open.looks += 1
  return decideAsDebtor(crowd, open, now)
}

function decideAsDebtor(crowd: Crowd, open: OpenRequest, now: number): Intent | undefined {
  const { random } = crowd.options
  const { id, debtor, requester, amount } = open.request
  // If no answer ever comes, the debtor looks again in a while.
  open.decideAt = now + 60_000
  const decline: Intent = { type: 'decline', from: debtor, requestId: id }
  const user = crowd.virtual.get(debtor)
  // Nobody of ours yet: the directory may still be on its way.
  if (user === undefined) return undefined
  if (user.balance !== undefined && user.balance >= amount) {
    // A real person's request is always met; among themselves, some don't see why they should pay.
    if (isVirtual(requester) && random.chance(10)) return decline
    user.balance -= amount
    return { type: 'settle', from: debtor, to: requester, amount, requestId: id }
  }
  if (open.looks >= maxLooks || (user.balance !== undefined && random.chance(50))) return decline
  open.decideAt = now + random.integer(8_000, 20_000)
  return topUp(crowd, user, now)
}

function act(crowd: Crowd, user: VirtualUser, now: number): Intent | undefined {
  const { random } = crowd.options
  if (user.balance === undefined) {
    // Either the ledger has not opened the account yet, or its balance is older than what is read at a start. Money from the
    // treasury makes the ledger tell a new one.
    user.nextActionAt = now + 1_000
    return now - user.knownSince < balanceWaitMs ? undefined : topUp(crowd, user, now)
  }
  if (user.balance < lowBalanceCents) {
    const intent = topUp(crowd, user, now)
    if (intent !== undefined) return intent
  }
  const to = counterparty(crowd, user.id)
  if (to === undefined) return undefined
  const notes = random.chance(70) ? { notes: random.pick(sayings) } : {}
  const mayRequest = isVirtual(to) || mayRequestFrom(crowd, to)
  if (mayRequest && random.chance(35))
    return { type: 'request', from: user.id, to, amount: requestedAmount(random), ...notes }
  const amount = Math.min(everydayAmount(random), user.balance)
  if (amount < 1) return undefined
  user.balance -= amount
  return { type: 'pay', from: user.id, to, amount, ...notes }
}

function topUp(crowd: Crowd, user: VirtualUser, now: number): Intent | undefined {
  if (user.nextTopUpAt > now) return undefined
  user.nextTopUpAt = now + topUpEveryMs
  return { type: 'topUp', to: user.id, amount: crowd.options.random.integer(topUpCents.min, topUpCents.max) }
}

/** Mostly each other; now and then a real person, if there is one. */
function counterparty(crowd: Crowd, self: string): string | undefined {
  const { ids, options } = crowd
  if (ids.real.length > 0 && options.random.chance(10)) return options.random.pick(ids.real)
  if (ids.virtual.length < 2) return undefined
  const picked = options.random.integer(0, ids.virtual.length - 1)
  return ids.virtual[picked] === self ? ids.virtual[(picked + 1) % ids.virtual.length] : ids.virtual[picked]
}

/** In cents: mostly small change. */
function everydayAmount(random: Random): number {
  const kind = random.integer(0, 9)
  if (kind < 6) return random.integer(200, 3_000)
  if (kind < 9) return random.integer(3_000, 12_000)
  return random.integer(12_000, 40_000)
}

/** A few ask for more than anybody has. */
function requestedAmount(random: Random): number {
  return random.chance(5) ? random.integer(60_000, 150_000) : everydayAmount(random)
}
