import type { TopicRecord } from '../api/types.ts'

export type FilterField = 'any' | 'key' | 'header' | 'value'

export type RecordFilter = {
  readonly text: string
  readonly field: FilterField
  /** Undefined for all. */
  readonly partition: number | undefined
}

/** Whether a record is wanted. A header is matched as `name: value`, so that either or both can be asked for. */
export function matchesRecord(record: TopicRecord, { text, field, partition }: RecordFilter): boolean {
  if (partition !== undefined && record.partition !== partition) return false
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return true
  const has = (candidate: string) => candidate.toLowerCase().includes(wanted)
  const inKey = () => has(record.key ?? '')
  const inHeader = () => Object.entries(record.headers).some(([name, value]) => has(`${name}: ${value}`))
  const inValue = () => has(textOf(record.value))
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

/** A record's value as one line: JSON as it is written, other text as it is, nothing for a tombstone. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
