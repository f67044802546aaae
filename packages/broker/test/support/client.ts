import { type Admin, type Cluster, openAdmin, openCluster, openReader } from '@streampay/kafka'
import { onTestFinished } from 'vitest'
import type { Broker } from '../../src/index.ts'

/** The project's own client, with a topic `news` of one partition. Closed after the test. */
export async function newsClient(broker: Broker): Promise<{ cluster: Cluster; admin: Admin }> {
  const cluster = openCluster({ brokers: [broker.brokers], clientId: 'test' })
  onTestFinished(() => cluster.close())
  const admin = openAdmin(cluster)
  await admin.createTopics([{ name: 'news', partitions: 1 }])
  return { cluster, admin }
}

/** What a read_committed reader of `news` gets, up to the end as it is now. */
export async function newsOf(cluster: Cluster): Promise<string[]> {
  const [end] = await openAdmin(cluster).listOffsets([{ topic: 'news', partition: 0 }], 'latest')
  const reader = openReader(cluster, { isolation: 'read_committed' })
  reader.assign([{ topic: 'news', partition: 0, offset: 0 }])
  const values: string[] = []
  const position = () => reader.positions()[0]?.position ?? 0
  while (position() < (end?.offset ?? 0)) {
    for (const { records } of await reader.poll()) values.push(...records.map(({ value }) => String(value)))
  }
  await reader.close()
  return values
}
