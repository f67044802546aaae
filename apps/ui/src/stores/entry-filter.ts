import type { Entry } from '../api/types.ts'

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
  const cents = String(Math.abs(entry.amount)).padStart(3, '0')
  const haystack = [
    nameOf(entry.counterparty),
    entry.counterparty,
    entry.notes ?? '',
    entry.transferId,
    `${cents.slice(0, -2)}.${cents.slice(-2)}`,
  ]
  return haystack.some((text) => text.toLocaleLowerCase().includes(wanted))
}
