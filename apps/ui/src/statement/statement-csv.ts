import type { Entry, User } from '../api/types.ts'

/**
 * The statement as a table for spreadsheets (RFC 4180): dollars, ISO times, names, and the balance after each entry.
 * Programs read the raw form, which the gateway streams.
 */
export type StatementTable = {
  /** Every entry of the account, oldest first: the running balance is their sum. */
  readonly entries: readonly Entry[]
  readonly personOf: (id: string) => Pick<User, 'name' | 'username'>
  /** Which entries are wanted; the balance counts the others too. */
  readonly isWanted: (entry: Entry) => boolean
}

// Spreadsheets take a file without it for one in the computer's old code page.
const byteOrderMark = '\uFEFF'
const columns = [
  'Time (UTC)',
  'Type',
  'Name',
  'Username',
  'Amount (USD)',
  'Balance after (USD)',
  'Note',
  'Account',
  'Transfer id',
  'Request id',
]

const kindWords = { payment: 'Payment', opening: 'Opening balance', topUp: 'Top-up' } as const

export function statementCsv({ entries, personOf, isWanted }: StatementTable): string {
  let balance = 0
  const lines = [lineOf(columns.map(csvText))]
  for (const entry of entries) {
    balance += entry.amount
    if (isWanted(entry)) lines.push(entryLine(entry, balance, personOf(entry.counterparty)))
  }
  return byteOrderMark + lines.join('')
}

function entryLine(entry: Entry, balance: number, person: Pick<User, 'name' | 'username'>): string {
  return lineOf([
    csvText(new Date(entry.at).toISOString()),
    csvText(kindWords[entry.kind]),
    csvText(person.name),
    csvText(person.username),
    decimalDollars(entry.amount),
    decimalDollars(balance),
    csvText(entry.notes ?? ''),
    csvText(entry.counterparty),
    csvText(entry.transferId),
    csvText(entry.requestId ?? ''),
  ])
}

function lineOf(fields: readonly string[]): string {
  return `${fields.join(',')}\r\n`
}

/** A number as spreadsheets and programs read it: `-1234.56`. */
function decimalDollars(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0')
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/**
 * A text that stays text in a spreadsheet. A cell that begins with one of these signs, full-width ones included, would be run
 * as a formula (OWASP, "CSV Injection"): an apostrophe before it makes it text. A spreadsheet whose list separator is another
 * one (`;` in half of Europe) splits the line elsewhere and minds no quotes there, so what follows any separator counts as a
 * beginning. Tabs and line breaks become blanks: they separate too.
 */
export function csvText(text: string): string {
  const oneLine = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  const harmless = oneLine.replace(/(^|[,;|])(["'\s]*)(?=[=+\-@＝＋－＠])/gu, "$1$2'")
  return `"${harmless.replaceAll('"', '""')}"`
}

/** `streampay-statement_2026-05-03_2026-11-28.csv`: from the first day to the last. */
export function statementFileName({ from, to }: { readonly from: string; readonly to: string }): string {
  return `streampay-statement_${from}_${to}.csv`
}
