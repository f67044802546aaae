/** Two independent clients use the broker as they would use Apache Kafka. */
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import type { Broker } from '../src/index.ts'
import { testBroker } from './support/test-broker.ts'

function kafkajs(broker: Broker): Kafka {
  return new Kafka({ clientId: 'js', brokers: [`${broker.host}:${broker.port}`], logLevel: logLevel.NOTHING })
}

function platformatic(broker: Broker) {
  return { clientId: 'plt', bootstrapBrokers: [`${broker.host}:${broker.port}`], retries: 3 }
}

test('kafkajs creates topics, produces plain and compressed, and consumes in a group', async () => {
  const kafka = kafkajs(await testBroker())
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'events', numPartitions: 2 }] })
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic: 'events', messages: [{ key: 'a', value: '1', headers: { h: 'x' }, partition: 0 }] })
  await producer.send({
    topic: 'events',
    compression: CompressionTypes.GZIP,
    messages: [{ key: 'b', value: '2', partition: 1 }],
  })
  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: ['events'], fromBeginning: true })
  const seen: string[] = []
  const both = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      seen.push(`${partition} ${message.key} ${message.value} ${message.headers?.h ?? ''}`)
      if (seen.length === 2) both.resolve()
    },
  })
  await both.promise
  expect(seen.toSorted()).toEqual(['0 a 1 x', '1 b 2 '])
  expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toEqual(['readers'])
  const described = await admin.describeGroups(['readers'])
  expect(described.groups[0]).toMatchObject({ state: 'Stable', members: [{ clientId: 'js' }] })
  await consumer.disconnect()
  const offsets = await admin.fetchOffsets({ groupId: 'readers', topics: ['events'] })
  expect(offsets[0]?.partitions.map(({ offset }) => offset)).toEqual(['1', '1'])
  await producer.disconnect()
  await admin.disconnect()
})

test('kafkajs commits records and offsets in one transaction, and aborts another', async () => {
  const kafka = kafkajs(await testBroker())
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'in' }, { topic: 'out' }] })
  const producer = kafka.producer({ idempotent: true, transactionalId: 'tx', maxInFlightRequests: 1 })
  await producer.connect()
  const lost = await producer.transaction()
  await lost.send({ topic: 'out', messages: [{ value: 'lost' }] })
  await lost.abort()
  const kept = await producer.transaction()
  await kept.send({ topic: 'out', messages: [{ value: 'kept' }] })
  await kept.sendOffsets({
    consumerGroupId: 'app',
    topics: [{ topic: 'in', partitions: [{ partition: 0, offset: '5' }] }],
  })
  await kept.commit()
  const consumer = kafka.consumer({ groupId: 'readers', readUncommitted: false, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: ['out'], fromBeginning: true })
  const first = Promise.withResolvers<string>()
  await consumer.run({ eachMessage: async ({ message }) => first.resolve(String(message.value)) })
  expect(await first.promise).toBe('kept')
  const offsets = await admin.fetchOffsets({ groupId: 'app', topics: ['in'] })
  expect(offsets[0]?.partitions[0]?.offset).toBe('5')
  await consumer.disconnect()
  await producer.disconnect()
  await admin.disconnect()
})

test('@platformatic/kafka creates topics, produces in a transaction, and consumes in a group', async () => {
  const broker = await testBroker()
  const admin = new Admin(platformatic(broker))
  await admin.createTopics({ topics: ['events'], partitions: 2, replicas: 1 })
  const producer = new Producer({
    ...platformatic(broker),
    idempotent: true,
    transactionalId: 'tx',
    producerId: -1n,
    producerEpoch: -1,
    serializers: stringSerializers,
  })
  const transaction = await producer.beginTransaction()
  await transaction.send({ messages: [{ topic: 'events', key: 'k', value: 'v', partition: 1 }] })
  await transaction.commit()
  const consumer = new Consumer({
    ...platformatic(broker),
    groupId: 'readers',
    isolationLevel: 1,
    autocommit: false,
    deserializers: stringDeserializers,
  })
  const stream = await consumer.consume({ topics: ['events'], mode: 'earliest', sessionTimeout: 10_000 })
  for await (const message of stream) {
    expect([message.key, message.value, message.partition, message.offset]).toEqual(['k', 'v', 1, 0n])
    await message.commit()
    break
  }
  const groups = await admin.describeGroups({ groups: ['readers'] })
  expect(groups.get('readers')?.state).toMatch(/stable/i)
  await consumer.close(true)
  await producer.close()
  await admin.close()
})

test('kafkajs tries again what was dropped and delayed, and it is written once', async () => {
  const broker = await testBroker()
  const kafka = kafkajs(broker)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'events' }] })
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  const lost = broker.faults.drop({ api: 'produce', when: 'after', times: 1, clientId: 'js' })
  const slow = broker.faults.delay({ api: 'produce', ms: 50, times: 2 })
  await producer.send({ topic: 'events', messages: [{ value: '1' }] })
  expect([lost.hits, slow.hits]).toEqual([1, 2])
  expect(await admin.fetchTopicOffsets('events')).toMatchObject([{ high: '1' }])
  await producer.disconnect()
  await admin.disconnect()
})

test('@platformatic/kafka tries again what was dropped before it was done, and after that', async () => {
  const broker = await testBroker()
  const admin = new Admin(platformatic(broker))
  await admin.createTopics({ topics: ['events'], partitions: 1, replicas: 1 })
  const producer = new Producer({ ...platformatic(broker), idempotent: true, serializers: stringSerializers })
  for (const when of ['before', 'after'] as const) {
    const fault = broker.faults.drop({ api: 'produce', when, times: 1 })
    await producer.send({ messages: [{ topic: 'events', key: 'k', value: when }] })
    expect(fault.hits).toBe(1)
  }
  const offsets = await admin.listOffsets({
    topics: [{ name: 'events', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  })
  expect(offsets[0]?.partitions[0]?.offset).toBe(2n)
  await producer.close()
  await admin.close()
})
