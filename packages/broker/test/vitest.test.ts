/** The fixtures of Vitest, as a test file uses them: tests of a file share a broker, and what one orders ends with it. */
import { openProducer } from '@streampay/kafka'
import { expect } from 'vitest'
import type { Broker, Fault } from '../src/index.ts'
import { brokerTest, test } from '../src/vitest.ts'
import { newsClient, newsOf } from './support/client.ts'

let ofTheFile: Broker | undefined
let ordered: Fault | undefined

test.beforeAll(({ broker }) => {
  ofTheFile = broker
})

test('the broker is that of the hooks of the file', async ({ broker }) => {
  expect(broker).toBe(ofTheFile)
  const { cluster } = await newsClient(broker)
  const producer = openProducer(cluster)
  await producer.send([{ topic: 'news', key: null, value: 'of the first test' }])
  await producer.close()
})

test('another test of the file finds what the first one wrote', async ({ broker, faults }) => {
  const { cluster } = await newsClient(broker)
  expect(await newsOf(cluster)).toEqual(['of the first test'])
  ordered = faults.drop({ api: 'metadata' })
})

test('what a test ordered is over with it', async ({ broker }) => {
  await newsClient(broker)
  expect(ordered?.hits).toBe(0)
})

const withTopics = brokerTest({ config: { autoCreateTopics: true, defaultPartitions: 3 } })

withTopics('another fixture has a broker of its own, with its options', async ({ broker }) => {
  expect(broker).not.toBe(ofTheFile)
  const { admin } = await newsClient(broker)
  expect(await admin.listTopics()).toEqual(['news'])
})

const seen: Broker[] = []

withTopics('a broker is open while its file runs', async ({ broker }) => {
  seen.push(broker)
  await newsClient(broker)
  expect(seen).toHaveLength(1)
})
