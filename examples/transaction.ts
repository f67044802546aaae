/** Two topics get a record each in one transaction, all or nothing; what was aborted is never read. */
import { createBroker } from '@streampay/broker'
import { openAdmin, openCluster, openReader, openTransactionalProducer } from '@streampay/kafka'

const broker = await createBroker()
const cluster = openCluster({ brokers: [broker.brokers], clientId: 'example' })
const topics = ['debits', 'credits']
await openAdmin(cluster).createTopics(topics.map((name) => ({ name, partitions: 1 })))

// A producer that opens the same id later fences this one, and aborts the transaction that it left open.
const producer = await openTransactionalProducer(cluster, { transactionalId: 'transfers' })
async function transfer(value: string, isGood: boolean): Promise<void> {
  producer.begin()
  await producer.send(topics.map((topic) => ({ topic, key: 'ada', value })))
  if (isGood) await producer.commit()
  else await producer.abort()
}
await transfer('10', true)
await transfer('999', false)
await transfer('20', true)

const reader = openReader(cluster, { isolation: 'read_committed' })
reader.assign(topics.map((topic) => ({ topic, partition: 0, offset: 0 })))
const read: string[] = []
while (read.length < 4) {
  for (const { records } of await reader.poll()) read.push(...records.map(({ topic, value }) => `${topic} ${value}`))
}
console.log(read.sort().join(', '))

await reader.close()
await producer.close()
await cluster.close()
await broker.close()
