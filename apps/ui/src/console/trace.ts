import { headerNames, requestIdOf, topicNames, transferIdOf } from '@streampay/domain'
import type { TopicRecord } from '../api/types.ts'

/**
 * The way of one command through the log: found by the correlation id of its HTTP request, or by the id of the transfer
 * or request that it caused. Ids tell where to look: a correlation id (UUIDv7) holds the time of the request, a transfer
 * or request id the coordinates of its command. So nothing but a short stretch of each topic is read.
 */
export type Trace = {
  readonly command: TopicRecord
  readonly correlationId: string | undefined
  readonly transferId: string
  readonly requestId: string
  /** In order of time, the command first. */
  readonly records: readonly TopicRecord[]
}

export type TraceStart =
  | { readonly kind: 'command'; readonly partition: number; readonly offset: number }
  | { readonly kind: 'correlation'; readonly id: string; readonly at: number }

export type PageQuery = { readonly from: string; readonly partition?: number; readonly limit: number }

/** Reads a bounded stretch of a topic, oldest first. */
export type ReadPage = (topic: string, query: PageQuery) => Promise<readonly TopicRecord[]>

/** Clocks of gateway and log differ a little. */
const slackMs = 2_000
const pageLimit = 1_000

/** What is followed through, beside the commands themselves. */
const followed = [
  topicNames.replies,
  topicNames.transactions,
  topicNames.balances,
  topicNames.balanceHistories,
  topicNames.paymentRequests,
  topicNames.activities,
  topicNames.deadLetters,
] as const

/** Reads an id as it was typed. @returns undefined if it is none that can be followed */
export function startOfTrace(typed: string): TraceStart | undefined {
  const id = typed.trim()
  const coordinates = /^[tr](\d+)-(\d+)$/.exec(id)
  if (coordinates !== null)
    return { kind: 'command', partition: Number(coordinates[1]), offset: Number(coordinates[2]) }
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(id)) return undefined
  return { kind: 'correlation', id: id.toLowerCase(), at: Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) }
}

/** Follows an id through the log. @returns undefined if its command isn't there (any more) */
export async function followTrace(start: TraceStart, read: ReadPage): Promise<Trace | undefined> {
  const command = await findCommand(start, read)
  if (command === undefined) return undefined
  const { partition, offset, timestamp, headers } = command
  const ids = {
    correlationId: headers[headerNames.correlationId] ?? undefined,
    transferId: transferIdOf({ partition, offset }),
    requestId: headers[headerNames.requestId] ?? settledBy(command.value) ?? requestIdOf({ partition, offset }),
  }
  const from = `time:${Math.max(0, timestamp - slackMs)}`
  const stretches = await Promise.all(followed.map((topic) => read(topic, { from, limit: pageLimit })))
  const effects = stretches.flat().filter((record) => belongsTo(record, ids))
  return { command, ...ids, records: [command, ...effects.sort(byTime)] }
}

async function findCommand(start: TraceStart, read: ReadPage): Promise<TopicRecord | undefined> {
  if (start.kind === 'command') {
    const { partition, offset } = start
    const page = await read(topicNames.commands, { from: `offset:${offset}`, partition, limit: 1 })
    return page.find((record) => record.partition === partition && record.offset === offset)
  }
  const page = await read(topicNames.commands, { from: `time:${Math.max(0, start.at - slackMs)}`, limit: pageLimit })
  return page.find((record) => record.headers[headerNames.correlationId] === start.id)
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
