/**
 * A page of a view of a topic that keeps every record, newest first. The cursor holds, for each partition with records of
 * the caller, the offset before which the next page looks; so pages neither overlap nor skip while new records come.
 */
import { ProblemError } from '../http/problem.ts'
import type { Lens } from './lens.ts'
import type { PartitionOffsets } from './offset-index.ts'
import type { View } from './view.ts'
import { mergeByTime, type ViewRecord } from './view-record.ts'

export type Page = {
  /** Newest first. */
  readonly records: readonly ViewRecord[]
  /** Where older ones are; null if there are none. */
  readonly before: string | null
}

export type PageSelection = {
  readonly candidates: readonly PartitionOffsets[]
  readonly before: readonly number[]
  readonly limit: number
}

/** Which records may be on the page, without reading them. @throws ProblemError 400 for a foreign cursor */
export function selectPage(view: View, lens: Lens, cursor: string | undefined, limit: number): PageSelection {
  const before = cursor === undefined ? [...view.feed.positions] : parseCursor(cursor, view.feed.positions)
  return { candidates: view.offsetsOf(lens, { before }), before, limit }
}

/** @throws LogUnavailableError */
export async function readPage(view: View, { candidates, before, limit }: PageSelection): Promise<Page> {
  const newest = candidates.map(({ partition, offsets }) => ({
    partition,
    offsets: offsets.subarray(Math.max(0, offsets.length - limit)),
  }))
  const lists = await Promise.all(newest.map(({ partition, offsets }) => view.read(partition, offsets)))
  const records = mergeByTime(lists).slice(-limit)
  const next = [...before]
  // Records of a partition keep their order, so the first one on the page bounds all older ones of it.
  for (const { partition, offset } of records.toReversed()) next[partition] = offset
  const more = candidates.some(({ partition, offsets }) => (offsets[0] ?? Infinity) < (next[partition] ?? 0))
  return { records: records.toReversed(), before: more && records.length > 0 ? formatCursor(next) : null }
}

function formatCursor(offsets: readonly number[]): string {
  return offsets.map((offset) => offset.toString(36)).join('.')
}

function parseCursor(cursor: string, positions: readonly number[]): number[] {
  const parts = cursor.split('.')
  const offsets = parts.map((part) => (/^[0-9a-z]{1,11}$/.test(part) ? Number.parseInt(part, 36) : Number.NaN))
  const fits = offsets.length === positions.length && offsets.every((offset) => Number.isSafeInteger(offset))
  if (!fits) throw new ProblemError('invalid-position', 'The cursor was not made by this view.')
  return offsets.map((offset, partition) => Math.min(offset, positions[partition] ?? 0))
}
