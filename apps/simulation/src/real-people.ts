/**
 * How virtual people treat a real one: they act seldom, and money comes and goes. Their payments to a person, less what they ask of the
 * person, stay within a bound; so over a long time the sum is about zero.
 */
import type { Visibility } from '@streampay/domain'
import type { Random } from './random.ts'

/** The state of a real person. Times are of the world's clock, in milliseconds; amounts are cents. */
export type RealPerson = {
  /** Open requests of virtual people to this person. */
  openRequests: number
  /** Undefined until the log has it. */
  balance: number | undefined
  /** The sum that virtual people paid this person, less what they asked for and got. */
  received: number
  /** The sum of virtual people's open requests. */
  asked: number
  /** Before this time no virtual person pays or asks this person, except in answer to a request. */
  nextVisitAt: number
  /** The virtual person who paid a request of this person asks for the same amount in return. */
  favour: Favour | undefined
}

/** A private payment is asked back in private: a public request for the same amount would reveal it. */
type Favour = { readonly from: string; readonly amount: number; readonly visibility?: Visibility }

/** The event of a visit. */
export type Visit = {
  readonly type: 'pay' | 'request'
  readonly from: string
  readonly to: string
  readonly amount: number
}

/** At most one event in 15 s, at any speed; the rest is chance. */
const visitEveryMs = { min: 15_000, max: 60_000 }
// A real person's list should not fill with requests of simulated people.
const maxOpenRequests = 3
// The most that is given and not asked back, or the reverse.
const maxDifference = 6_000
// Up to this difference, chance decides between giving and asking.
const smallDifference = 2_000

export function newRealPerson(random: Random, worldMs: number): RealPerson {
  const nextVisitAt = worldMs + random.integer(5_000, visitEveryMs.min)
  return { openRequests: 0, balance: undefined, received: 0, asked: 0, nextVisitAt, favour: undefined }
}

export function mayVisit(person: RealPerson, worldMs: number): boolean {
  return worldMs >= person.nextVisitAt
}

/** An event happens to the person now, so the next visit has to wait. */
export function noteVisit(person: RealPerson, random: Random, worldMs: number): void {
  person.nextVisitAt = worldMs + random.integer(visitEveryMs.min, visitEveryMs.max)
}

/** A request of this person is paid: soon the payer asks for something in return. */
export function noteFavour(person: RealPerson, favour: Favour, worldMs: number): void {
  person.received += favour.amount
  person.favour = favour
  person.nextVisitAt = worldMs + visitEveryMs.min
}

/** The request in return, once it is due. @returns undefined if there is none, or nothing can be asked for now */
export function favourInReturn(person: RealPerson, worldMs: number): Favour | undefined {
  const { favour } = person
  if (favour === undefined || !mayVisit(person, worldMs)) return undefined
  person.favour = undefined
  const amount = Math.min(favour.amount, askable(person))
  return amount > 0 ? { ...favour, amount } : undefined
}

/** The most that may be asked of this person, in cents: within the bounds, and within the person's balance. */
function askable(person: RealPerson): number {
  if (person.openRequests >= maxOpenRequests) return 0
  return Math.min(person.balance ?? 0, person.received - person.asked + maxDifference)
}

/**
 * A payment to the person, or a request. `wanted` cents are the intended amount; it becomes less if the visitor's money, the person's money
 * or the bound of the difference is smaller. Counts a payment at once.
 * @returns undefined if neither is possible
 */
export function visit(
  { from, to, wanted, money }: { from: string; to: string; wanted: number; money: number },
  person: RealPerson,
  random: Random,
): Visit | undefined {
  const difference = person.received - person.asked
  const payable = Math.min(wanted, money, maxDifference - person.received)
  const asked = Math.min(wanted, askable(person))
  const wantsToAsk = difference > smallDifference || (difference > -smallDifference && random.chance(50))
  if (asked > 0 && (wantsToAsk || payable <= 0)) return { type: 'request', from, to, amount: asked }
  if (payable <= 0) return undefined
  person.received += payable
  return { type: 'pay', from, to, amount: payable }
}
