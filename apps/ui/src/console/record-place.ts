import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import { type FilterField, filterFields } from './record-matcher.ts'

/** The place on a topic, as the address says it: from where records are read, the filter, and the open record. */
export type RecordPlace = {
  /** `newest`, `end`, `beginning`, `offset:N` or `time:MS`. */
  readonly from: string
  /** The partition; undefined for all. */
  readonly partition: number | undefined
  readonly field: FilterField
  readonly text: string
  /** The open record; undefined if none is open. */
  readonly record: { readonly partition: number; readonly offset: number } | undefined
}

export const newestCount = 50
const firstPlace: RecordPlace = { from: 'newest', partition: undefined, field: 'any', text: '', record: undefined }

/** A part that the address lacks, or has in an unknown form, gets its default. */
export function placeOf(query: LocationQuery): RecordPlace {
  const { from, partition, in: field, q: text, record } = query
  const [, recordPartition, recordOffset] = /^(\d{1,4}):(\d{1,15})$/.exec(String(record ?? '')) ?? []
  return {
    from: /^(newest|end|beginning|(offset|time):\d{1,15})$/.test(String(from ?? '')) ? String(from) : firstPlace.from,
    partition: /^\d{1,4}$/.test(String(partition ?? '')) ? Number(partition) : undefined,
    field: filterFields.find((known) => known === field) ?? firstPlace.field,
    text: typeof text === 'string' ? text : firstPlace.text,
    record:
      recordOffset === undefined ? undefined : { partition: Number(recordPartition), offset: Number(recordOffset) },
  }
}

/** The query of an address, without the parts that have their defaults. */
export function queryOf({ from, partition, field, text, record }: RecordPlace): LocationQueryRaw {
  return {
    ...(from === firstPlace.from ? {} : { from }),
    ...(partition === undefined ? {} : { partition: String(partition) }),
    ...(field === firstPlace.field ? {} : { in: field }),
    ...(text === '' ? {} : { q: text }),
    ...(record === undefined ? {} : { record: `${record.partition}:${record.offset}` }),
  }
}

/** The value of the gateway's parameter `from`. */
export function startOf({ from }: RecordPlace): string {
  return from === 'newest' ? `newest:${newestCount}` : from
}
