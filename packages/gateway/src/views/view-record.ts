/** A record as views keep it: text instead of buffers, and only the headers that some view reads. */
import type { ReceivedRecord } from '@streampay/kafka'
import type { Owner } from '../definition/definition.ts'

export type ViewRecord = {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: string
  /** JSON text as it is on the log; `null` is a tombstone. */
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** The content of an event: the value of the record, or that the key has left the view. */
export type Change = { readonly record: ViewRecord; readonly gone: boolean }

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/** Undefined for a record without key: no view can have it. */
export function viewRecordOf(record: ReceivedRecord, keptHeaders: ReadonlySet<string>): ViewRecord | undefined {
  if (record.key === null) return undefined
  let headers: Record<string, string> | undefined
  for (const [name, value] of record.headers) {
    if (value === null || !keptHeaders.has(name)) continue
    headers ??= {}
    headers[name] = value.toString('utf8')
  }
  return {
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: record.key.toString('utf8'),
    value: record.value === null ? null : record.value.toString('utf8'),
    headers: headers ?? noHeaders,
  }
}

/** The owner of the record, or the owner and the part. */
export function ownerOf({ key, headers }: ViewRecord, owner: Owner): string | undefined {
  if (owner === 'key') return key
  const identity = headers[owner.header]
  if (owner.part === undefined || identity === undefined) return identity
  const part = headers[owner.part.header]
  return part === undefined ? undefined : partOf(part, identity)
}

/** The form of a part is fixed, so two different pairs never make the same text. */
export function partOf(part: string, identity: string): string {
  return `${part}/${identity}`
}

/** Two owners of the same name group records alike. */
export function ownerName(owner: Owner): string {
  if (owner === 'key') return 'key'
  return owner.part === undefined ? `header:${owner.header}` : `header:${owner.header}/${owner.part.header}`
}

/** Those members of a value that are texts. */
export function textsOf(value: unknown, members: readonly string[]): string[] {
  return members.map((member): unknown => Reflect.get(Object(value), member)).filter((text) => typeof text === 'string')
}

/**
 * Log order over several partitions: by time, while each partition keeps its own order even if its times do not. Each
 * list has the records of one partition, by offset.
 */
export function mergeByTime(lists: readonly (readonly ViewRecord[])[]): ViewRecord[] {
  const filled = lists.filter((list) => list.length > 0)
  const [only] = filled
  if (filled.length <= 1) return only === undefined ? [] : [...only]
  const heads = filled.map(() => 0)
  const merged: ViewRecord[] = []
  for (;;) {
    const next = earliest(filled, heads)
    if (next === undefined) return merged
    merged.push(next.record)
    heads[next.list] = (heads[next.list] ?? 0) + 1
  }
}

/** The list with the earliest first record; of equal times the first list, so that every gateway has the same order. */
export function earliest(
  lists: readonly (readonly ViewRecord[])[],
  heads: readonly number[],
): { readonly list: number; readonly record: ViewRecord } | undefined {
  let found: { list: number; record: ViewRecord } | undefined
  for (const [list, records] of lists.entries()) {
    const record = records[heads[list] ?? 0]
    if (record !== undefined && (found === undefined || record.timestamp < found.record.timestamp))
      found = { list, record }
  }
  return found
}

/** Whether a stream that has read to `from` still needs the record. */
export function isPast(record: ViewRecord, from: readonly number[] | undefined): boolean {
  return from === undefined || record.offset >= (from[record.partition] ?? 0)
}

export function inLogOrder(records: readonly ViewRecord[]): ViewRecord[] {
  const lists = [...Map.groupBy(records, ({ partition }) => partition)].sort(([a], [b]) => a - b)
  return mergeByTime(lists.map(([, list]) => list.toSorted((a, b) => a.offset - b.offset)))
}
