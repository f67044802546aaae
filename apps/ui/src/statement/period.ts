import { monthsFrom, startOfMonth } from '@streampay/domain'
import type { Statement } from '../api/types.ts'
import { formatLocale } from '../i18n/language.ts'

/** The first and the last month as `2026-11`, in UTC; both belong to the period. */
export type Period = { readonly from: string; readonly to: string }

/** The figures of a period, summed over its months; in cents. */
export type PeriodFigures = Pick<Statement, 'opening' | 'closing' | 'moneyIn' | 'moneyOut' | 'countIn' | 'countOut'>

const monthText = /^\d{4}-(0[1-9]|1[0-2])$/
const named = new Intl.DateTimeFormat(formatLocale, { month: 'long', year: 'numeric', timeZone: 'UTC' })
const short = new Intl.DateTimeFormat(formatLocale, { month: 'short', year: 'numeric', timeZone: 'UTC' })

/** The period that an address asks for; undefined if it asks for none. If it ends before it begins, both ends are swapped. */
export function periodAsked(query: Readonly<Record<string, unknown>>): Period | undefined {
  const months = [query.from, query.to].filter((text) => typeof text === 'string' && monthText.test(text)) as string[]
  const [first, second = first] = months.sort()
  return first === undefined || second === undefined ? undefined : { from: first, to: second }
}

/** @param months every month of the account, in any order */
export function figuresOf(months: readonly Statement[], { from, to }: Period): PeriodFigures {
  const inOrder = months.toSorted((left, right) => (left.month < right.month ? -1 : 1))
  const within = inOrder.filter(({ month }) => month >= from && month <= to)
  const before = inOrder.findLast(({ month }) => month < from)?.closing ?? 0
  const sum = (figure: 'moneyIn' | 'moneyOut' | 'countIn' | 'countOut') =>
    within.reduce((total, month) => total + month[figure], 0)
  return {
    opening: within[0]?.opening ?? before,
    closing: within.at(-1)?.closing ?? before,
    moneyIn: sum('moneyIn'),
    moneyOut: sum('moneyOut'),
    countIn: sum('countIn'),
    countOut: sum('countOut'),
  }
}

/** When it begins, and the first moment after it, in ms since the epoch. */
export function boundsOf({ from, to }: Period): { readonly start: number; readonly end: number } {
  return { start: startOfMonth(from), end: startOfMonth(monthsFrom(to, 1)) }
}

/** Every month from the first to the last, the newest first; the newest `most` of them. */
export function monthsBetween({ from, to }: Period, most: number): readonly string[] {
  const months: string[] = []
  for (let month = to; month >= from && months.length < most; month = monthsFrom(month, -1)) months.push(month)
  return months
}

/** “November 2026”. */
export function monthWords(month: string): string {
  return named.format(startOfMonth(month))
}

/** “Nov 2026”. */
export function shortMonth(month: string): string {
  return short.format(startOfMonth(month))
}

/** “November 2026”, “October to November 2026”, “December 2025 to January 2026”. */
export function periodWords({ from, to }: Period): string {
  return from === to ? monthWords(from) : named.formatRange(startOfMonth(from), startOfMonth(to))
}

/** The query parameters of a request for data of the period. */
export function timesOf(period: Period): string {
  const { start, end } = boundsOf(period)
  return `from=${start}&to=${end}`
}
