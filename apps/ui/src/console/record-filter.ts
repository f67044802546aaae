import type { TopicRecord } from '../api/types.ts'
import { rawText, valueText } from './raw-text.ts'

export type FilterField = 'any' | 'key' | 'header' | 'value'

export type RecordFilter = {
  readonly text: string
  readonly field: FilterField
  /** Undefined for all. */
  readonly partition: number | undefined
}

/** Whether a record is wanted, by what was written. A header is matched as `name: value`, so that either or both can be asked for. */
export function matchesRecord(record: TopicRecord, { text, field, partition }: RecordFilter): boolean {
  if (partition !== undefined && record.partition !== partition) return false
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return true
  const has = (candidate: string) => candidate.toLowerCase().includes(wanted)
  const { key, headers } = record.raw
  const inKey = () => has(rawText(key) ?? '')
  const inHeader = () => headers.some(({ name, value }) => has(`${name}: ${rawText(value) ?? 'null'}`))
  const inValue = () => has(valueText(record))
  switch (field) {
    case 'key':
      return inKey()
    case 'header':
      return inHeader()
    case 'value':
      return inValue()
    case 'any':
      return inKey() || inHeader() || inValue()
  }
}
