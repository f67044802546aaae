/**
 * Where a stream begins: at the start, at the client's last position (`Last-Event-ID`), or, if it can't continue from there, with an
 * explicit reset. Never with a gap that the client doesn't notice.
 */
import type { Admin } from '@streampay/kafka'
import { deleteRetentionMs, isCompacted } from '../definition/definition.ts'
import { byPartition } from '../shared/by-partition.ts'
import type { Clock } from '../shared/clock.ts'
import { type Position, parseEventId } from '../shared/event-id.ts'
import { ProblemError } from '../shared/problem.ts'
import type { TopicFeed } from '../views/topic-feed.ts'

export type ResetReason = 'below-log-start' | 'above-log-end' | 'other-topic' | 'other-partitions' | 'too-old'

export type StreamStart =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly offsets: readonly number[]; readonly time: number }
  | { readonly kind: 'reset'; readonly reason: ResetReason }

/** How long a gateway may take to reach the position of a client that another gateway has served. */
const catchUpTimeoutMs = 5_000

type StartOptions = {
  readonly feed: TopicFeed
  readonly admin: Admin
  readonly clock: Clock
}

/**
 * The position of an event id of this view; undefined without one.
 *
 * @throws ProblemError 400 for an id that is not of this view
 */
export function positionOf(eventId: string | undefined, view: string): Position | undefined {
  if (eventId === undefined || eventId === '') return undefined
  const position = parseEventId(eventId)
  if (position === undefined) throw new ProblemError('invalid-position', 'The last event id was not made by a gateway.')
  if (position.view !== view) {
    throw new ProblemError('invalid-position', `The last event id is of the view "${position.view}", not "${view}".`)
  }
  return position
}

/** @throws ProblemError 503 if this gateway does not reach the position in time or cannot ask the log for its end */
export async function startOf(after: Position | undefined, options: StartOptions): Promise<StreamStart> {
  if (after === undefined) return { kind: 'fresh' }
  const { feed, clock } = options
  const { offsets, time } = after
  if (after.topicId !== feed.topicId) return { kind: 'reset', reason: 'other-topic' }
  if (offsets.length !== feed.positions.length) return { kind: 'reset', reason: 'other-partitions' }
  // Tombstones that the client has not seen may be removed by now.
  if (isCompacted(feed.topic) && clock.now() - time > deleteRetentionMs(feed.topic))
    return { kind: 'reset', reason: 'too-old' }
  if (offsets.some((offset, partition) => offset < (feed.logStarts[partition] ?? 0))) {
    return { kind: 'reset', reason: 'below-log-start' }
  }
  if (isAbove(offsets, feed.positions)) {
    if (await isAboveEnd(offsets, options)) return { kind: 'reset', reason: 'above-log-end' }
    // Another gateway was ahead of this one.
    if (!(await feed.reached(offsets, catchUpTimeoutMs))) throw notThereYet()
  }
  return { kind: 'resume', offsets, time }
}

async function isAboveEnd(offsets: readonly number[], { feed, admin }: StartOptions): Promise<boolean> {
  if (!isAbove(offsets, feed.highWatermarks)) return false
  try {
    const partitions = offsets.map((_, partition) => ({ topic: feed.topic.name, partition }))
    return isAbove(offsets, byPartition(await admin.listOffsets(partitions, 'latest')))
  } catch (error) {
    throw notThereYet(error)
  }
}

function isAbove(offsets: readonly number[], bounds: readonly number[]): boolean {
  return offsets.some((offset, partition) => offset > (bounds[partition] ?? 0))
}

function notThereYet(cause?: unknown): ProblemError {
  const detail = 'This gateway has not read as far as the last event id says.'
  return new ProblemError('try-again', detail, { headers: { 'retry-after': '1' }, cause })
}
