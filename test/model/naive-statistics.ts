/**
 * The statistics a second time, from the design: one activity for each public event, totals that equal the fold of the public payments, and
 * statements that equal the fold of the ledger.
 */
import type { Body } from './naive-bodies.ts'
import type { Entry, Movement, Request } from './naive-types.ts'

export type Event = {
  readonly id: string
  readonly type: 'payment' | 'request' | 'decline' | 'cancel'
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly at: number
}
export type Part = { readonly count: number; readonly volume: number }

/** One partition. */
export class NaiveStatistics {
  readonly #announced = new Set<string>()

  /** Only the payer's entry counts, and only of payments that are not private. */
  entry({ kind, amount, transferId, account, counterparty, visibility, at }: Entry): Event | undefined {
    if (kind !== 'payment' || amount > 0 || visibility !== undefined) return undefined
    return { id: transferId, type: 'payment', from: account, to: counterparty, amount: -amount, at }
  }

  request({ id, requester, debtor, amount, status, visibility, createdAt, closedAt }: Request): Event[] {
    const events: Event[] = []
    if (visibility !== undefined) return events
    if (!this.#announced.has(id)) {
      events.push({ id, type: 'request', from: requester, to: debtor, amount, at: createdAt })
      this.#announced.add(id)
    }
    if (status !== 'open') this.#announced.delete(id)
    const at = closedAt ?? createdAt
    if (status === 'declined') events.push({ id, type: 'decline', from: debtor, to: requester, amount, at })
    if (status === 'cancelled') events.push({ id, type: 'cancel', from: requester, to: debtor, amount, at })
    return events
  }
}

export class NaiveTotals {
  #count = 0
  #volume = 0

  add({ count, volume }: Part): void {
    this.#count += count
    this.#volume = Math.min(this.#volume + volume, Number.MAX_SAFE_INTEGER)
  }

  get totals(): Part {
    return { count: this.#count, volume: this.#volume }
  }

  /** Cents, half to even; the sums of a history are small enough for a simple quotient. */
  get average(): { count: number; mean: number } {
    const whole = Math.floor(this.#volume / this.#count)
    const twice = 2 * (this.#volume - whole * this.#count)
    const up = twice > this.#count || (twice === this.#count && whole % 2 === 1)
    return { count: this.#count, mean: up ? whole + 1 : whole }
  }
}

/** The statements of one partition: each is computed anew from all movements. */
export class NaiveStatements {
  readonly #movements: Movement[] = []

  /** The statements that it changed: of the movement's month and all later ones that exist, and the part of its counterparty. */
  movement(movement: Movement): { readonly topic: string; readonly key: string; readonly value: Body }[] {
    const { account, counterparty } = movement
    if (account === 'streampay:treasury') return []
    this.#movements.push(movement)
    const mine = this.#movements.filter((other) => other.account === account)
    const month = monthOf(movement)
    const months = new Set(mine.map(monthOf).filter((other) => other >= month))
    const key = `${account.length}:${account}`
    const person = mine.filter((other) => monthOf(other) === month && other.counterparty === counterparty)
    return [
      ...[...months].map((changed) => {
        const before = mine.filter((other) => monthOf(other) < changed)
        const within = mine.filter((other) => monthOf(other) === changed)
        const opening = sumOf(before)
        const value = { account, month: changed, opening, closing: opening + sumOf(within), ...figuresOf(within) }
        return { topic: 'statements', key: `${key}${changed}`, value: { ...value, sequence: movement.sequence } }
      }),
      {
        topic: 'statement-people',
        key: `${key}${month}${counterparty}`,
        value: { account, month, counterparty, ...figuresOf(person), sequence: movement.sequence },
      },
    ]
  }
}

function monthOf({ at }: Movement): string {
  const date = new Date(at)
  return `${date.getUTCFullYear()}-${String(date.getUTCMonth() + 1).padStart(2, '0')}`
}

function sumOf(movements: readonly Movement[]): number {
  return movements.reduce((sum, { amount }) => sum + amount, 0)
}

function figuresOf(movements: readonly Movement[]) {
  const credits = movements.filter(({ amount }) => amount > 0)
  const debits = movements.filter(({ amount }) => amount < 0)
  return {
    moneyIn: sumOf(credits),
    moneyOut: -sumOf(debits),
    countIn: credits.length,
    countOut: debits.length,
  }
}
