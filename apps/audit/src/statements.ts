/**
 * INV-7 by account: its statements, by month and by counterparty, are the sums of its history rows. Statements trail the history while
 * payments are made, but they have their position in it: their greatest sequence. Up to there the comparison is exact.
 */
import {
  type BalanceHistory,
  monthOf,
  type Statement,
  type StatementPerson,
  statementKey,
  statementPersonKey,
  treasuryId,
} from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type Marks } from './cut.ts'

type Row = Located<BalanceHistory>
type Sums = Pick<Statement, 'moneyIn' | 'moneyOut' | 'countIn' | 'countOut' | 'sequence'>

/** The rows of an account on one topic, and the sums of its history up to their position; both by record key. */
type Side<T> = { readonly told: Map<string, Located<T>>; readonly sums: Map<string, T & Sums>; upTo: number }

type Account = {
  readonly months: Side<Statement>
  readonly people: Side<StatementPerson>
  /** The last row that statistics had surely read. */
  lastFolded: Row | undefined
}

export class Statements {
  readonly #marks: Pick<Marks, 'foldedHistories'>
  readonly #accounts = new Map<string, Account>()

  constructor(marks: Pick<Marks, 'foldedHistories'>) {
    this.#marks = marks
  }

  /** A version of a month; the last one counts. All of them come before the rows. */
  addMonth(month: Located<Statement>): void {
    tell(this.#accountNamed(month.value.account).months, month)
  }

  /** As `addMonth`. */
  addPerson(person: Located<StatementPerson>): void {
    tell(this.#accountNamed(person.value.account).people, person)
  }

  /** In the order of sequences, for each account. The treasury has no statements. */
  addRow(row: Row): void {
    const { account: name, sequence, amount, counterparty, at } = row.value
    if (name === treasuryId) return
    const account = this.#accountNamed(name)
    const month = monthOf(at)
    const sums = { account: name, month, moneyIn: 0, moneyOut: 0, countIn: 0, countOut: 0, sequence: 0 }
    const { months, people } = account
    if (sequence <= months.upTo) addTo(months, { ...sums, opening: 0, closing: 0 }, statementKey, { amount, sequence })
    if (sequence <= people.upTo) addTo(people, { ...sums, counterparty }, statementPersonKey, { amount, sequence })
    if (isBelow(row, this.#marks.foldedHistories)) account.lastFolded = row
  }

  *end(): Iterable<Finding> {
    for (const [name, { months, people, lastFolded }] of this.#accounts) {
      carryOver(months.sums)
      yield* compare({ what: `statement of ${name}`, side: months, wordsOf: ({ month }) => month, lastFolded })
      const wordsOf = ({ month, counterparty }: StatementPerson) => `${month} with ${counterparty}`
      yield* compare({ what: `statement of ${name}`, side: people, wordsOf, lastFolded })
    }
  }

  #accountNamed(name: string): Account {
    const known = this.#accounts.get(name)
    if (known !== undefined) return known
    const side = () => ({ told: new Map(), sums: new Map(), upTo: 0 })
    const account = { months: side(), people: side(), lastFolded: undefined }
    this.#accounts.set(name, account)
    return account
  }
}

function tell<T extends Sums>(side: Side<T>, record: Located<T>): void {
  side.told.set(record.key, record)
  side.upTo = Math.max(side.upTo, record.value.sequence)
}

function addTo<T extends Sums>(
  side: Side<T>,
  empty: T,
  keyOf: (row: T) => string,
  { amount, sequence }: Pick<BalanceHistory, 'amount' | 'sequence'>,
): void {
  const key = keyOf(empty)
  const before = side.sums.get(key) ?? empty
  const isIn = amount > 0
  side.sums.set(key, {
    ...before,
    moneyIn: atMost(before.moneyIn + (isIn ? amount : 0)),
    moneyOut: atMost(before.moneyOut - (isIn ? 0 : amount)),
    countIn: before.countIn + (isIn ? 1 : 0),
    countOut: before.countOut + (isIn ? 0 : 1),
    sequence,
    // For a month: the sums of its own movements, until `carryOver`. A sum at the largest safe integer no longer gives them.
    ...('closing' in before && { closing: Number(before.closing) + amount }),
  })
}

/** Totals do not grow beyond this. */
function atMost(sum: number): number {
  return Math.min(sum, Number.MAX_SAFE_INTEGER)
}

/** Each month opens with the closing balance of the one before it, and its last change was a movement of its own or of an earlier one. */
function carryOver(months: Map<string, Statement>): void {
  let closing = 0
  let sequence = 0
  for (const [key, month] of [...months].sort(([, a], [, b]) => (a.month < b.month ? -1 : 1))) {
    const opening = closing
    closing += month.closing
    sequence = Math.max(sequence, month.sequence)
    months.set(key, { ...month, opening, closing, sequence })
  }
}

type Comparison<T> = {
  readonly what: string
  readonly side: Side<T>
  readonly wordsOf: (row: T) => string
  readonly lastFolded: Row | undefined
}

function* compare<T extends Sums>({ what, side, wordsOf, lastFolded }: Comparison<T>): Iterable<Finding> {
  const { told, sums, upTo } = side
  if (lastFolded !== undefined && upTo < lastFolded.value.sequence) {
    const message = `${what} is at sequence ${upTo}, statistics have read its history up to ${lastFolded.value.sequence}`
    yield { invariant: 'INV-7', message, record: coordinates(lastFolded) }
  }
  for (const [key, record] of told) {
    const made = sums.get(key)
    const difference = made === undefined ? 'which has no movement' : differenceOf(record.value, made)
    if (difference === undefined) continue
    yield {
      invariant: 'INV-7',
      message: `${what}, ${wordsOf(record.value)}: ${difference}`,
      record: coordinates(record),
    }
  }
  for (const [key, made] of sums) {
    if (told.has(key)) continue
    const record = lastFolded === undefined ? {} : { record: coordinates(lastFolded) }
    yield { invariant: 'INV-7', message: `${what}, ${wordsOf(made)}: there is no row`, ...record }
  }
}

function differenceOf<T extends Sums>(told: T, made: T): string | undefined {
  for (const [member, value] of Object.entries(made)) {
    const said: unknown = Reflect.get(told, member)
    if (said !== value) return `its ${member} is ${String(said)}, by its history it is ${String(value)}`
  }
  return undefined
}
