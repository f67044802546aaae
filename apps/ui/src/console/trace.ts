import { headerNames, requestIdOf, type Span, topicNames, transferIdOf } from '@streampay/domain'
import type { TopicRecord } from '../api/types.ts'

/**
 * The way of one command through the log: found by the correlation id of its HTTP request, or by the id of the transfer or request that it
 * caused. An id says where to search: a correlation id (UUIDv7) has the time of the request in it, a transfer or request id the coordinates
 * of its command. So only a stretch of each topic is read, at most `mostLooked` records of it. The result says which records were read,
 * because "not found" is true of these only.
 */
export type Trace = {
  readonly command: TopicRecord
  readonly correlationId: string | undefined
  readonly transferId: string
  readonly requestId: string
  /** In order of time, the command first. */
  readonly records: readonly TopicRecord[]
  /** The measurements of services, if the command was sampled and is less than an hour old. */
  readonly spans: readonly Span[]
  /** Topics with more records in that stretch than are read: what the command caused may be there, too. */
  readonly unfinished: readonly Covered[]
}

/** The part of a topic that was read. */
export type Covered = {
  readonly topic: string
  readonly looked: number
  /** Milliseconds since the epoch, of the first and of the last record; undefined if there was none. */
  readonly from: number | undefined
  readonly to: number | undefined
  /** Whether every record that could belong to it was read. */
  readonly isComplete: boolean
}

export type Followed =
  | { readonly kind: 'found'; readonly trace: Trace }
  | { readonly kind: 'nothing'; readonly covered: Covered }

export type TraceStart =
  | { readonly kind: 'command'; readonly partition: number; readonly offset: number }
  | { readonly kind: 'correlation'; readonly id: string; readonly at: number }

export type PageQuery = {
  readonly from: string
  /** Goes on after an earlier page instead. */
  readonly after?: string | undefined
  readonly partition?: number
  readonly limit: number
}
export type Page = { readonly items: readonly TopicRecord[]; readonly next: string | undefined }

/** Reads a bounded stretch of a topic, oldest first. */
export type ReadPage = (topic: string, query: PageQuery) => Promise<Page>

/** Clocks of gateway and log differ a little. */
const slackMs = 2_000
/** How much later than its command a record that belongs to it can be: longer than a gateway waits for a reply. */
const windowMs = 60_000
const pageLimit = 1_000
/** The most records that are read of one topic. */
export const mostLooked = 20_000

/** The topics to search, beside the commands themselves. */
const followed = [
  topicNames.replies,
  topicNames.transactions,
  topicNames.balances,
  topicNames.balanceHistories,
  topicNames.paymentRequests,
  topicNames.activities,
  topicNames.deadLetters,
] as const

/** Reads an id as it was typed. @returns undefined if it is no id of a command, transfer or request */
export function startOfTrace(typed: string): TraceStart | undefined {
  const id = typed.trim()
  const coordinates = /^[tr](\d+)-(\d+)$/.exec(id)
  if (coordinates !== null)
    return { kind: 'command', partition: Number(coordinates[1]), offset: Number(coordinates[2]) }
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(id)) return undefined
  return { kind: 'correlation', id: id.toLowerCase(), at: Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) }
}

/** Follows an id through the log. */
export async function followTrace(start: TraceStart, read: ReadPage): Promise<Followed> {
  const { command, covered } = await findCommand(start, read)
  if (command === undefined) return { kind: 'nothing', covered }
  const { partition, offset, timestamp, headers } = command
  const ids = {
    correlationId: headers[headerNames.correlationId] ?? undefined,
    transferId: transferIdOf({ partition, offset }),
    requestId: headers[headerNames.requestId] ?? settledBy(command.value) ?? requestIdOf({ partition, offset }),
  }
  const [spans, ...stretches] = await Promise.all([
    readSpans(command, read),
    ...followed.map((topic) =>
      searchStretch({ topic, at: timestamp, isWanted: (record) => belongsTo(record, ids) }, read),
    ),
  ])
  const effects = stretches.flatMap(({ found }) => found)
  const unfinished = stretches.map(({ covered: each }) => each).filter(({ isComplete }) => !isComplete)
  return { kind: 'found', trace: { command, ...ids, records: [command, ...effects.sort(byTime)], spans, unfinished } }
}

/** All spans of the trace to which a command belongs. */
export async function readSpans({ timestamp, headers }: TopicRecord, read: ReadPage): Promise<readonly Span[]> {
  const traceId = headers[headerNames.traceparent]?.split('-')[1]
  if (traceId === undefined) return []
  const isWanted = ({ value }: TopicRecord) => Reflect.get(Object(value), 'traceId') === traceId
  const { found } = await searchStretch({ topic: topicNames.spans, at: timestamp, isWanted }, read)
  // Each person who takes part gets a copy of a span.
  const distinct = new Map(found.map(({ value }) => [JSON.stringify(value), value as Span]))
  return [...distinct.values()]
}

async function findCommand(
  start: TraceStart,
  read: ReadPage,
): Promise<{ readonly command: TopicRecord | undefined; readonly covered: Covered }> {
  const topic = topicNames.commands
  if (start.kind === 'command') {
    const { partition, offset } = start
    const { items } = await read(topic, { from: `offset:${offset}`, partition, limit: 1 })
    const command = items.find((record) => record.partition === partition && record.offset === offset)
    return { command, covered: { topic, looked: items.length, from: undefined, to: undefined, isComplete: true } }
  }
  const isWanted = (record: TopicRecord) => record.headers[headerNames.correlationId] === start.id
  const { found, covered } = await searchStretch({ topic, at: start.at, isWanted, isEnough: true }, read)
  return { command: found[0], covered }
}

type Search = {
  readonly topic: string
  /** The expected time, in milliseconds since the epoch. */
  readonly at: number
  readonly isWanted: (record: TopicRecord) => boolean
  /** Whether the first match ends the search. */
  readonly isEnough?: boolean
}

/** Reads page after page, until the end of the topic, of the window of time, or of the bound on records. */
async function searchStretch(
  { topic, at, isWanted, isEnough = false }: Search,
  read: ReadPage,
): Promise<{ readonly found: readonly TopicRecord[]; readonly covered: Covered }> {
  const found: TopicRecord[] = []
  const query = { from: `time:${Math.max(0, at - slackMs)}`, limit: pageLimit }
  let looked = 0
  let from: number | undefined
  let to: number | undefined
  let after: string | undefined
  for (;;) {
    const { items, next } = await read(topic, { ...query, after })
    found.push(...items.filter(isWanted))
    looked += items.length
    from ??= items[0]?.timestamp
    to = items.at(-1)?.timestamp ?? to
    const isPast = to !== undefined && to > at + windowMs
    const isComplete = next === undefined || isPast || (isEnough && found.length > 0)
    // A page without records although there are more comes from a log that doesn't answer now.
    if (isComplete || looked >= mostLooked || items.length === 0) {
      return { found, covered: { topic, looked, from, to, isComplete } }
    }
    after = next
  }
}

type Ids = Pick<Trace, 'correlationId' | 'transferId' | 'requestId'>

function belongsTo(record: TopicRecord, { correlationId, transferId, requestId }: Ids): boolean {
  if (
    correlationId !== undefined &&
    (record.key === correlationId || record.headers[headerNames.correlationId] === correlationId)
  )
    return true
  if (record.key === requestId) return true
  if (typeof record.value !== 'object' || record.value === null) return false
  const { transferId: ofTransfer, id } = record.value as { readonly transferId?: unknown; readonly id?: unknown }
  if (ofTransfer === transferId) return true
  return record.topic === topicNames.activities && (id === transferId || id === requestId)
}

function settledBy(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('requestId' in value)) return undefined
  return typeof value.requestId === 'string' ? value.requestId : undefined
}

function byTime(left: TopicRecord, right: TopicRecord): number {
  return left.timestamp - right.timestamp
}
