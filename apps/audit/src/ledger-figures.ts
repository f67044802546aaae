/** Sums over the whole ledger, one entry at a time: its size, the credits in flight, and the expected totals. */
import { addUpToLimit, type Entry, isPrivate } from '@streampay/domain'
import { isBelow, type Located, type Marks } from './cut.ts'

export type Figures = { readonly count: number; readonly volume: number }

export class LedgerFigures {
  readonly #marks: Pick<Marks, 'appliedTransactions' | 'countedTransactions'>
  entries = 0
  /** Public payments on the ledger, and those of them that statistics had read. */
  payments: Figures = { count: 0, volume: 0 }
  counted: Figures = { count: 0, volume: 0 }
  /**
   * Credits that the readers of their accounts have not applied yet, in cents. With them, the balances of a cut without open transactions
   * sum to zero: every transfer does (INV-1) and every row has its entry (INV-4), so the whole does too.
   */
  inFlight = { count: 0, amount: 0 }

  constructor(marks: Pick<Marks, 'appliedTransactions' | 'countedTransactions'>) {
    this.#marks = marks
  }

  add(entry: Located<Entry>): void {
    const { applied, amount } = entry.value
    this.entries += 1
    if (applied === 'reader' && !isBelow(entry, this.#marks.appliedTransactions)) {
      this.inFlight = { count: this.inFlight.count + 1, amount: this.inFlight.amount + amount }
    }
    if (!isCounted(entry)) return
    this.payments = plus(this.payments, entry)
    if (isBelow(entry, this.#marks.countedTransactions)) this.counted = plus(this.counted, entry)
  }
}

/** Whether it is the payer's side of a public payment, which totals and activities count. */
export function isCounted({ value }: Located<Entry>): boolean {
  return value.kind === 'payment' && value.amount < 0 && !isPrivate(value)
}

function plus({ count, volume }: Figures, entry: Located<Entry>): Figures {
  return { count: count + 1, volume: addUpToLimit(volume, -entry.value.amount) }
}
