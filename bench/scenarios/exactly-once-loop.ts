/**
 * The payments loop without the payments: commands are read, each makes four records on three topics, and records and
 * offsets are committed in one transaction a batch. Measures commands per second and the time from a command being
 * produced to its reply being visible to a read_committed reader. Clients and processor share this one thread.
 *
 *     node bench/scenarios/exactly-once-loop.ts <host:port> <commands in flight> <seconds>
 */
import {
  openAdmin,
  openCluster,
  openGroup,
  openProducer,
  openReader,
  openTransactionalProducer,
  type RecordToSend,
} from '@streampay/kafka'

const [broker = 'localhost:9092', inFlight = '64', seconds = '5'] = process.argv.slice(2)
const run = Date.now()
const cluster = openCluster({ brokers: [broker], clientId: 'bench' })
const topicNames = ['commands', 'replies', 'transactions', 'balances'] as const
const topics = Object.fromEntries(topicNames.map((name) => [name, `bench-${name}-${run}`])) as Record<
  (typeof topicNames)[number],
  string
>
const partitions = [0, 1, 2, 3]
const admin = openAdmin(cluster)
await admin.createTopics(Object.values(topics).map((name) => ({ name, partitions: partitions.length })))

const processor = await openProcessor()
const result = await measure(Number(inFlight), Number(seconds))
await processor.stop()
await admin.deleteTopics(Object.values(topics))
await cluster.close()
console.log(JSON.stringify({ broker, inFlight: Number(inFlight), ...result, transactions: processor.transactions() }))

async function openProcessor() {
  const producer = await openTransactionalProducer(cluster, { transactionalId: `bench-${run}` })
  const assigned = Promise.withResolvers<void>()
  const group = openGroup(cluster, {
    groupId: `bench-${run}`,
    instanceId: 'slot-0',
    topics: [topics.commands],
    onAssigned: () => assigned.resolve(),
    onRevoked: () => undefined,
    onLost: () => undefined,
  })
  await assigned.promise
  const reader = openReader(cluster)
  reader.assign(partitions.map((partition) => ({ topic: topics.commands, partition, offset: 0 })))
  let transactions = 0
  const work = (async () => {
    for await (const fetched of reader) {
      const records = fetched.flatMap((part) => part.records).flatMap(({ key, value }) => effectsOf(key, String(value)))
      const offsets = fetched.map(({ topic, partition, position }) => {
        return { topic, partition, offset: position, metadata: producer.transactionalId }
      })
      producer.begin()
      await Promise.all([producer.send(records), producer.sendOffsets(group.metadata(), offsets)])
      await producer.commit()
      transactions++
    }
  })()
  const stop = async () => {
    await reader.close()
    await work
    await group.close({ leave: true })
  }
  return { stop, transactions: () => transactions }
}

function effectsOf(key: Buffer | null, value: string): RecordToSend[] {
  const { id } = JSON.parse(value) as { id: number }
  return [
    { topic: topics.replies, key, value: JSON.stringify({ id, status: 200 }) },
    { topic: topics.transactions, key, value },
    { topic: topics.transactions, key: `recipient ${id % 97}`, value },
    { topic: topics.balances, key, value: JSON.stringify({ balance: id }) },
  ]
}

async function measure(inFlight: number, seconds: number) {
  const producer = openProducer(cluster)
  const reader = openReader(cluster)
  reader.assign(partitions.map((partition) => ({ topic: topics.replies, partition, offset: 0 })))
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
  const elapsed = performance.now() - began
  await Promise.all(sends)
  await reader.close()
  took.sort((a, b) => a - b)
  const percentile = (part: number) => Number(took[Math.floor((took.length - 1) * part)]?.toFixed(2))
  return { perSecond: Math.round((took.length / elapsed) * 1000), p50Ms: percentile(0.5), p99Ms: percentile(0.99) }
}
