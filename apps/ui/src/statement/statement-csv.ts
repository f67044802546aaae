import { isPrivate } from '@streampay/domain'
import type { Entry, User } from '../api/types.ts'
import { decimalOf } from '../money/money.ts'
import type { Period } from './period.ts'

/**
 * The statement as a table for spreadsheets (RFC 4180): dollars, ISO times, names, and the balance after each entry.
 * Programs read the raw form, which the gateway streams.
 */
export type StatementTable = {
  /** Oldest first. */
  readonly entries: readonly Entry[]
  /** The balance before the first of them, in cents. */
  readonly opening: number
  readonly personOf: (id: string) => Pick<User, 'name' | 'username'>
}

// Without the byte order mark, spreadsheets read the file in the computer's old code page.
export const byteOrderMark = '\uFEFF'
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
  'Visibility',
]

const kindWords = { payment: 'Payment', opening: 'Opening balance', topUp: 'Top-up' } as const

export function statementCsv({ entries, opening, personOf }: StatementTable): string {
  let balance = opening
  const lines = [lineOf(columns.map(csvText))]
  for (const entry of entries) {
    balance += entry.amount
    lines.push(entryLine(entry, balance, personOf(entry.counterparty)))
  }
  return byteOrderMark + lines.join('')
}

function entryLine(entry: Entry, balance: number, person: Pick<User, 'name' | 'username'>): string {
  return lineOf([
    csvText(new Date(entry.at).toISOString()),
    csvText(kindWords[entry.kind]),
    csvText(person.name),
    csvText(person.username),
    decimalOf(entry.amount),
    decimalOf(balance),
    csvText(entry.notes ?? ''),
    csvText(entry.counterparty),
    csvText(entry.transferId),
    csvText(entry.requestId ?? ''),
    csvText(entry.kind !== 'payment' ? '' : isPrivate(entry) ? 'private' : 'public'),
  ])
}

export function lineOf(fields: readonly string[]): string {
  return `${fields.join(',')}\r\n`
}

/**
 * A text that stays text in a spreadsheet. A cell that begins with one of these signs, full-width ones included, would be run as a formula
 * (OWASP, "CSV Injection"): an apostrophe before it makes it text. A spreadsheet with another list separator (`;` in half of Europe) splits
 * the line at other places and ignores quotes there, so the text after any separator counts as a beginning. Tabs and line breaks become
 * blanks, because they separate too.
 */
export function csvText(text: string): string {
  const oneLine = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  const harmless = oneLine.replace(/(^|[,;|])(["'\s]*)(?=[=+\-@＝＋－＠])/gu, "$1$2'")
  return `"${harmless.replaceAll('"', '""')}"`
}

/** `streampay-statement_2026-10_2026-11.csv`: from the first month to the last. */
export function statementFileName({ from, to }: Period, form: 'table' | 'raw' = 'table'): string {
  return `streampay-statement${form === 'raw' ? '-raw' : ''}_${from}_${to}.csv`
}
