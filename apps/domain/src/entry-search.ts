/** Which entries of a statement match a search: the same rules for the gateway, which searches all of them, and for the page. */
import { Enum, String as Text } from 'typebox'
import type { Entry } from './schemas.ts'

export const entryDirections = ['in', 'out'] as const
export type EntryDirection = (typeof entryDirections)[number]

/** As parameters of a query. */
export const entrySearchParameters = {
  search: Text({ minLength: 1, maxLength: 100, description: 'part of the name, id, note or amount; not for streams' }),
  direction: Enum([...entryDirections], { description: 'money in, or money out; not for streams' }),
}

export type EntrySearch = {
  /** Compared with name, username, id, note, transfer id and amount, case-insensitively. */
  readonly text?: string | undefined
  readonly direction?: EntryDirection | undefined
}

type Searched = Pick<Entry, 'amount' | 'counterparty' | 'notes' | 'transferId'>

/** @param names the counterparty's name and username */
export function entryMatches(
  entry: Searched,
  { text = '', direction }: EntrySearch,
  names: readonly string[],
): boolean {
  if (direction !== undefined && (direction === 'in') !== entry.amount > 0) return false
  const wanted = folded(text.trim())
  if (wanted === '') return true
  const words = [...names, entry.counterparty, entry.notes ?? '', entry.transferId]
  return words.some((word) => folded(word).includes(wanted)) || isInAmount(entry.amount, wanted)
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

const amountText = /^([-−+]?)\$?([\d.,’']+)$/u

/**
 * Whether a text is part of an amount as people write it: `106.26`, `$106.26`, `106,26`, `1,062.60`, `-106.26`, or its beginning. A
 * sign counts where one is given.
 */
function isInAmount(cents: number, text: string): boolean {
  const plainText = text.replace(/\s/gu, '').replace(/^\$([-−+])/u, '$1$')
  const [, sign = '', typed = ''] = amountText.exec(plainText) ?? []
  if (!/\d/.test(typed) || (sign === '+' && cents < 0) || (sign !== '' && sign !== '+' && cents > 0)) return false
  const digits = String(Math.abs(cents)).padStart(3, '0')
  const [whole, behind] = [digits.slice(0, -2), digits.slice(-2)]
  const written = ['', ',', '.', "'"].flatMap((group) => {
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group)
    return ['.', ','].filter((point) => point !== group).map((point) => `${grouped}${point}${behind}`)
  })
  return written.some((amount) => amount.includes(typed.replaceAll('’', "'")))
}
