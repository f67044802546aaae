/** Where to begin reading a topic: `from=beginning|end|newest:N|offset:N|time:MS`, or an earlier event id. */
import type { Admin } from '@streampay/kafka'
import { byPartition } from '../shared/by-partition.ts'
import { type Position, shortTopicId } from '../shared/event-id.ts'
import { ProblemError } from '../shared/problem.ts'

/** The view's name in event ids of the console. */
export const consoleView = 'console'

/** The largest number of newest records at once. */
export const mostNewest = 500

export type From =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'end' }
  /** First this number of newest records of all partitions together, then new ones. */
  | { readonly kind: 'newest'; readonly count: number }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly time: number }

export type TopicPosition = {
  readonly topicId: string
  /** The partitions that are read. */
  readonly partitions: readonly number[]
  /** Next offset of every partition of the topic, read or not. */
  readonly offsets: readonly number[]
  /** Last stable offsets at the time of the request. */
  readonly ends: readonly number[]
  /** The number of newest records to send first; `offsets` are then the starts of the partitions. */
  readonly newest: number | undefined
  /** Why an earlier position could not be continued. */
  readonly reset: 'other-topic' | 'other-partitions' | 'below-log-start' | 'above-log-end' | undefined
}

export type PositionQuery = {
  readonly from: string | undefined
  readonly partition: string | undefined
  /** An earlier event of the same reader. */
  readonly after: Position | undefined
}

/** @throws ProblemError 404 for an unknown topic or partition */
export async function locate(admin: Admin, topic: string, query: PositionQuery): Promise<TopicPosition> {
  const [description] = isTopicName(topic) ? await admin.describeTopics([topic]) : []
  if (description === undefined) throw new ProblemError('not-found', `There is no topic "${topic}".`)
  const all = description.partitions.map(({ partition }) => partition).sort((a, b) => a - b)
  const wanted = query.partition === undefined ? all : all.filter((partition) => String(partition) === query.partition)
  if (wanted.length === 0) throw new ProblemError('not-found', `"${topic}" has the partitions 0 to ${all.length - 1}.`)
  const coordinates = all.map((partition) => ({ topic, partition }))
  const [earliest, ends] = await Promise.all([
    admin.listOffsets(coordinates, 'earliest'),
    admin.listOffsets(coordinates, 'latest', 'read_committed'),
  ])
  const bounds = { earliest: byPartition(earliest), ends: byPartition(ends) }
  const base = { topicId: shortTopicId(description.topicId), partitions: wanted, ends: bounds.ends, newest: undefined }
  if (query.after !== undefined) return { ...base, ...resumed(query.after, base.topicId, wanted, bounds) }
  const from = parseFrom(query.from)
  if (from.kind === 'newest') return { ...base, offsets: bounds.earliest, newest: from.count, reset: undefined }
  if (from.kind !== 'time') return { ...base, offsets: startOffsets(from, bounds), reset: undefined }
  const listed = byPartition(await admin.listOffsets(coordinates, { timestamp: from.time }))
  const offsets = bounds.ends.map((end, partition) => (listed[partition] === -1 ? end : (listed[partition] ?? end)))
  return { ...base, offsets, reset: undefined }
}

/** The range that Kafka accepts; it answers other values with an error. */
function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..'
}

/** @throws ProblemError 400 */
export function parseFrom(text: string | undefined): From {
  if (text === undefined || text === 'end') return { kind: 'end' }
  if (text === 'beginning') return { kind: 'beginning' }
  const [, kind, digits] = /^(newest|offset|time):(\d{1,16})$/.exec(text) ?? []
  const number = Number(digits)
  const isNewest = kind === 'newest'
  if (!Number.isSafeInteger(number) || (isNewest && (number < 1 || number > mostNewest))) {
    const message = 'must be beginning, end, newest:N (N from 1 to 500), offset:N or time:MS'
    throw new ProblemError('malformed-request', `from ${message}.`, {
      members: { errors: [{ field: 'from', message }] },
    })
  }
  if (isNewest) return { kind: 'newest', count: number }
  return kind === 'offset' ? { kind: 'offset', offset: number } : { kind: 'time', time: number }
}

type Bounds = { readonly earliest: readonly number[]; readonly ends: readonly number[] }

/** An offset outside of the log is moved to the nearest end of the log. */
function startOffsets(from: Exclude<From, { kind: 'time' | 'newest' }>, { earliest, ends }: Bounds): number[] {
  return ends.map((end, partition) => {
    const start = earliest[partition] ?? 0
    if (from.kind === 'beginning') return start
    return from.kind === 'end' ? end : Math.min(end, Math.max(start, from.offset))
  })
}

function resumed(
  position: Position,
  topicId: string,
  wanted: readonly number[],
  { earliest, ends }: Bounds,
): Pick<TopicPosition, 'offsets' | 'reset'> {
  const { offsets } = position
  if (position.topicId !== topicId) return { offsets: earliest, reset: 'other-topic' }
  if (offsets.length !== ends.length) return { offsets: earliest, reset: 'other-partitions' }
  if (wanted.some((partition) => (offsets[partition] ?? 0) < (earliest[partition] ?? 0))) {
    return { offsets: earliest, reset: 'below-log-start' }
  }
  if (wanted.some((partition) => (offsets[partition] ?? 0) > (ends[partition] ?? 0))) {
    return { offsets: earliest, reset: 'above-log-end' }
  }
  return { offsets, reset: undefined }
}
