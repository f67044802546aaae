/** The statistics once more, from the design: one activity for each event, and totals that equal the fold of the ledger. */
import type { Entry, Request } from './naive-types.ts'

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

  /** The payer's entry alone counts, and only of payments. */
  entry({ kind, amount, transferId, account, counterparty, at }: Entry): Event | undefined {
    if (kind !== 'payment' || amount > 0) return undefined
    return { id: transferId, type: 'payment', from: account, to: counterparty, amount: -amount, at }
  }

  request({ id, requester, debtor, amount, status, createdAt, closedAt }: Request): Event[] {
    const events: Event[] = []
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

  /** Cents, half to even; the sums of a history are small enough for a plain quotient. */
  get average(): { count: number; mean: number } {
    const whole = Math.floor(this.#volume / this.#count)
    const twice = 2 * (this.#volume - whole * this.#count)
    const up = twice > this.#count || (twice === this.#count && whole % 2 === 1)
    return { count: this.#count, mean: up ? whole + 1 : whole }
  }
}
