/** A broker for tests: in memory and on a free port unless it is told otherwise. */
import { existsSync } from 'node:fs'
import { openProducer } from '@streampay/kafka'
import { apis } from '@streampay/kafka/wire'
import { afterEach, expect, test } from 'vitest'
import { type Broker, type CreateBrokerOptions, createBroker } from '../src/index.ts'
import { newsClient, newsOf } from './support/client.ts'
import { wireClient } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

const created: Broker[] = []

// Before their folders are removed.
afterEach(async () => {
  for (const broker of created.splice(0)) await broker.close()
})

async function create(options?: CreateBrokerOptions) {
  const broker = await createBroker(options)
  created.push(broker)
  return broker
}

async function write(broker: Broker, values: readonly string[]) {
  const { cluster } = await newsClient(broker)
  const producer = openProducer(cluster)
  for (const value of values) await producer.send([{ topic: 'news', key: null, value }])
  await producer.close()
  return cluster
}

test('brokers in memory have a free port and a log each, and leave no file behind', async () => {
  const [one, other] = await Promise.all([create(), create()])
  expect(one.port).not.toBe(other.port)
  expect(one.brokers).toBe(`127.0.0.1:${one.port}`)
  const [clusterOfOne, clusterOfOther] = [await write(one, ['a', 'b']), await write(other, ['c'])]
  expect(await newsOf(clusterOfOne)).toEqual(['a', 'b'])
  expect(await newsOf(clusterOfOther)).toEqual(['c'])
  const { results } = await (await wireClient(one)).call(apis.describeLogDirs, { topics: null })
  expect(results[0]).toMatchObject({ errorCode: 0, logDir: '/in-memory' })
  expect(existsSync('/in-memory')).toBe(false)
})

test('a log in memory goes through many checkpoints', async () => {
  const broker = await create({ checkpointBytes: 2000 })
  const values = Array.from({ length: 50 }, (_, index) => `${index} ${'x'.repeat(200)}`)
  expect(await newsOf(await write(broker, values))).toEqual(values)
})

test('a log in memory is gone with its broker; one on disk is there for the next', async () => {
  const dataDir = temporaryFolder()
  for (const [options, left] of [
    [{}, []],
    [{ dataDir }, ['a']],
  ] as const) {
    const first = await create(options)
    await write(first, ['a'])
    await first.close()
    const { cluster } = await newsClient(await create(options))
    expect(await newsOf(cluster)).toEqual(left)
  }
})

test('is closed at the end of the block that uses it', async () => {
  let port = 0
  {
    await using broker = await createBroker()
    port = broker.port
    await (await wireClient(broker)).call(apis.apiVersions, {})
  }
  await expect(wireClient({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a log in memory that has no more room stops, as on a full disk', async () => {
  const broker = await create({ maxMemoryBytes: 200_000 })
  const { cluster } = await newsClient(broker)
  const producer = openProducer(cluster, { deliveryTimeoutMs: 1000 })
  const value = 'x'.repeat(20_000)
  const writing = async () => {
    for (;;) await producer.send([{ topic: 'news', key: null, value }])
  }
  await expect(writing()).rejects.toThrow()
  expect((await broker.failure).message).toContain('ENOSPC: no more than 200000 bytes in memory')
  await producer.close()
})
