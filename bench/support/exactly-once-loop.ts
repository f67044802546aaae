/**
 * The payments loop without the payments: commands are read, each makes four records on three topics, and records and offsets are committed
 * in one transaction a batch. Times are from the produce of a command to the visibility of its reply for a read_committed reader. Clients
 * and processor share one thread.
 */
import {
  type Cluster,
  openAdmin,
  openGroup,
  openProducer,
  openReader,
  openTransactionalProducer,
  type RecordToSend,
} from '@streampay/kafka'

export type Loop = {
  /** How long each command took that was sent in so many seconds, in ms. */
  measure(how: { readonly inFlight: number; readonly seconds: number }): Promise<number[]>
  close(): Promise<void>
}

const topicNames = ['commands', 'replies', 'transactions', 'balances'] as const
type Topics = Record<(typeof topicNames)[number], string>

const partitions = [0, 1, 2, 3]

/** @param name of the run: it is part of the names of topics, group and transactional id */
export async function openLoop(cluster: Cluster, name: string): Promise<Loop> {
  const topics = Object.fromEntries(topicNames.map((topic) => [topic, `${name}-${topic}`])) as Topics
  const admin = openAdmin(cluster)
  await admin.createTopics(Object.values(topics).map((topic) => ({ name: topic, partitions: partitions.length })))
  const effects = (command: Command) => effectsOf(topics, command)
  const processor = await openProcessor(cluster, { name, commands: topics.commands, effects })
  return {
    measure: (how) => measure(cluster, { ...how, topics }),
    async close() {
      await processor.stop()
      await admin.deleteTopics(Object.values(topics))
    },
  }
}

export type Command = { readonly key: Buffer | null; readonly value: string }

export type ProcessorOptions = {
  /** Of the group, and of the transactional id. */
  readonly name: string
  /** The topic that is read, of four partitions. */
  readonly commands: string
  /** What a command causes. */
  readonly effects: (command: Command) => readonly RecordToSend[]
}

/** Resolves when it reads. It begins at the start of the topic, with any committed offsets. */
export async function openProcessor(
  cluster: Cluster,
  { name, commands, effects }: ProcessorOptions,
): Promise<{ stop(): Promise<void> }> {
  const producer = await openTransactionalProducer(cluster, { transactionalId: name })
  const assigned = Promise.withResolvers<void>()
  const group = openGroup(cluster, {
    groupId: name,
    instanceId: 'slot-0',
    topics: [commands],
    onAssigned: () => assigned.resolve(),
    onRevoked: () => undefined,
    onLost: () => undefined,
  })
  await assigned.promise
  const reader = openReader(cluster)
  reader.assign(partitions.map((partition) => ({ topic: commands, partition, offset: 0 })))
  const work = (async () => {
    for await (const fetched of reader) {
      const received = fetched.flatMap((part) => part.records)
      const records = received.flatMap(({ key, value }) => effects({ key, value: String(value) }))
      const offsets = fetched.map(({ topic, partition, position }) => {
        return { topic, partition, offset: position, metadata: producer.transactionalId }
      })
      producer.begin()
      await Promise.all([producer.send(records), producer.sendOffsets(group.metadata(), offsets)])
      await producer.commit()
    }
  })()
  return {
    async stop() {
      await reader.close()
      await work
      await group.close({ leave: true })
      await producer.close()
    },
  }
}

function effectsOf(topics: Topics, { key, value }: Command): RecordToSend[] {
  const { id } = JSON.parse(value) as { id: number }
  return [
    { topic: topics.replies, key, value: JSON.stringify({ id, status: 200 }) },
    { topic: topics.transactions, key, value },
    { topic: topics.transactions, key: `recipient ${id % 97}`, value },
    { topic: topics.balances, key, value: JSON.stringify({ balance: id }) },
  ]
}

type Question = { readonly inFlight: number; readonly seconds: number; readonly topics: Topics }

async function measure(cluster: Cluster, { inFlight, seconds, topics }: Question): Promise<number[]> {
  const producer = openProducer(cluster)
  const reader = openReader(cluster)
  const replies = partitions.map((partition) => ({ topic: topics.replies, partition }))
  reader.assign(await openAdmin(cluster).listOffsets(replies, 'latest'))
  const sentAt = new Map<number, number>()
  const took: number[] = []
  let next = 0
  const began = performance.now()
  const send = async () => {
    const id = next++
    sentAt.set(id, performance.now())
    await producer.send([
      { topic: topics.commands, key: `payer ${id % 100}`, value: JSON.stringify({ id, amount: 5 }) },
    ])
  }
  const sends: Promise<void>[] = Array.from({ length: inFlight }, send)
  while (sentAt.size > 0) {
    for (const { value } of (await reader.poll()).flatMap(({ records }) => records)) {
      const { id } = JSON.parse(String(value)) as { id: number }
      const at = sentAt.get(id)
      if (at === undefined) throw new Error(`command ${id} was answered twice`)
      sentAt.delete(id)
      took.push(performance.now() - at)
      if (performance.now() - began < seconds * 1000) sends.push(send())
    }
  }
  await Promise.all(sends)
  await reader.close()
  await producer.close()
  return took
}
