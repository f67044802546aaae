/** A log that is cut or slow by order: clients notice it, and nothing that was acknowledged is lost. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAdmin, openCluster, openProducer } from '@streampay/kafka'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../src/broker.ts'

async function open() {
  const dataDir = await mkdtemp(join(tmpdir(), 'streampay-disturbed-'))
  const broker = await startBroker({ dataDir, port: 0 })
  const cluster = openCluster({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' })
  onTestFinished(async () => {
    await cluster.close()
    await broker.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const admin = openAdmin(cluster)
  await admin.createTopics([{ name: 'news', partitions: 1, replicationFactor: 1 }])
  return { broker, admin, producer: openProducer(cluster) }
}

test('after all connections were cut, clients connect again and continue', async () => {
  const { broker, admin, producer } = await open()
  await producer.send([{ topic: 'news', key: 'a', value: '1' }])
  const before = broker.connections
  expect(before).toBeGreaterThan(0)
  expect(broker.cutConnections()).toBe(before)
  await expect.poll(() => broker.connections).toBe(0)
  const [second] = await producer.send([{ topic: 'news', key: 'a', value: '2' }])
  expect(second?.offset).toBe(1)
  expect(await admin.listOffsets([{ topic: 'news', partition: 0 }], 'latest')).toMatchObject([{ offset: 2 }])
  await producer.close()
})

test('answers are delayed as long as ordered, in their order, and no longer when that is over', async () => {
  const { broker, admin } = await open()
  const ask = () => admin.listOffsets([{ topic: 'news', partition: 0 }], 'latest')
  const delayMs = 300
  broker.delayAnswers(delayMs)
  const startedAt = performance.now()
  await Promise.all([ask(), ask()])
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(delayMs - 5)
  broker.delayAnswers(0)
  await ask()
})
