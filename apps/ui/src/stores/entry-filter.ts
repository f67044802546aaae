import type { Entry } from '../api/types.ts'
import { moneyParts, parseDollars } from '../money/money.ts'

export type Direction = 'all' | 'in' | 'out'

export type EntryFilter = {
  readonly text: string
  readonly direction: Direction
  /** Days as `2026-11-23`, in the browser's zone; empty for no bound. */
  readonly from: string
  readonly to: string
}

export const noFilter: EntryFilter = { text: '', direction: 'all', from: '', to: '' }

export function isFiltering(filter: EntryFilter): boolean {
  return filter.text.trim() !== '' || filter.direction !== 'all' || filter.from !== '' || filter.to !== ''
}

export type FilterContext = { readonly nameOf: (id: string) => string; readonly dayOf: (at: number) => string }

/** Whether an entry is wanted: by direction, day, and a text found in name, note, id or amount. */
export function matchesFilter(entry: Entry, filter: EntryFilter, { nameOf, dayOf }: FilterContext): boolean {
  if (filter.direction === 'in' && entry.amount < 0) return false
  if (filter.direction === 'out' && entry.amount > 0) return false
  const day = dayOf(entry.at)
  if (filter.from !== '' && day < filter.from) return false
  if (filter.to !== '' && day > filter.to) return false
  const wanted = filter.text.trim().toLocaleLowerCase()
  if (wanted === '') return true
  const words = [nameOf(entry.counterparty), entry.counterparty, entry.notes ?? '', entry.transferId]
  return words.some((text) => text.toLocaleLowerCase().includes(wanted)) || isInAmount(entry.amount, wanted)
}

/**
 * Whether a text is part of an amount as the page shows it or as people write it: `106.26`, `$106.26`, `106,26`, `1,062.60`,
 * `-106.26`, or its beginning. A sign counts where one is given.
 */
function isInAmount(cents: number, text: string): boolean {
  const [, sign = '', digits = ''] =
    /^\s*([-−+]?)\s*\$?\s*([\d.,’'\s]+)$/u.exec(text.replace(/^\$\s*(?=[-−+])/u, '')) ?? []
  if (digits === '' || (sign === '+' && cents < 0) || (sign !== '' && sign !== '+' && cents > 0)) return false
  const parsed = parseDollars(digits)
  if ('cents' in parsed && parsed.cents === Math.abs(cents)) return true
  const typed = digits.replace(/\s/gu, '')
  const { whole, cents: behind } = moneyParts(cents, 'never')
  const plain = whole.replaceAll(',', '')
  return [`${whole}.${behind}`, `${plain}.${behind}`, `${plain},${behind}`].some((shown) => shown.includes(typed))
}
