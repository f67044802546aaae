import { Kafka } from 'kafkajs'
import { expect } from 'vitest'
import { test } from '../src/vitest.ts'

test('an order is written once, though the answer to it is lost', async ({ broker, faults }) => {
  const kafka = new Kafka({ clientId: 'shop', brokers: [broker.brokers] })
  const admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic: 'orders' }] })
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()

  const lost = faults.drop({ api: 'produce', when: 'after', times: 1 })
  await producer.send({ topic: 'orders', messages: [{ value: 'tea' }] })

  expect(lost.hits).toBe(1)
  expect(await admin.fetchTopicOffsets('orders')).toMatchObject([{ high: '1' }])
  await producer.disconnect()
  await admin.disconnect()
})
