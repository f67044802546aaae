/** Writes records to a topic and reads them back, in order. The log runs in this process and goes with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@streampay/broker'
import { openAdmin, openCluster, openProducer, openReader } from '@streampay/kafka'

const dataDir = mkdtempSync(join(tmpdir(), 'example-log-'))
const broker = await startBroker({ dataDir, port: 0 })
const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'example' })
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
rmSync(dataDir, { recursive: true })
