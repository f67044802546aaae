/** Writes records to a topic and reads them back, in order. The log runs in this process, in memory, and goes with it. */
import { createBroker } from '@streampay/broker'
import { openAdmin, openCluster, openProducer, openReader } from '@streampay/kafka'

const broker = await createBroker()
const cluster = openCluster({ brokers: [broker.brokers], clientId: 'example' })
await openAdmin(cluster).createTopics([{ name: 'greetings', partitions: 1 }])

const producer = openProducer(cluster)
const places = await producer.send([
  { topic: 'greetings', key: 'ada', value: 'Hello' },
  { topic: 'greetings', key: 'ada', value: 'and goodbye' },
])
console.log(`written at ${places.map(({ offset }) => offset).join(', ')}`)

const reader = openReader(cluster)
reader.assign([{ topic: 'greetings', partition: 0, offset: 0 }])
const read: string[] = []
while (read.length < places.length) {
  for (const { records } of await reader.poll()) read.push(...records.map(({ key, value }) => `${key}: ${value}`))
}
console.log(read.join('\n'))

await reader.close()
await producer.close()
await cluster.close()
await broker.close()
