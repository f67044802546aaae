/** Three nodes, one of which is killed while it leads partitions and coordinates the transaction and the group. */
import { openAdmin, openCluster, openProducer, openReader, openTransactionalProducer } from '@streampay/kafka'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'

let kafka: ApacheKafka

beforeAll(async () => {
  kafka = await startApacheKafka({
    nodes: 3,
    // A killed controller or broker is noticed after these times; the defaults are 2 and 9 seconds.
    settings: { 'controller.quorum.fetch.timeout.ms': '1000', 'broker.session.timeout.ms': '3000' },
  })
}, 300_000)

afterAll(() => kafka.close())

it('loses and doubles nothing when the node that leads is killed under load', async () => {
  const cluster = openCluster({ brokers: kafka.brokers, clientId: 'streampay-test' })
  onTestFinished(() => cluster.close())
  const admin = openAdmin(cluster)
  const topic = 'failover'
  await admin.createTopics([
    { name: topic, partitions: 3, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } },
  ])
  const partitions = [0, 1, 2].map((partition) => ({ topic, partition }))
  const plain = openProducer(cluster, { deliveryTimeoutMs: 60_000 })
  const producer = await openTransactionalProducer(cluster, {
    transactionalId: 'failover',
    transactionTimeoutMs: 60_000,
  })
  const group = { groupId: 'failover', generationId: -1, memberId: '', groupInstanceId: null }
  const reader = openReader(cluster)
  reader.assign(partitions.map((partition) => ({ ...partition, offset: 0 })))

  const expected: string[] = []
  const round = async (number: number) => {
    const sent = plain.send(partitions.map((partition) => ({ ...partition, key: null, value: `plain ${number}` })))
    producer.begin()
    const written = producer.send(partitions.map((partition) => ({ ...partition, key: null, value: `txn ${number}` })))
    const offsets = partitions.map((partition) => ({ ...partition, offset: number + 1, metadata: '' }))
    await Promise.all([sent, written, producer.sendOffsets(group, offsets)])
    await producer.commit()
    for (const kind of ['plain', 'txn'])
      expected.push(...partitions.map(({ partition }) => `${kind} ${number} in ${partition}`))
  }
  let number = 0
  while (number < 20) await round(number++)
  const [description] = await admin.describeTopics([topic])
  const leader = description?.partitions[0]?.leader ?? 1
  const killed = kafka.stop({ node: leader - 1, signal: 'SIGKILL' })
  while (number < 60) await round(number++)
  await killed
  await kafka.start({ node: leader - 1 })
  while (number < 80) await round(number++)

  const seen: string[] = []
  while (seen.length < expected.length) {
    for (const { partition, records } of await reader.poll()) {
      seen.push(...records.map(({ value }) => `${value} in ${partition}`))
    }
  }
  expect(seen.toSorted()).toEqual(expected.toSorted())
  const committed = await admin.committedOffsets('failover', partitions, { requireStable: true })
  expect(committed.map(({ offset }) => offset)).toEqual([number, number, number])
}, 180_000)
