import type { TopicRecord } from '../api/types.ts'
import { matchesRecord, type RecordFilter } from './record-filter.ts'

/**
 * The newest records of a topic and, of these and of everything that came since the filter was set, those that match. A
 * paused tail takes records in without showing them, up to its bound: beyond it the stream has to wait.
 */
export type RecordTail = {
  readonly seen: number
  /** How many matched, of how many that were looked at since the filter was set: those that were still kept, and all since. */
  readonly matched: number
  readonly looked: number
  readonly shown: readonly TopicRecord[]
  readonly waiting: readonly TopicRecord[]
  /** The newest records, matching or not: what a new filter can be applied to at once. */
  readonly kept: readonly TopicRecord[]
  readonly isPaused: boolean
}

export const maxShown = 500
export const maxKept = 2_000
export const maxWaiting = 2_000

export const emptyTail: RecordTail = {
  seen: 0,
  matched: 0,
  looked: 0,
  shown: [],
  waiting: [],
  kept: [],
  isPaused: false,
}

/** Takes records in, newest last, each once. */
export function take(tail: RecordTail, records: readonly TopicRecord[], filter: RecordFilter): RecordTail {
  if (tail.isPaused) return { ...tail, waiting: [...tail.waiting, ...records] }
  const matching = records.filter((record) => matchesRecord(record, filter)).reverse()
  return {
    ...tail,
    seen: tail.seen + records.length,
    matched: tail.matched + matching.length,
    looked: tail.looked + records.length,
    shown: [...matching, ...tail.shown].slice(0, maxShown),
    kept: [...tail.kept, ...records].slice(-maxKept),
  }
}

export function pause(tail: RecordTail): RecordTail {
  return { ...tail, isPaused: true }
}

/** Shows what came meanwhile. */
export function resume(tail: RecordTail, filter: RecordFilter): RecordTail {
  return take({ ...tail, isPaused: false, waiting: [] }, tail.waiting, filter)
}

export function isFull(tail: RecordTail): boolean {
  return tail.waiting.length >= maxWaiting
}

export function refilter(tail: RecordTail, filter: RecordFilter): RecordTail {
  const matching = tail.kept.filter((record) => matchesRecord(record, filter)).reverse()
  return { ...tail, matched: matching.length, looked: tail.kept.length, shown: matching.slice(0, maxShown) }
}
