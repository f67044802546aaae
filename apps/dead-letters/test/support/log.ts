/** A log of the test's own, and a client of it. */
import { createBroker } from '@streampay/broker'
import { topics } from '@streampay/domain'
import {
  type Cluster,
  openAdmin,
  openCluster,
  openProducer,
  type ReceivedRecord,
  type RecordToSend,
  readBetween,
} from '@streampay/kafka'

export type TestLog = Awaited<ReturnType<typeof openTestLog>>

export async function openTestLog() {
  const broker = await createBroker()
  const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
  await cluster.ready({ timeoutMs: 10_000 })
  const admin = openAdmin(cluster)
  const producer = openProducer(cluster)
  return {
    port: broker.port,
    cluster,
    admin,
    /** All of StreamPay's, as plain topics: records have the times that their writers give them. */
    createPlainTopics: () =>
      admin.createTopics(topics.map(({ name, partitions }) => ({ name, partitions, replicationFactor: 1 }))),
    put: (...records: RecordToSend[]) => producer.send(records),
    records: (topic: string) => recordsOf(cluster, topic),
    async close(): Promise<void> {
      await producer.close()
      await cluster.close()
      await broker.close()
    },
  }
}

async function recordsOf(cluster: Cluster, topic: string): Promise<ReceivedRecord[]> {
  const { partitions } = await cluster.topic(topic)
  const places = partitions.map(({ partition }) => ({ topic, partition }))
  const admin = openAdmin(cluster)
  const starts = await admin.listOffsets(places, 'earliest')
  const ends = await admin.listOffsets(places, 'latest', 'read_committed')
  const ranges = ends.map(({ partition, offset: end }, index) => ({
    topic,
    partition,
    start: starts[index]?.offset ?? 0,
    end,
  }))
  const records: ReceivedRecord[] = []
  for await (const some of readBetween(cluster, ranges)) records.push(...some)
  return records
}
