/** A Kafka client of the test's own: writes commands and users, and follows what the service writes. */
import { type Balance, headerNames, jsonContentType, topicNames, topics } from '@streampay/domain'
import { openAdmin, openCluster, openProducer, openReader, type ReceivedRecord } from '@streampay/kafka'
import { headerText } from '@streampay/streams'

export type LogClient = Awaited<ReturnType<typeof openLogClient>>

export type Sent = {
  readonly identity: string
  readonly model: string
  readonly body: unknown
  readonly key: string
  readonly requestId?: string
  readonly traceparent?: string
}

export type Answer = {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly replayed: boolean
  readonly key: string | undefined
}

/** Topics whose records are kept as they come. */
const followed = Object.values(topicNames)

export async function openLogClient(broker: string) {
  const cluster = openCluster({ brokers: [broker], clientId: 'payments-test' })
  await cluster.ready({ timeoutMs: 10_000 })
  const producer = openProducer(cluster)
  const reader = openReader(cluster, { isolation: 'read_committed', maxWaitMs: 50 })
  const records = new Map<string, ReceivedRecord[]>(followed.map((name) => [name, []]))
  const waiting = new Set<() => void>()
  let correlations = 0

  const following = (async () => {
    for await (const fetched of reader) {
      for (const part of fetched) records.get(part.topic)?.push(...part.records)
      for (const wake of [...waiting]) wake()
    }
  })()

  /** Resolves with the first value that `look` finds in the records so far and to come. */
  async function eventually<T>(what: string, look: () => T | undefined, timeoutMs = 15_000): Promise<T> {
    const found = look()
    if (found !== undefined) return found
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const timer = setTimeout(() => reject(new Error(`${what} did not come within ${timeoutMs} ms`)), timeoutMs)
    const wake = () => {
      const value = look()
      if (value !== undefined) resolve(value)
    }
    waiting.add(wake)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      waiting.delete(wake)
    }
  }

  const valuesOf = <T>(topic: string): T[] =>
    (records.get(topic) ?? []).map((record) => JSON.parse(record.value?.toString('utf8') ?? 'null') as T)

  function answerTo(correlationId: string): Answer | undefined {
    const record = records.get(topicNames.replies)?.find((reply) => reply.key?.toString('utf8') === correlationId)
    if (record === undefined) return undefined
    return {
      status: Number(headerText(record.headers, headerNames.status)),
      body: JSON.parse(record.value?.toString('utf8') ?? 'null') as Record<string, unknown>,
      replayed: headerText(record.headers, headerNames.replayed) === 'true',
      key: headerText(record.headers, headerNames.idempotencyKey),
    }
  }

  return {
    cluster,
    producer,
    eventually,
    valuesOf,
    records: (topic: string) => records.get(topic) ?? [],

    /** Follows all topics from their beginnings; they exist by now. */
    follow(): void {
      reader.assign(
        topics
          .filter((topic) => followed.some((name) => name === topic.name))
          .flatMap(({ name, partitions }) =>
            Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: 0 })),
          ),
      )
    },

    async register(...ids: string[]): Promise<void> {
      await producer.send(
        ids.map((id) => ({
          topic: topicNames.users,
          key: id,
          value: JSON.stringify({ id, name: `${id} by name`, username: id }),
          headers: { [headerNames.identity]: id },
        })),
      )
    },

    /** Writes commands in one go; resolves with their correlation ids once they are on the log. */
    async send(commands: readonly Sent[]): Promise<string[]> {
      const ids = commands.map(() => `correlation-${++correlations}`)
      await producer.send(
        commands.map(({ identity, model, body, key, requestId, traceparent }, index) => ({
          topic: topicNames.commands,
          key: identity,
          value: typeof body === 'string' ? body : JSON.stringify(body),
          headers: {
            [headerNames.domainModel]: model,
            [headerNames.identity]: identity,
            [headerNames.correlationId]: ids[index] ?? '',
            [headerNames.replyTo]: topicNames.replies,
            [headerNames.idempotencyKey]: key,
            [headerNames.contentType]: jsonContentType,
            ...(requestId === undefined ? {} : { [headerNames.requestId]: requestId }),
            ...(traceparent === undefined ? {} : { [headerNames.traceparent]: traceparent }),
          },
        })),
      )
      return ids
    },

    answer: (correlationId: string, timeoutMs?: number) =>
      eventually(`the reply to ${correlationId}`, () => answerTo(correlationId), timeoutMs),

    async run(command: Sent): Promise<Answer> {
      const [id] = await this.send([command])
      return this.answer(id ?? '')
    },

    balance: (account: string) =>
      valuesOf<Balance>(topicNames.balances).findLast((balance) => balance.account === account)?.balance,

    eventuallyBalance(account: string, expected: number): Promise<true> {
      return eventually(`the balance ${expected} of ${account}`, () =>
        this.balance(account) === expected ? true : undefined,
      )
    },

    /** The group's position in each partition of a topic; -1 where it has not begun. */
    async committed(group: string, topic: string): Promise<number[]> {
      const partitions = [0, 1, 2, 3].map((partition) => ({ topic, partition }))
      const offsets = await openAdmin(cluster).committedOffsets(group, partitions, { requireStable: true })
      return offsets.map(({ offset }) => offset)
    },

    async close(): Promise<void> {
      await reader.close()
      await following
      await producer.close()
      await cluster.close()
    },
  }
}
