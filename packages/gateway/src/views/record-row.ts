/**
 * A record of a compacted topic as a row:
 *
 *     partition 2 · offset 6 · time 6 · flags 1 · headers 1 { name 1 · length 4 · bytes } · [owners { length + 1, 4 · bytes }] · [key] · value
 *
 * Header names are indexes into the list of those that views read. Owners are stored only if they do not follow from the record
 * itself; the key only if it is too long for the row's own key.
 */
import { isShort } from './row-keys.ts'
import type { ViewRecord } from './view-record.ts'

/** A record, and its group in each grouping of its table. */
export type StoredRecord = ViewRecord & { readonly groups: readonly (string | undefined)[] }

export type RowShape = {
  readonly headerNames: readonly string[]
  /** The groups that follow from the record alone. */
  readonly groupsOf: (record: ViewRecord) => readonly (string | undefined)[]
}

const hasValue = 1
const hasGroups = 2
const hasKey = 4
const fixedBytes = 16

export function encodeRecord(record: StoredRecord, { headerNames, groupsOf }: RowShape): Buffer {
  const { partition, offset, timestamp, key, value, groups } = record
  const headers = headerNames.flatMap((name, index) => {
    const text = record.headers[name]
    return text === undefined ? [] : [{ index, bytes: Buffer.from(text) }]
  })
  const own = groupsOf(record)
  const isOwn = groups.every((group, index) => group === own[index])
  const parts: Buffer[] = [Buffer.alloc(fixedBytes)]
  for (const { index, bytes } of headers) parts.push(Buffer.of(index), lengthOf(bytes.length), bytes)
  if (!isOwn) for (const group of groups) parts.push(...(group === undefined ? [lengthOf(0)] : textOf(group, 1)))
  if (!isShort(key)) parts.push(...textOf(key, 0))
  if (value !== null) parts.push(Buffer.from(value))
  const row = Buffer.concat(parts)
  row.writeUInt16BE(partition, 0)
  row.writeUIntBE(offset, 2, 6)
  row.writeUIntBE(Math.max(0, timestamp), 8, 6)
  row[14] = (value === null ? 0 : hasValue) | (isOwn ? 0 : hasGroups) | (isShort(key) ? 0 : hasKey)
  row[15] = headers.length
  return row
}

/** @param shortKey the record's key if it is short; otherwise it is read from the row */
export function decodeRecord(row: Buffer, shortKey: string, { headerNames, groupsOf }: RowShape): StoredRecord {
  const flags = row[14] ?? 0
  let at = fixedBytes
  const text = (length: number): string => {
    at += length
    return row.toString('utf8', at - length, at)
  }
  const number = (): number => {
    at += 4
    return row.readUInt32BE(at - 4)
  }
  const headers: Record<string, string> = {}
  for (let left = row[15] ?? 0; left > 0; left--) {
    const name = headerNames[row[at++] ?? 0] ?? ''
    headers[name] = text(number())
  }
  const told = (flags & hasGroups) === 0 ? undefined : groupsOf(nothing).map(() => optional(number(), text))
  const key = (flags & hasKey) === 0 ? shortKey : text(number())
  const record: ViewRecord = {
    partition: row.readUInt16BE(0),
    offset: row.readUIntBE(2, 6),
    timestamp: row.readUIntBE(8, 6),
    key,
    headers,
    value: (flags & hasValue) === 0 ? null : row.toString('utf8', at),
  }
  return { ...record, groups: told ?? groupsOf(record) }
}

const nothing: ViewRecord = { partition: 0, offset: 0, timestamp: 0, key: '', value: null, headers: {} }

function optional(length: number, text: (length: number) => string): string | undefined {
  return length === 0 ? undefined : text(length - 1)
}

function textOf(text: string, more: 0 | 1): [Buffer, Buffer] {
  const bytes = Buffer.from(text)
  return [lengthOf(bytes.length + more), bytes]
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(length)
  return bytes
}
