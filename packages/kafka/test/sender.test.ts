/** What the producer's buffer counts, and which records wait for which. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProducer } from '../src/index.ts'
import { clientsOf, uniqueName, valuesOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

const value = Buffer.alloc(600)

// They were not counted: a producer for a topic that did not exist accepted records until the memory was full.
it('counts records of a topic that is not known yet, at the bound and past it, and forgets those that were given up', async () => {
  const { cluster, topic } = clientsOf(log)
  const [unknown, known] = [uniqueName('nowhere'), await topic(1)]
  const producer = openProducer(cluster, { maxBufferedBytes: 1300, deliveryTimeoutMs: 400 })
  const waiting = [1, 2].map(() => producer.send([{ topic: unknown, key: null, value }]))
  const past = producer.send([{ topic: known, key: null, value }])
  await expect(past).rejects.toMatchObject({ code: 'KAFKA_QUEUE_FULL', outcome: 'not-written' })
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', outcome: 'not-written' })
  for (let sent = 0; sent < 5; sent++) await producer.send([{ topic: known, key: null, value }])
})

it('sends records of topics that it knows while others wait for theirs to be made', async () => {
  const { cluster, topic, admin, readAll } = clientsOf(log)
  const [later, known] = [uniqueName('later'), await topic(1)]
  const producer = openProducer(cluster)
  await producer.send([{ topic: known, key: null, value: 'before' }])
  const waiting = ['a', 'b', 'c'].map((text) => producer.send([{ topic: later, key: null, value: text }]))
  const both = producer.send([
    { topic: later, key: null, value: 'd' },
    { topic: known, key: null, value: 'with d' },
  ])
  const other = await topic(1)
  await cluster.topic(other)
  await producer.send([{ topic: other, key: null, value: 'meanwhile' }])
  await admin.createTopics([{ name: later, partitions: 1 }])
  await Promise.all([...waiting, both])
  await producer.send([{ topic: later, key: null, value: 'e' }])
  expect(valuesOf(await readAll(later))).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(valuesOf(await readAll(known))).toEqual(['before', 'with d'])
})

it('gives back the room of records that no partition could be found for', async () => {
  const { cluster, topic } = clientsOf(log)
  const name = await topic(1)
  const producer = openProducer(cluster, { maxBufferedBytes: 1000 })
  const wrong = { topic: name, partition: 7, key: null, value }
  for (let sent = 0; sent < 5; sent++) {
    await expect(producer.send([wrong])).rejects.toMatchObject({ code: 'KAFKA_INVALID_ARGUMENT' })
  }
  await producer.send([{ topic: name, key: null, value }])
})
