/**
 * A directory: too large to be sent whole, so it is searched, one page at a time, or read by ids. The cursor has the
 * last place that was read, so pages neither overlap nor skip a person who was there all the time.
 */
import { ProblemError } from '../shared/problem.ts'
import { longestWord } from './folded-words.ts'
import type { View } from './view.ts'
import type { ViewRecord } from './view-record.ts'
import type { IndexPlace } from './word-index.ts'

export const mostIds = 100
/** The length of a key in UTF-16 units. */
export const longestKey = 255
const defaultLimit = 20
/** Word, title and key, with the longest escape for each unit of text, in base64. */
export const longestCursor = Math.ceil(((2 * longestWord + longestKey) * 6 + 16) / 3) * 4

export type DirectoryQuery = {
  readonly search: string | undefined
  readonly limit: number | undefined
  readonly cursor: string | undefined
  readonly ids: ReadonlySet<string> | undefined
}

export type DirectoryPage = { readonly records: readonly ViewRecord[]; readonly next: string | undefined }

/** @throws ProblemError 400 for an invalid cursor, or for ids and a search together */
export function readDirectory(view: View, { search, limit, cursor, ids }: DirectoryQuery): DirectoryPage {
  if (ids !== undefined) {
    if (search !== undefined || cursor !== undefined || limit !== undefined) {
      throw new ProblemError('malformed-request', 'Ask either by id or by search.')
    }
    return { records: view.ofKeys(ids), next: undefined }
  }
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  try {
    const { records, next } = view.search(search ?? '', { limit: limit ?? defaultLimit, after })
    return { records, next: next === undefined ? undefined : formatCursor(next) }
  } catch (error) {
    if (error instanceof RangeError) throw foreignCursor(error)
    throw error
  }
}

export function directoryJson({ records, next }: DirectoryPage): string {
  const items = records.map(({ value }) => value).join(',')
  return `{"items":[${items}]${next === undefined ? '' : `,"next":${JSON.stringify(next)}`}}`
}

function formatCursor({ word, title, key }: IndexPlace): string {
  return Buffer.from(JSON.stringify([word, title, key])).toString('base64url')
}

function parseCursor(cursor: string): IndexPlace {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const [word, title, key] = Array.isArray(parts) ? (parts as unknown[]) : []
    if (typeof word === 'string' && typeof title === 'string' && typeof key === 'string') return { word, title, key }
  } catch (error) {
    throw foreignCursor(error)
  }
  throw foreignCursor(undefined)
}

function foreignCursor(cause: unknown): ProblemError {
  return new ProblemError('invalid-position', 'The cursor was not made by this search.', { cause })
}
