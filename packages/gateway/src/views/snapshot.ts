/** A view of this moment as JSON or CSV: which records, under which entity tag, written a chunk at a time. */
import { closeEntityTag, openEntityTag } from '../http/entity-tag.ts'
import type { History } from './history.ts'
import type { Lens } from './lens.ts'
import type { View } from './view.ts'
import type { ViewRecord } from './view-record.ts'

/** The tag of the JSON of a view of one value; undefined if there is none. */
export async function tagOfSnapshot(view: View, lens: Lens): Promise<string | undefined> {
  return view.newest(lens) === undefined ? undefined : tagOf(view, await view.history(lens, {}), 'json')
}

/** `representation`: whatever else, besides the records, decides what is sent. */
export function tagOf(view: View, history: Pick<History, 'sign'>, representation: string): string {
  const hash = openEntityTag(`${representation}\n${view.name}\n${view.feed.topicId}\n`)
  history.sign(hash)
  return closeEntityTag(hash)
}

/** A JSON array of the values. @throws LogUnavailableError */
export async function* jsonArrayOf(history: History): AsyncIterable<string> {
  let opened = false
  for await (const batch of history.batches()) {
    if (batch.length === 0) continue
    const values = batch.map(({ record }) => record.value).join(',')
    yield `${opened ? ',' : '['}${values}`
    opened = true
  }
  yield opened ? ']' : '[]'
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

/** Begins reading, so that a log that cannot be reached is known before the response begins. */
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
