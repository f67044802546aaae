/** The present records of a view as JSON or CSV: which records, with which entity tag, written one chunk at a time. */
import type { Hash } from 'node:crypto'
import { closeEntityTag, openEntityTag } from '../shared/entity-tag.ts'
import type { Access } from './access.ts'
import type { History } from './history.ts'
import type { View } from './view.ts'
import type { ViewRecord } from './view-record.ts'

/** The parts of a snapshot for its entity tag. */
export type Signed = { readonly sign: (hash: Hash) => void }

/** The tag of the JSON of a view of one value; undefined if there is none. */
export function tagOfSnapshot(view: View, access: Access): string | undefined {
  const record = view.current(access)
  return record === undefined ? undefined : tagOf(view, signedRecords([record]), 'json')
}

/** `representation`: every other value, besides the records, that decides the response. */
export function tagOf(view: View, { sign }: Signed, representation: string): string {
  const { topicId, mark } = view.feed
  const hash = openEntityTag(`${representation}\n${view.name}\n${topicId}\n${mark}\n`)
  sign(hash)
  return closeEntityTag(hash)
}

export function signedRecords(records: readonly ViewRecord[]): Signed {
  return {
    sign: (hash) => {
      for (const { partition, offset } of records) hash.update(`${partition}:${offset},`)
    },
  }
}

/** A JSON array of the values. */
export function jsonArrayOf(records: readonly ViewRecord[]): string {
  return `[${records.map(({ value }) => value).join(',')}]`
}

/** RFC 4180, with a header line. @throws LogUnavailableError */
export async function* csvOf(history: History, columns: readonly string[]): AsyncIterable<string> {
  yield `${columns.join(',')}\r\n`
  for await (const batch of history.batches()) {
    yield batch.map(({ record }) => csvLineOf(record, columns)).join('')
  }
}

export function csvLineOf({ value }: Pick<ViewRecord, 'value'>, columns: readonly string[]): string {
  const parsed: unknown = JSON.parse(value ?? 'null')
  return `${columns.map((column) => csvField(Reflect.get(Object(parsed), column))).join(',')}\r\n`
}

function csvField(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content !== 'string') return JSON.stringify(content)
  // A spreadsheet would run text that begins like a formula; an apostrophe makes it text.
  const text = /^[=+\-@\t\r]/.test(content) ? `'${content}` : content
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Begins reading, so that an unreachable log is noticed before the response begins. */
export async function primed(chunks: AsyncIterable<string>): Promise<AsyncIterable<string>> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first = await iterator.next()
  return {
    [Symbol.asyncIterator]: async function* () {
      if (first.done) return
      yield first.value
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    },
  }
}
