import type { TopicRecord } from '../api/types.ts'
import { rawText, valueText } from './raw-text.ts'

/** The part of a record in which a text is searched; with `expression`, the text is a condition. */
export const filterFields = ['any', 'key', 'header', 'value', 'expression'] as const
export type FilterField = (typeof filterFields)[number]

export type RecordFilter = { readonly text: string; readonly field: FilterField }

/** Whether the filter matches a record; or, as words, why an expression has no answer for it. */
export type Matches = (record: TopicRecord) => boolean | { readonly fault: string }

export const matchesAll: Matches = () => true

/** Compares with what was written. A header is matched as `name: value`, so that a filter can name either or both. */
export function textMatcher({ text, field }: RecordFilter): Matches {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return matchesAll
  const has = (candidate: string) => candidate.toLowerCase().includes(wanted)
  const inKey = ({ raw }: TopicRecord) => has(rawText(raw.key) ?? '')
  const inHeader = ({ raw }: TopicRecord) =>
    raw.headers.some(({ name, value }) => has(`${name}: ${rawText(value) ?? 'null'}`))
  const inValue = (record: TopicRecord) => has(valueText(record))
  switch (field) {
    case 'key':
      return inKey
    case 'header':
      return inHeader
    case 'value':
      return inValue
    default:
      return (record) => inKey(record) || inHeader(record) || inValue(record)
  }
}
