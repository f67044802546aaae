import {
  balance,
  headerNames,
  matches,
  type PaymentRequest,
  paymentRequest,
  topicNames,
  userFault,
} from '@streampay/domain'
import {
  type Admin,
  type Cluster,
  headerText,
  OffsetOutOfRangeError,
  openReader,
  type ReceivedRecord,
  type TopicPartition,
} from '@streampay/kafka'

export type Observer = {
  onUser(id: string): void
  onBalance(account: string, balance: number): void
  onRequest(id: string, request: PaymentRequest | undefined): void
  onReply(correlationId: string, reply: { status: number; body: unknown }): void
}

export type LogReader = {
  /** Resolves when the records that were on the log at the start have been read, as far back as it reads. */
  readonly caughtUp: Promise<void>
  /** Settles when reading ends: rejects on an error that does not end by waiting. */
  readonly done: Promise<void>
  close(): Promise<void>
}

const stateTopics = [topicNames.users, topicNames.balances, topicNames.paymentRequests]

/**
 * The number of offsets of each partition of users, balances and requests that are read at the start: a log may have millions of them, and
 * the recently active people are among the last.
 */
const newestOffsets = 1_000

/**
 * Follows the input of the simulation: users, balances and payment requests from a little before now, replies from now. Invalid records and
 * batches are skipped: the payments service handles them.
 */
export async function openLogReader(cluster: Cluster, admin: Admin, observer: Observer): Promise<LogReader> {
  const described = await admin.describeTopics([...stateTopics, topicNames.replies])
  const partitionsOf = (topic: string): TopicPartition[] =>
    described.find(({ name }) => name === topic)?.partitions.map(({ partition }) => ({ topic, partition })) ?? []
  const state = stateTopics.flatMap(partitionsOf)
  const replies = partitionsOf(topicNames.replies)

  const reader = openReader(cluster, { onUndecodable: 'skip' })
  /** Resolves with the end offset of each partition of the state. */
  const assign = async () => {
    const [starts, ends, now] = await Promise.all([
      admin.listOffsets(state, 'earliest'),
      admin.listOffsets(state, 'latest', 'read_committed'),
      admin.listOffsets(replies, 'latest', 'read_committed'),
    ])
    const startOf = new Map(starts.map((start) => [placeOf(start), start.offset]))
    const newest = ends.map((end) => {
      return { ...end, offset: Math.max(startOf.get(placeOf(end)) ?? 0, end.offset - newestOffsets) }
    })
    reader.assign([...newest, ...now])
    return ends
  }
  const target = new Map<string, number>()
  for (const end of await assign()) {
    if (end.offset > 0) target.set(placeOf(end), end.offset)
  }

  const caughtUp = Promise.withResolvers<void>()
  const noteProgress = () => {
    for (const at of reader.positions()) {
      const end = target.get(placeOf(at))
      if (end !== undefined && at.position >= end) target.delete(placeOf(at))
    }
    if (target.size === 0) caughtUp.resolve()
  }

  let closed = false
  const run = async () => {
    while (!closed) {
      try {
        for (const { records } of await reader.poll()) for (const record of records) observe(record, observer)
        noteProgress()
      } catch (error) {
        // Retention removed the position while the log or this process was away: start over, since all records may be read twice.
        if (!(error instanceof OffsetOutOfRangeError)) throw error
        await assign()
      }
    }
  }
  return {
    caughtUp: caughtUp.promise,
    done: run(),
    close: async () => {
      closed = true
      await reader.close()
    },
  }
}

function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function observe(record: ReceivedRecord, observer: Observer): void {
  const key = record.key?.toString('utf8')
  if (key === undefined) return
  const value = parse(record.value)
  switch (record.topic) {
    case topicNames.users:
      // A tombstone has no value; the crowd keeps the person.
      if (
        value !== undefined &&
        userFault({ key, identity: headerText(record.headers, headerNames.identity), value }) === undefined
      )
        observer.onUser(key)
      return
    case topicNames.balances:
      if (matches(balance, value)) observer.onBalance(value.account, value.balance)
      return
    case topicNames.paymentRequests:
      if (record.value === null) observer.onRequest(key, undefined)
      else if (matches(paymentRequest, value)) observer.onRequest(key, value)
      return
    case topicNames.replies: {
      const correlationId = headerText(record.headers, headerNames.correlationId)
      const status = Number(headerText(record.headers, headerNames.status))
      if (correlationId !== undefined && Number.isInteger(status))
        observer.onReply(correlationId, { status, body: value })
    }
  }
}

/** @returns undefined for a value that isn't JSON */
function parse(value: Buffer | null): unknown {
  if (value === null) return undefined
  try {
    return JSON.parse(value.toString('utf8'))
  } catch {
    return undefined
  }
}
