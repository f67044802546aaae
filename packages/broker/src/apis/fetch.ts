/**
 * Fetch (1), versions 4 to 17 (0 to 3 are answered with UNSUPPORTED_VERSION: they expect messages of an older format).
 * A long poll: it answers when there are `minBytes`, after `maxWaitMs`, or if a partition has an error. Whole batches
 * only; the first partition with data returns at least one, of any size.
 * Differences from Kafka: no replicas, no diverging epochs, no preferred read replica; a session stays on its connection
 * (fetch-sessions.ts).
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */

import { apis, errors, NO_UUID, type RequestOf, type ResponseInputOf } from '@streampay/kafka/wire'
import { moments, tellMoment } from '@streampay/process'
import { monotonicMs } from '../clock.ts'
import { ApiError } from '../log/api-error.ts'
import type { Isolation, Partition, ReadResult } from '../log/types.ts'
import { defineHandler, type RequestContext } from './api.ts'
import { type FetchSession, nothingTold, type SessionPartition, type WantedPartition } from './fetch-sessions.ts'
import { refusalOf } from './refusal.ts'

type Request = RequestOf<typeof apis.fetch>
type Response = ResponseInputOf<typeof apis.fetch>
type PartitionResponse = Response['responses'][number]['partitions'][number]

/** The limit of one answer, whose batches are all in memory. */
const maxResponseBytes = 64 * 1024 * 1024
const noRecords = Buffer.alloc(0)

type Round = {
  readonly answers: readonly Answered[]
  readonly bytes: number
  readonly failed: boolean
  /** Partitions with the visible end in this round. */
  readonly seen: readonly { readonly partition: Partition; readonly end: number }[]
}

type Answered = { readonly asked: SessionPartition; readonly response: PartitionResponse }

export const fetch = defineHandler(apis.fetch, async (request, context) => {
  const { connection, broker } = context
  const { fetchSessions } = broker
  let session: FetchSession | undefined
  try {
    session = fetchSessions.next(request, connection)
  } catch (error) {
    return { ...refusalOf(error, broker.logger), sessionId: 0, responses: [] }
  }
  const isolation: Isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const deadline = monotonicMs() + request.maxWaitMs
  const isWhole = session === undefined
  // The session begins with this answer: its values need not be sent again.
  session ??= fetchSessions.open(request, connection)
  for (;;) {
    const asked = session?.partitions() ?? partitionsOf(request)
    const round = await readRound(request, { asked, isolation, context })
    const leftMs = deadline - monotonicMs()
    const enough = round.bytes >= Math.min(request.minBytes, request.maxBytes) || round.failed
    if (enough || leftMs <= 0 || connection.closed.aborted) {
      const answers = session === undefined ? round.answers : newsOf(session, round.answers, isWhole)
      return { errorCode: errors.NONE, sessionId: session?.id ?? 0, responses: byTopic(answers) }
    }
    await waitForMore(round, { isolation, leftMs, closed: connection.closed })
  }
})

function partitionsOf({ topics }: Request): SessionPartition[] {
  return topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((wanted) => ({ topic, topicId, wanted, told: nothingTold })),
  )
}

type RoundOptions = {
  readonly asked: readonly SessionPartition[]
  readonly isolation: Isolation
  readonly context: RequestContext
}

async function readRound(
  request: Pick<Request, 'maxBytes'>,
  { asked, isolation, context }: RoundOptions,
): Promise<Round> {
  const seen: { partition: Partition; end: number }[] = []
  const answers: Answered[] = []
  const maxBytes = Math.min(request.maxBytes, maxResponseBytes)
  let bytes = 0
  let failed = false
  for (const one of asked) {
    const room = { bytes: Math.max(maxBytes - bytes, 0), isFirst: bytes === 0 }
    const read = readOne({ topic: one, wanted: one.wanted, isolation, room }, context)
    const answer = read instanceof Promise ? await read : read
    bytes += answer.response.records?.length ?? 0
    failed ||= answer.response.errorCode !== errors.NONE
    if (answer.partition) {
      const { highWatermark, lastStableOffset = highWatermark } = answer.response
      seen.push({ partition: answer.partition, end: isolation === 'read_committed' ? lastStableOffset : highWatermark })
    }
    answers.push({ asked: one, response: answer.response })
  }
  return { answers, bytes, failed, seen }
}

/** The partitions that the client does not know yet; all of them if it has asked for all. */
function newsOf(session: FetchSession, answers: readonly Answered[], isWhole: boolean): Answered[] {
  return answers.filter(({ asked, response }) => {
    const { highWatermark, logStartOffset = -1, records, errorCode } = response
    const { told } = asked
    const hasRecords = (records?.length ?? 0) > 0
    const isNews = hasRecords || highWatermark !== told.highWatermark || logStartOffset !== told.logStartOffset
    asked.told = { highWatermark, logStartOffset }
    if (hasRecords) session.moveToEnd(asked)
    return isWhole || isNews || errorCode !== errors.NONE
  })
}

/** In the order of each topic's first partition. */
function byTopic(answers: readonly Answered[]): Response['responses'] {
  const topics = Map.groupBy(answers, ({ asked }) => `${asked.topic} ${asked.topicId}`)
  return [...topics.values()].flatMap((ofTopic) => {
    const [first] = ofTopic
    if (first === undefined) return []
    const { topic, topicId } = first.asked
    return [{ topic, topicId, partitions: ofTopic.map(({ response }) => response) }]
  })
}

type PartitionRead = {
  readonly topic: Pick<SessionPartition, 'topic' | 'topicId'>
  readonly wanted: WantedPartition
  readonly isolation: Isolation
  readonly room: { readonly bytes: number; readonly isFirst: boolean }
}

type Answer = { readonly response: PartitionResponse; readonly partition?: Partition }

/** Most partitions of a long poll have no new records: they cost no promise. */
function readOne(read: PartitionRead, context: RequestContext): Answer | Promise<Answer> {
  const { wanted, isolation, room } = read
  const refused = (error: unknown): Answer => {
    const { errorCode } = refusalOf(error, context.broker.logger)
    return { response: { partitionIndex: wanted.partition, errorCode, highWatermark: -1, records: noRecords } }
  }
  try {
    const partition = readablePartition(read, context)
    if (partition.isAtEnd(wanted.fetchOffset, isolation)) {
      const { highWatermark, lastStableOffset, logStartOffset } = partition
      const nothing = { highWatermark, lastStableOffset, logStartOffset, abortedTransactions: [], records: noRecords }
      return answerOf(partition, isolation, nothing)
    }
    const range = {
      offset: wanted.fetchOffset,
      maxBytes: Math.min(wanted.partitionMaxBytes, room.bytes),
      isolation,
      minOneBatch: room.isFirst,
    }
    return partition.read(range).then((result) => answerOf(partition, isolation, result), refused)
  } catch (error) {
    return refused(error)
  }
}

function answerOf(partition: Partition, isolation: Isolation, result: ReadResult): Answer {
  const { highWatermark, lastStableOffset, logStartOffset, records } = result
  // Null means "not requested", and makes Java consumers take every record as committed.
  const abortedTransactions = isolation === 'read_committed' ? result.abortedTransactions : null
  const offsets = { highWatermark, lastStableOffset, logStartOffset }
  const response = { partitionIndex: partition.index, errorCode: errors.NONE, ...offsets, abortedTransactions, records }
  return { response, partition }
}

function readablePartition({ topic, wanted }: PartitionRead, { apiVersion, broker }: RequestContext): Partition {
  if (apiVersion < 4) throw new ApiError(errors.UNSUPPORTED_VERSION, `Fetch ${apiVersion} is too old; 4 is needed`)
  const byId = topic.topicId !== NO_UUID
  const name = byId ? broker.storage.topicById(topic.topicId)?.name : topic.topic
  if (name === undefined || (apiVersion >= 13 && !byId)) {
    throw new ApiError(errors.UNKNOWN_TOPIC_ID, `There is no topic with the id ${topic.topicId}`)
  }
  const partition = broker.storage.partition(name, wanted.partition)
  if (partition) return partition
  throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${name}-${wanted.partition}`)
}

type Until = { readonly isolation: Isolation; readonly leftMs: number; readonly closed: AbortSignal }

/** Waits until one partition has more than in this round, until the time is over, or until the client disconnects. */
async function waitForMore({ seen }: Round, { isolation, leftMs, closed }: Until): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const timer = setTimeout(wake, leftMs)
  closed.addEventListener('abort', wake)
  const callsOff = seen.map(({ partition, end }) => partition.onAdvance(end, isolation, wake))
  await promise
  if (moments.hasSubscribers) tellMoment({ step: 'woken' })
  clearTimeout(timer)
  closed.removeEventListener('abort', wake)
  for (const callOff of callsOff) callOff()
}
