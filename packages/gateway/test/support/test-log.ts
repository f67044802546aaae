/** A real log in this process, on a port of its own: in memory, or in a folder for what happens to a disk or between two starts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, createBroker } from '@streampay/broker'
import {
  type Admin,
  type Cluster,
  openAdmin,
  openCluster,
  openProducer,
  openReader,
  type Producer,
  type ReceivedRecord,
  type RecordMetadata,
} from '@streampay/kafka'
import type { TopicSpec } from '../../src/index.ts'

export type TestLog = {
  readonly address: string
  readonly cluster: Cluster
  readonly admin: Admin
  readonly producer: Producer
  readonly put: (
    topic: string,
    key: string,
    value: unknown,
    headers?: Record<string, string>,
  ) => Promise<RecordMetadata>
  /** All records of a topic, as committed now. */
  readonly records: (topic: string) => Promise<ReceivedRecord[]>
  readonly close: () => Promise<void>
}

export type KeptLog = TestLog & {
  readonly dataDir: string
  /** Takes the log away; `start` brings it back on the same port with the same data. */
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
}

export async function openTestLog(topics: readonly TopicSpec[], partitions = 4): Promise<TestLog> {
  const broker = await createBroker()
  const log = await logOn(broker, topics, partitions)
  return {
    ...log,
    close: async () => {
      await log.close()
      await broker.close()
    },
  }
}

/** The same in a folder. */
export async function openKeptLog(topics: readonly TopicSpec[], partitions = 4): Promise<KeptLog> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gateway-log-'))
  let broker = await createBroker({ dataDir })
  const { port } = broker
  const log = await logOn(broker, topics, partitions)
  return {
    ...log,
    dataDir,
    stop: () => broker.close(),
    start: async () => {
      broker = await createBroker({ dataDir, port })
    },
    close: async () => {
      await log.close()
      await broker.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Its topics, and a client of it; `close` ends the client alone. */
async function logOn({ port }: Broker, topics: readonly TopicSpec[], partitions: number): Promise<TestLog> {
  const address = `127.0.0.1:${port}`
  const cluster = openCluster({ brokers: [address], clientId: 'gateway-test' })
  const admin = openAdmin(cluster)
  await admin.createTopics(
    topics.map(({ name, config }) => ({ name, partitions, replicationFactor: 1, configs: config })),
  )
  const producer = openProducer(cluster)
  return {
    address,
    cluster,
    admin,
    producer,
    put: async (topic, key, value, headers = {}) => {
      const text = value === null || typeof value === 'string' ? value : JSON.stringify(value)
      const [metadata] = await producer.send([{ topic, key, value: text, headers }])
      if (metadata === undefined) throw new Error('no metadata')
      return metadata
    },
    records: (topic) => recordsOf(cluster, admin, topic),
    close: async () => {
      await producer.close()
      await cluster.close()
    },
  }
}

async function recordsOf(cluster: Cluster, admin: Admin, topic: string): Promise<ReceivedRecord[]> {
  const [description] = await admin.describeTopics([topic])
  const partitions = (description?.partitions ?? []).map(({ partition }) => ({ topic, partition }))
  const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
  const wanted = new Map(ends.map(({ partition, offset }) => [partition, offset]))
  const reader = openReader(cluster)
  reader.assign(partitions.map((partition) => ({ ...partition, offset: 0 })))
  const records: ReceivedRecord[] = []
  const isBehind = () => reader.positions().some(({ partition, position }) => position < (wanted.get(partition) ?? 0))
  while (isBehind()) for (const fetched of await reader.poll()) records.push(...fetched.records)
  await reader.close()
  return records
}
