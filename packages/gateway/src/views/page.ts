/**
 * Pages of a view, newest first. The cursor has, for each partition, the offset below which the next page reads; so pages of a
 * topic that keeps every record neither overlap nor skip while new records come.
 */
import { ProblemError } from '../shared/problem.ts'

export function formatCursor(offsets: readonly number[]): string {
  return offsets.map((offset) => offset.toString(36)).join('.')
}

/** The offsets below which to read: those of the cursor, or the positions. @throws ProblemError 400 for an invalid cursor */
export function offsetsOfCursor(cursor: string | undefined, positions: readonly number[]): readonly number[] {
  if (cursor === undefined) return [...positions]
  const parts = cursor.split('.')
  const offsets = parts.map((part) => (/^[0-9a-z]{1,11}$/.test(part) ? Number.parseInt(part, 36) : Number.NaN))
  const fits = offsets.length === positions.length && offsets.every((offset) => Number.isSafeInteger(offset))
  if (!fits) throw new ProblemError('invalid-position', 'The cursor was not made by this view.')
  return offsets.map((offset, partition) => Math.min(offset, positions[partition] ?? 0))
}
