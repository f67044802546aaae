/** Tests with a broker of their own: `npx vitest run`. One broker for this file, in memory, which no other file sees. */
import { test } from '@streampay/broker/vitest'
import { openAdmin, openCluster, openProducer, openTransactionalProducer } from '@streampay/kafka'
import { expect, onTestFinished } from 'vitest'

/** What is tested, in place of an application of your own. Returns the place of the order in its topic. */
async function placeOrder(brokers: string, order: string): Promise<number | undefined> {
  const cluster = openCluster({ brokers: [brokers], clientId: 'shop' })
  const producer = openProducer(cluster)
  const [written] = await producer.send([{ topic: 'orders', key: order, value: 'placed' }])
  await producer.close()
  await cluster.close()
  return written?.offset
}

test.beforeAll(async ({ broker }) => {
  const cluster = openCluster({ brokers: [broker.brokers], clientId: 'tests' })
  await openAdmin(cluster).createTopics([{ name: 'orders', partitions: 1 }])
  await cluster.close()
})

test('an order is placed', async ({ broker }) => {
  expect(await placeOrder(broker.brokers, 'tea')).toBe(0)
})

test('an order is placed once, though the answer to it is lost', async ({ broker, faults }) => {
  const lost = faults.drop({ api: 'produce', clientId: 'shop', when: 'after', times: 1 })
  expect(await placeOrder(broker.brokers, 'cake')).toBe(1)
  expect(lost.hits).toBe(1)
})

test('an order waits while the disk does, and is placed then', async ({ broker, faults }) => {
  const hanging = faults.disk({ effect: 'hangs' })
  const placing = placeOrder(broker.brokers, 'milk')
  await hanging.struck
  hanging.end()
  expect(await placing).toBe(2)
})

test('a producer that another one has replaced commits nothing', async ({ broker, faults }) => {
  const cluster = openCluster({ brokers: [broker.brokers], clientId: 'tests' })
  onTestFinished(() => cluster.close())
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'shop' })
  producer.begin()
  await producer.send([{ topic: 'orders', key: 'salt', value: 'placed' }])
  await faults.fence('shop')
  await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA_FENCED' })
})
