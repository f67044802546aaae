/**
 * INV-2 and INV-4 by account: its history is consistent, row by row, and its balance is that of a row. Rows are read one at a time, so that
 * an account may have any number of them: only a few figures are kept for each account.
 */
import { type Balance, type BalanceHistory, type Entry, treasuryId } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type Marks } from './cut.ts'

type Row = Located<BalanceHistory>

type Account = {
  sequence: number
  balance: number
  lastStable: Row | undefined
  /** The first row that has the sequence of the account's balance. */
  atBalance: Row | undefined
}

export class Accounts {
  readonly #marks: Pick<Marks, 'stableHistories'>
  readonly #accounts = new Map<string, Account>()
  readonly #balances = new Map<string, Located<Balance>>()
  readonly #openings = new Map<string, Located<Entry>>()

  constructor(marks: Pick<Marks, 'stableHistories'>) {
    this.#marks = marks
  }

  /** How many accounts have a balance. */
  get size(): number {
    return this.#balances.size
  }

  /** A version of a balance; the last one counts. All of them come before the rows. */
  addBalance(balance: Located<Balance>): void {
    this.#balances.set(balance.key, balance)
  }

  /** An account opens once. Other entries, and the treasury's side, are skipped. */
  *addEntry(entry: Located<Entry>): Iterable<Finding> {
    const { account } = entry.value
    if (!isOpening(entry)) return
    const earlier = this.#openings.get(account)
    if (earlier === undefined) this.#openings.set(account, entry)
    else {
      const record = `${coordinates(earlier)}, ${coordinates(entry)}`
      yield { invariant: 'INV-3', message: `${account} was opened twice`, record }
    }
  }

  /** Gapless sequences from 1, and a running balance that adds up and is never negative. */
  *addRow(row: Row): Iterable<Finding> {
    const { account: name, sequence, balance, amount } = row.value
    const record = coordinates(row)
    const account = this.#accountNamed(name)
    if (sequence !== account.sequence + 1) {
      yield {
        invariant: 'INV-4',
        message: `history of ${name}: sequence ${sequence} follows ${account.sequence}`,
        record,
      }
    }
    if (balance !== account.balance + amount) {
      yield {
        invariant: 'INV-4',
        message: `history of ${name}, sequence ${sequence}: ${account.balance} and ${amount} make ${account.balance + amount}, not ${balance}`,
        record,
      }
    }
    if (balance < 0 && name !== treasuryId) {
      yield { invariant: 'INV-2', message: `${name} is at ${balance} after sequence ${sequence}`, record }
    }
    account.sequence = sequence
    account.balance = balance
    if (isBelow(row, this.#marks.stableHistories)) account.lastStable = row
    if (this.#balances.get(name)?.value.sequence === sequence) account.atBalance ??= row
  }

  *end(): Iterable<Finding> {
    for (const [name, account] of this.#accounts) yield* this.#verifyBalance(name, account)
    for (const [name, balance] of this.#balances) {
      if (this.#accounts.has(name)) continue
      yield { invariant: 'INV-4', message: `${name} has a balance but no history`, record: coordinates(balance) }
    }
  }

  /** The newest balance is that of the row with its sequence, and not before the last row that was stable when it was read. */
  *#verifyBalance(name: string, { lastStable, atBalance }: Account): Iterable<Finding> {
    const balance = this.#balances.get(name)
    if (balance === undefined) {
      if (lastStable === undefined) return
      yield { invariant: 'INV-4', message: `${name} has a history but no balance`, record: coordinates(lastStable) }
      return
    }
    const record = coordinates(balance)
    const { sequence } = balance.value
    if (lastStable !== undefined && sequence < lastStable.value.sequence) {
      yield {
        invariant: 'INV-4',
        message: `balance of ${name} is at sequence ${sequence}, its history at ${lastStable.value.sequence}`,
        record,
      }
    }
    if (atBalance === undefined) {
      yield {
        invariant: 'INV-4',
        message: `balance of ${name} is at sequence ${sequence}, which has no history row`,
        record,
      }
    } else if (atBalance.value.balance !== balance.value.balance) {
      yield {
        invariant: 'INV-4',
        message: `balance of ${name} is ${balance.value.balance} at sequence ${sequence}, its history says ${atBalance.value.balance}`,
        record: `${record}, ${coordinates(atBalance)}`,
      }
    }
  }

  #accountNamed(name: string): Account {
    const known = this.#accounts.get(name)
    if (known !== undefined) return known
    const account = { sequence: 0, balance: 0, lastStable: undefined, atBalance: undefined }
    this.#accounts.set(name, account)
    return account
  }
}

/** Whether it is the side of an opening grant that has the account's name. */
export function isOpening({ value }: Located<Entry>): boolean {
  return value.kind === 'opening' && value.account !== treasuryId
}
