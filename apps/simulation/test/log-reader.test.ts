import { createBroker } from '@streampay/broker'
import { headerNames, jsonContentType, topicNames, topics } from '@streampay/domain'
import { openAdmin, openCluster, openProducer, type RecordToSend } from '@streampay/kafka'
import { expect, onTestFinished, test } from 'vitest'
import { openLogReader } from '../src/log-reader.ts'

function userOf(id: string): RecordToSend {
  return {
    topic: topicNames.users,
    key: id,
    value: JSON.stringify({ id, name: `Name of ${id}`, username: id }),
    headers: { [headerNames.identity]: id, [headerNames.contentType]: jsonContentType },
  }
}

test('reads the newest of a long directory at the start, and all later records', async () => {
  const broker = await createBroker()
  const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
  const producer = openProducer(cluster)
  onTestFinished(async () => {
    await producer.close()
    await cluster.close()
    await broker.close()
  })
  await cluster.ready({ timeoutMs: 10_000 })
  const admin = openAdmin(cluster)
  await admin.createTopics(topics.map(({ name, partitions }) => ({ name, partitions, replicationFactor: 1 })))
  const people = Array.from({ length: 12_000 }, (_, n) => `person-${n}`)
  await producer.send(people.map(userOf))

  const found: string[] = []
  const ignore = () => undefined
  const observer = { onUser: (id: string) => found.push(id), onBalance: ignore, onRequest: ignore, onReply: ignore }
  const reader = await openLogReader(cluster, admin, observer)
  onTestFinished(() => reader.close())
  await reader.caughtUp
  // 1,000 of each of four partitions.
  expect(found).toHaveLength(4_000)
  expect(found).toContain('person-11999')
  expect(found).not.toContain('person-0')

  await producer.send([userOf('somebody-new')])
  await expect.poll(() => found.at(-1)).toBe('somebody-new')
})
