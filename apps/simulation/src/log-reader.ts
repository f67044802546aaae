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
  /** Resolves when the directory has been read to where it ended at the start. */
  readonly caughtUp: Promise<void>
  /** Settles when reading ends: rejects on trouble that can't be waited out. */
  readonly done: Promise<void>
  close(): Promise<void>
}

const stateTopics = [topicNames.users, topicNames.balances, topicNames.paymentRequests]

/**
 * Follows what the simulation needs to know: users, balances and payment requests from their beginning, replies from now.
 * Records that aren't what they should be are passed over: judging them is the payments service's business.
 */
export async function openLogReader(cluster: Cluster, admin: Admin, observer: Observer): Promise<LogReader> {
  const described = await admin.describeTopics([...stateTopics, topicNames.replies])
  const partitionsOf = (topic: string): TopicPartition[] =>
    described.find(({ name }) => name === topic)?.partitions.map(({ partition }) => ({ topic, partition })) ?? []
  const state = stateTopics.flatMap(partitionsOf)
  const replies = partitionsOf(topicNames.replies)

  const reader = openReader(cluster)
  const assign = async () => {
    reader.assign([
      ...(await admin.listOffsets(state, 'earliest')),
      ...(await admin.listOffsets(replies, 'latest', 'read_committed')),
    ])
  }
  const target = new Map<string, number>()
  for (const { topic, partition, offset } of await admin.listOffsets(
    partitionsOf(topicNames.users),
    'latest',
    'read_committed',
  )) {
    if (offset > 0) target.set(`${topic}-${partition}`, offset)
  }
  await assign()

  const caughtUp = Promise.withResolvers<void>()
  const noteProgress = () => {
    for (const { topic, partition, position } of reader.positions()) {
      const end = target.get(`${topic}-${partition}`)
      if (end !== undefined && position >= end) target.delete(`${topic}-${partition}`)
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
        // Retention overtook us while the log or this process was away: start over, since all of it may be seen twice.
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

function observe(record: ReceivedRecord, observer: Observer): void {
  const key = record.key?.toString('utf8')
  if (key === undefined) return
  const value = parse(record.value)
  switch (record.topic) {
    case topicNames.users:
      // Without value it is a tombstone; the crowd forgets nobody.
      if (
        value !== undefined &&
        userFault({ key, identity: headerText(record, headerNames.identity), value }) === undefined
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
      const correlationId = headerText(record, headerNames.correlationId)
      const status = Number(headerText(record, headerNames.status))
      if (correlationId !== undefined && Number.isInteger(status))
        observer.onReply(correlationId, { status, body: value })
    }
  }
}

function headerText({ headers }: ReceivedRecord, wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1]?.toString('utf8')
}

/** @returns undefined for what isn't JSON */
function parse(value: Buffer | null): unknown {
  if (value === null) return undefined
  try {
    return JSON.parse(value.toString('utf8'))
  } catch {
    return undefined
  }
}
