/**
 * The newest record of each key of a compacted topic, grouped by owner as its views need it. Tombstones, and records that
 * went to another owner, stay for `delete.retention.ms`, so that a stream that was away can still be told what is gone.
 */
import type { Owner } from '../definition/definition.ts'
import { mergeByTime, ownerName, ownerOf, type ViewRecord } from './view-record.ts'

/** What a record changed for one group; `before` is what the group held under this key. */
export type Transition = {
  /** `ownerName` of the grouping; undefined for the table as a whole. */
  readonly grouping: string | undefined
  readonly group: string
  readonly before: ViewRecord | undefined
  readonly after: ViewRecord
}

export const wholeTable = '*'

type Grouping = { readonly owner: Owner; readonly groups: Map<string, Map<string, ViewRecord>> }

export class Table {
  readonly #entries = new Map<string, ViewRecord>()
  readonly #groupings = new Map<string, Grouping>()
  /** Entries without value, oldest first, with the map that each stands in. */
  #leaving: { readonly record: ViewRecord; readonly from: Map<string, ViewRecord> }[] = []

  constructor(owners: readonly Owner[]) {
    for (const owner of owners) this.#groupings.set(ownerName(owner), { owner, groups: new Map() })
  }

  get size(): number {
    return this.#entries.size
  }

  apply(record: ViewRecord): Transition[] {
    const before = this.#entries.get(record.key)
    this.#put(this.#entries, record)
    const transitions: Transition[] = [{ grouping: undefined, group: wholeTable, before, after: record }]
    for (const [name, { owner, groups }] of this.#groupings) {
      const formerOwner = before === undefined ? undefined : ownerOf(before, owner)
      // A tombstone need not say whose record it ends.
      const newOwner = ownerOf(record, owner) ?? (record.value === null ? formerOwner : undefined)
      const former = formerOwner === undefined ? undefined : groups.get(formerOwner)
      if (former !== undefined && formerOwner !== undefined && formerOwner !== newOwner && before?.value !== null) {
        // For the former owner it is gone, although it lives on. They are not told what became of it.
        const gone = { ...record, value: null }
        this.#put(former, gone)
        transitions.push({ grouping: name, group: formerOwner, before, after: gone })
      }
      if (newOwner === undefined) continue
      const group = groups.get(newOwner) ?? new Map<string, ViewRecord>()
      groups.set(newOwner, group)
      transitions.push({ grouping: name, group: newOwner, before: group.get(record.key), after: record })
      this.#put(group, record)
    }
    return transitions
  }

  get(key: string): ViewRecord | undefined {
    return this.#entries.get(key)
  }

  /** Entries at or past `from` (all without it), those without value included, in log order. */
  since(grouping: string | undefined, group: string, from?: readonly number[]): ViewRecord[] {
    const entries = grouping === undefined ? this.#entries : this.#groupings.get(grouping)?.groups.get(group)
    if (entries === undefined) return []
    return inLogOrder([...entries.values()].filter((record) => isPast(record, from)))
  }

  /** Forgets what is gone since before `time`. */
  sweep(time: number): void {
    const staying = this.#leaving.findIndex(({ record }) => record.timestamp >= time)
    const expired = this.#leaving.splice(0, staying === -1 ? this.#leaving.length : staying)
    for (const { record, from } of expired) if (from.get(record.key) === record) from.delete(record.key)
  }

  clear(): void {
    this.#entries.clear()
    for (const { groups } of this.#groupings.values()) groups.clear()
    this.#leaving = []
  }

  #put(entries: Map<string, ViewRecord>, record: ViewRecord): void {
    entries.set(record.key, record)
    if (record.value === null) this.#leaving.push({ record, from: entries })
  }
}

/** Whether a stream that has read to `from` still has to be told of the record. */
export function isPast(record: ViewRecord, from: readonly number[] | undefined): boolean {
  return from === undefined || record.offset >= (from[record.partition] ?? 0)
}

function inLogOrder(records: readonly ViewRecord[]): ViewRecord[] {
  const lists: ViewRecord[][] = []
  for (const record of records) {
    const list = lists[record.partition] ?? []
    lists[record.partition] = list
    list.push(record)
  }
  for (const list of lists) list?.sort((a, b) => a.offset - b.offset)
  return mergeByTime(lists.filter((list) => list !== undefined))
}
