/**
 * INV-7: the rows of an account's history that statistics have read are in its statements. Earlier statements are not known here, so the
 * whole audit checks the figures; `RunningAccounts` compares the closing balances.
 */
import { type BalanceHistory, type Statement, treasuryId } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type Marks } from '../cut.ts'
import { boundedMap } from './bounded-map.ts'

/** More than one look can bring. */
const mostAccounts = 100_000

export class StatementProgress {
  /** The greatest sequence in a statement of the account. */
  readonly #told = boundedMap<string, number>(mostAccounts)
  /** Rows that statistics may not have read yet. */
  #unread: Located<BalanceHistory>[] = []

  addStatement({ value: { account, sequence } }: Located<Statement>): void {
    this.#told.set(account, Math.max(sequence, this.#told.get(account) ?? 0))
  }

  addRow(row: Located<BalanceHistory>): void {
    if (row.value.account !== treasuryId) this.#unread.push(row)
  }

  /** @param marks read before the statements that were added last */
  *judge({ foldedHistories }: Marks): Iterable<Finding> {
    const read = this.#unread.filter((row) => isBelow(row, foldedHistories))
    this.#unread = this.#unread.filter((row) => !isBelow(row, foldedHistories))
    const newest = new Map(read.map((row) => [row.value.account, row]))
    for (const [account, row] of newest) {
      const told = this.#told.get(account) ?? 0
      if (told >= row.value.sequence) continue
      const message = `statement of ${account} is at sequence ${told}, statistics have read its history up to ${row.value.sequence}`
      yield { invariant: 'INV-7', message, record: coordinates(row) }
    }
  }
}
