import type { TopicRecord } from '../api/types.ts'
import type { Matches } from './record-matcher.ts'

/**
 * The newest records of a topic, and the matching ones: among these and among all that arrived since the filter was set. A paused tail
 * takes records in without showing them, up to its bound: beyond it the stream has to wait.
 */
export type RecordTail = {
  readonly seen: number
  /** How many matched, of how many that were compared since the filter was set: those that were still kept, and all since. */
  readonly matched: number
  readonly looked: number
  /** For how many of them the condition has no answer, and why it had none for the last of them. */
  readonly faulty: number
  readonly fault: string | undefined
  readonly shown: readonly TopicRecord[]
  readonly waiting: readonly TopicRecord[]
  /** The newest records, matching or not: a new filter can be applied to them at once. */
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
  faulty: 0,
  fault: undefined,
  shown: [],
  waiting: [],
  kept: [],
  isPaused: false,
}

/** Takes records in, newest last, each once. */
export function take(tail: RecordTail, records: readonly TopicRecord[], matches: Matches): RecordTail {
  if (tail.isPaused) return { ...tail, waiting: [...tail.waiting, ...records] }
  const { matching, faulty, fault } = judged(records, matches)
  return {
    ...tail,
    seen: tail.seen + records.length,
    matched: tail.matched + matching.length,
    looked: tail.looked + records.length,
    faulty: tail.faulty + faulty,
    fault: fault ?? tail.fault,
    shown: [...matching, ...tail.shown].slice(0, maxShown),
    kept: [...tail.kept, ...records].slice(-maxKept),
  }
}

export function pause(tail: RecordTail): RecordTail {
  return { ...tail, isPaused: true }
}

/** Shows what arrived during the pause. */
export function resume(tail: RecordTail, matches: Matches): RecordTail {
  return take({ ...tail, isPaused: false, waiting: [] }, tail.waiting, matches)
}

export function isFull(tail: RecordTail): boolean {
  return tail.waiting.length >= maxWaiting
}

export function refilter(tail: RecordTail, matches: Matches): RecordTail {
  const { matching, faulty, fault } = judged(tail.kept, matches)
  const shown = matching.slice(0, maxShown)
  return { ...tail, matched: matching.length, looked: tail.kept.length, faulty, fault, shown }
}

/** The matching records, newest first. */
function judged(records: readonly TopicRecord[], matches: Matches) {
  const matching: TopicRecord[] = []
  let faulty = 0
  let fault: string | undefined
  for (const record of records) {
    const verdict = matches(record)
    if (verdict === true) matching.push(record)
    if (typeof verdict === 'boolean') continue
    faulty += 1
    fault = verdict.fault
  }
  return { matching: matching.reverse(), faulty, fault }
}
