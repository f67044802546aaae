/**
 * INV-2 and INV-4 by account, from the first row that is read: sequences without a gap, a consistent balance that is never negative, and
 * balances that are those of a row. INV-7: the closing balance of a statement's newest month is one of these, too.
 */
import { type Balance, type BalanceHistory, type Statement, treasuryId } from '@streampay/domain'
import { coordinates, type Finding, type Located } from '../cut.ts'
import { boundedMap } from './bounded-map.ts'

/** Beyond these, the account without a row for the longest time is dropped; its next row is accepted without comparison. */
const mostAccounts = 100_000
/** A balance is compared with this many of the account's last rows. */
const mostRows = 64

type Row = Pick<BalanceHistory, 'sequence' | 'balance'>

export class RunningAccounts {
  readonly #rows = boundedMap<string, Row[]>(mostAccounts);

  *addRow(row: Located<BalanceHistory>): Iterable<Finding> {
    const { account, sequence, balance, amount } = row.value
    const record = coordinates(row)
    const rows = this.#rows.get(account) ?? []
    const last = rows.at(-1)
    if (last !== undefined && sequence !== last.sequence + 1) {
      const message = `history of ${account}: sequence ${sequence} follows ${last.sequence}`
      yield { invariant: 'INV-4', message, record }
    } else if (last !== undefined && balance !== last.balance + amount) {
      const message = `history of ${account}, sequence ${sequence}: ${last.balance} and ${amount} make ${last.balance + amount}, not ${balance}`
      yield { invariant: 'INV-4', message, record }
    }
    if (balance < 0 && account !== treasuryId) {
      yield { invariant: 'INV-2', message: `${account} is at ${balance} after sequence ${sequence}`, record }
    }
    rows.push({ sequence, balance })
    if (rows.length > mostRows) rows.shift()
    this.#rows.set(account, rows)
  }

  /** Versions of balances, oldest first, which were read before the rows that were added last. */
  *compare(balances: Iterable<Located<Balance>>): Iterable<Finding> {
    const newest = new Map<string, Located<Balance>>()
    for (const balance of balances) newest.set(balance.key, balance)
    for (const told of newest.values()) {
      const { account, sequence, balance } = told.value
      yield* this.#compare(told, { invariant: 'INV-4', what: `balance of ${account}`, account, sequence, balance })
    }
  }

  /** The same for versions of statements: of the months that a movement changed, the newest closes with the balance after it. */
  *compareStatements(months: Iterable<Located<Statement>>): Iterable<Finding> {
    const newest = new Map<string, Located<Statement>>()
    for (const month of months) {
      const known = newest.get(month.value.account)
      if (known === undefined || isNewer(month.value, known.value)) newest.set(month.value.account, month)
    }
    for (const told of newest.values()) {
      const { account, sequence, month, closing } = told.value
      const what = `closing balance in the statement of ${account} for ${month}`
      yield* this.#compare(told, { invariant: 'INV-7', what, account, sequence, balance: closing })
    }
  }

  *#compare(told: Located<unknown>, { invariant, what, account, sequence, balance }: Told): Iterable<Finding> {
    const rows = this.#rows.get(account)
    const [first] = rows ?? []
    // Written before this audit began, or of an account that was dropped.
    if (rows === undefined || first === undefined || sequence < first.sequence) return
    const record = coordinates(told)
    const row = rows.find((one) => one.sequence === sequence)
    if (row === undefined) {
      yield { invariant, message: `${what} is at sequence ${sequence}, which has no history row`, record }
    } else if (row.balance !== balance) {
      const message = `${what} is ${balance} at sequence ${sequence}, its history says ${row.balance}`
      yield { invariant, message, record }
    }
  }
}

type Told = Pick<Finding, 'invariant'> & {
  readonly what: string
  readonly account: string
  readonly sequence: number
  readonly balance: number
}

function isNewer(left: Statement, right: Statement): boolean {
  return left.sequence > right.sequence || (left.sequence === right.sequence && left.month > right.month)
}
