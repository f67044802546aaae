/**
 * How virtual people treat a real one: seldom, and so that money comes and goes. What they pay a person, less what they ask of the
 * person, stays within a bound; so over any time it comes to about nothing.
 */
import type { Visibility } from '@streampay/domain'
import type { Random } from './random.ts'

/** What is known of a real person. Times are of the world's clock, in milliseconds; amounts are cents. */
export type RealPerson = {
  /** Open requests of virtual people to this person. */
  openRequests: number
  /** Undefined until the log tells it. */
  balance: number | undefined
  /** What virtual people paid this person, less what they asked for and got. */
  received: number
  /** What virtual people ask for in requests that are open. */
  asked: number
  /** Before this time no simulated person pays or asks this person without having been asked. */
  nextVisitAt: number
  /** A simulated person who paid a request of this person asks for the same amount in return. */
  favour: Favour | undefined
}

/** What was private is asked back in private: a public request for the same amount would tell of it. */
type Favour = { readonly from: string; readonly amount: number; readonly visibility?: Visibility }

/** What a visitor comes with. */
export type Visit = {
  readonly type: 'pay' | 'request'
  readonly from: string
  readonly to: string
  readonly amount: number
}

/** At most one event in 15 s, whatever the speed; the rest is chance. */
const visitEveryMs = { min: 15_000, max: 60_000 }
// A real person's app should not fill with requests of people who don't exist.
const maxOpenRequests = 3
// What is given and not asked back, or the other way round, is never more.
const maxDifference = 6_000
// Within this, chance decides between giving and asking.
const smallDifference = 2_000

export function newRealPerson(random: Random, worldMs: number): RealPerson {
  const nextVisitAt = worldMs + random.integer(5_000, visitEveryMs.min)
  return { openRequests: 0, balance: undefined, received: 0, asked: 0, nextVisitAt, favour: undefined }
}

export function mayVisit(person: RealPerson, worldMs: number): boolean {
  return worldMs >= person.nextVisitAt
}

/** Something happens to the person now, so the next visit has to wait. */
export function noteVisit(person: RealPerson, random: Random, worldMs: number): void {
  person.nextVisitAt = worldMs + random.integer(visitEveryMs.min, visitEveryMs.max)
}

/** A request of this person is paid: soon whoever paid asks for something in return. */
export function noteFavour(person: RealPerson, favour: Favour, worldMs: number): void {
  person.received += favour.amount
  person.favour = favour
  person.nextVisitAt = worldMs + visitEveryMs.min
}

/** The request in return, once it is time. @returns undefined if there is none, or nothing can be asked for now */
export function favourInReturn(person: RealPerson, worldMs: number): Favour | undefined {
  const { favour } = person
  if (favour === undefined || !mayVisit(person, worldMs)) return undefined
  person.favour = undefined
  const amount = Math.min(favour.amount, askable(person))
  return amount > 0 ? { ...favour, amount } : undefined
}

/** What may be asked of this person, in cents: within the bounds, and what the person has. */
function askable(person: RealPerson): number {
  if (person.openRequests >= maxOpenRequests) return 0
  return Math.min(person.balance ?? 0, person.received - person.asked + maxDifference)
}

/**
 * A payment to the person, or a request. `wanted` cents are what the visitor would like it to be about; it becomes less where
 * the visitor's money, the person's money or the bound of the difference is smaller. Takes a payment into account at once.
 * @returns undefined when neither can be
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
