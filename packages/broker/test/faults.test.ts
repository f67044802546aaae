/** What can be made to go wrong with a broker: clients see it, and nothing that was acknowledged is lost. */
import { openProducer, openTransactionalProducer } from '@streampay/kafka'
import { expect, test } from 'vitest'
import type { ApiName, DiskTrouble, Fault } from '../src/index.ts'
import { newsClient, newsOf } from './support/client.ts'
import { testBroker } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

const news = (value: string) => [{ topic: 'news', key: 'a', value }]
const place = [{ topic: 'news', partition: 0 }]

async function setUp() {
  const broker = await testBroker()
  return { broker, ...(await newsClient(broker)) }
}

/** Whether it is pending once the broker has answered something that was asked for later. */
async function isPending(promise: Promise<unknown>, later: () => Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  await later()
  return !settled
}

test('after all connections were cut, clients come back and continue', async () => {
  const { broker, admin, cluster } = await setUp()
  const producer = openProducer(cluster)
  await producer.send(news('1'))
  const before = broker.connections
  expect(before).toBeGreaterThan(0)
  expect(broker.faults.cut()).toBe(before)
  await expect.poll(() => broker.connections).toBe(0)
  const [second] = await producer.send(news('2'))
  expect(second?.offset).toBe(1)
  expect(await admin.listOffsets(place, 'latest')).toMatchObject([{ offset: 2 }])
  await producer.close()
})

test('answers wait as long as the fault says, and not any longer', async () => {
  const { broker, admin } = await setUp()
  const delayMs = 300
  const fault = broker.faults.delay({ ms: delayMs })
  const startedAt = performance.now()
  await Promise.all([admin.listOffsets(place, 'latest'), admin.listOffsets(place, 'latest')])
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(delayMs - 5)
  expect(fault.hits).toBeGreaterThanOrEqual(2)
  fault.end()
  const { hits } = fault
  await admin.listOffsets(place, 'latest')
  expect(fault.hits).toBe(hits)
})

test('the answer of one API waits until a promise is settled, so many times, and its request is done meanwhile', async () => {
  const { broker, admin, cluster } = await setUp()
  const { promise: until, reject } = Promise.withResolvers<void>()
  const fault = broker.faults.delay({ api: 'produce', times: 1, until })
  const producer = openProducer(cluster)
  const sent = producer.send(news('1'))
  await fault.struck
  const end = async () => (await admin.listOffsets(place, 'latest'))[0]?.offset
  await expect.poll(end).toBe(1)
  expect(await isPending(sent, end)).toBe(true)
  // However it is settled.
  reject(new Error('settled'))
  expect(await sent).toMatchObject([{ offset: 0 }])
  expect(await producer.send(news('2'))).toMatchObject([{ offset: 1 }])
  expect(fault.hits).toBe(1)
  await producer.close()
})

test('an answer that waits continues when its fault is ended, also when the fault affects no more requests', async () => {
  const { broker, admin } = await setUp()
  const never = new Promise<never>(() => undefined)
  for (const times of [1, 2]) {
    const ends: ((fault: Fault) => void)[] = [
      (fault) => fault.end(),
      () => broker.faults.clear(),
      (fault) => fault[Symbol.dispose](),
    ]
    // Before the answer is there, and while it waits: then another connection has its answers.
    for (const [end, isWaiting] of ends.flatMap((end) => [[end, false] as const, [end, true] as const])) {
      const fault = broker.faults.delay({ api: 'listOffsets', clientId: 'test', times, until: never })
      const asked = admin.listOffsets(place, 'latest')
      await fault.struck
      if (isWaiting) await newsClient(broker)
      end(fault)
      expect(await asked).toMatchObject([{ offset: 0 }])
    }
  }
})

test('a broker that is closed waits for no fault', async () => {
  const { broker, admin } = await setUp()
  const never = new Promise<never>(() => undefined)
  const fault = broker.faults.delay({ api: 'listOffsets', until: never })
  const hanging = broker.faults.disk({ effect: 'hangs' })
  const asked = admin.listOffsets(place, 'latest').catch(() => undefined)
  const made = admin.createTopics([{ name: 'more', partitions: 1 }]).catch(() => undefined)
  await Promise.all([fault.struck, hanging.struck])
  await broker.close()
  await broker[Symbol.asyncDispose]()
  void asked
  void made
})

test.each([
  ['before', []],
  ['after', ['1']],
] as const)('produce requests that are dropped %s they are done are written once in the end', async (when, written) => {
  const { broker, cluster } = await setUp()
  const producer = openProducer(cluster)
  const fault = broker.faults.drop({ api: 'produce', when })
  const sent = producer.send(news('1'))
  await expect.poll(() => fault.hits).toBeGreaterThanOrEqual(2)
  expect(await newsOf(cluster)).toEqual(written)
  fault.end()
  expect(await sent).toMatchObject([{ offset: 0 }])
  expect(await newsOf(cluster)).toEqual(['1'])
  await producer.close()
})

test('a fault is for the client.id alone that it names', async () => {
  const { broker, admin } = await setUp()
  const other = broker.faults.drop({ clientId: 'other' })
  const own = broker.faults.delay({ clientId: 'test', api: 'listOffsets', times: 1, ms: 0 })
  await admin.listOffsets(place, 'latest')
  expect([other.hits, own.hits]).toEqual([0, 1])
})

test('commits whose answer is lost are made once, and the producer asks again', async () => {
  const { broker, cluster } = await setUp()
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'tx' })
  const fault = broker.faults.drop({ api: 'endTxn', when: 'after', times: 1 })
  producer.begin()
  await producer.send(news('1'))
  await producer.commit()
  expect(fault.hits).toBe(1)
  expect(await newsOf(cluster)).toEqual(['1'])
  await producer.close()
})

test('a transaction is aborted under its producer, which learns at the commit that it is fenced', async () => {
  const { broker, cluster } = await setUp()
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'tx' })
  await expect(broker.faults.abort('tx')).rejects.toThrow('no transaction of "tx" is open')
  producer.begin()
  await producer.send(news('lost'))
  await broker.faults.abort('tx')
  await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA_FENCED' })
  expect(await newsOf(cluster)).toEqual([])
  await producer.close().catch(() => undefined)
})

test('an id is fenced with and without a transaction; what was committed stays', async () => {
  const { broker, cluster } = await setUp()
  await expect(broker.faults.fence('tx')).rejects.toThrow('no producer had the transactional.id "tx" so far')
  const idle = await openTransactionalProducer(cluster, { transactionalId: 'tx' })
  await broker.faults.fence('tx')
  idle.begin()
  await expect(idle.send(news('never')).then(() => idle.commit())).rejects.toMatchObject({ code: 'KAFKA_FENCED' })
  const busy = await openTransactionalProducer(cluster, { transactionalId: 'tx' })
  busy.begin()
  await busy.send(news('kept'))
  await busy.commit()
  busy.begin()
  await busy.send(news('lost'))
  await broker.faults.fence('tx')
  await expect(busy.commit()).rejects.toMatchObject({ code: 'KAFKA_FENCED' })
  expect(await newsOf(cluster)).toEqual(['kept'])
  await Promise.allSettled([idle.close(), busy.close()])
})

test('an id is fenced while its transaction ends: one comes after the other', async () => {
  const { broker, cluster } = await setUp()
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'tx' })
  producer.begin()
  await producer.send(news('1'))
  const hanging = broker.faults.disk({ effect: 'hangs', times: 1 })
  const committed = producer.commit()
  await hanging.struck
  const fenced = broker.faults.fence('tx')
  hanging.end()
  await Promise.all([committed, fenced])
  expect(await newsOf(cluster)).toEqual(['1'])
  producer.begin()
  await expect(producer.send(news('2')).then(() => producer.commit())).rejects.toMatchObject({ code: 'KAFKA_FENCED' })
  await producer.close().catch(() => undefined)
})

test.each<DiskTrouble>([{ effect: 'full' }, { effect: 'broken' }, { effect: 'broken', operation: 'sync' }])(
  'after a write or sync that fails (%o) nothing more is acknowledged, and the next start has what was',
  async (trouble) => {
    const dataDir = temporaryFolder()
    const broker = await testBroker({ dataDir })
    const { cluster } = await newsClient(broker)
    const producer = openProducer(cluster, { deliveryTimeoutMs: 1000 })
    await producer.send(news('kept'))
    const fault = broker.faults.disk(trouble)
    await expect(producer.send(news('refused'))).rejects.toThrow()
    expect(fault.hits).toBe(1)
    fault.end()
    expect((await broker.failure).message).toContain(trouble.effect === 'full' ? 'ENOSPC' : 'EIO')
    await expect(producer.send(news('later'))).rejects.toThrow()
    await producer.close()
    await broker.close()
    const again = await newsClient(await testBroker({ dataDir }))
    const values = await newsOf(again.cluster)
    // A write whose sync failed may be there.
    expect(values.filter((value) => value !== 'refused')).toEqual(['kept'])
  },
)

test('nothing is acknowledged while the disk hangs, and all of it once it does not', async () => {
  const { broker, admin, cluster } = await setUp()
  const producer = openProducer(cluster)
  await producer.send(news('1'))
  const hanging = broker.faults.disk({ effect: 'hangs' })
  const sent = producer.send(news('2'))
  await hanging.struck
  expect(await isPending(sent, () => admin.listOffsets(place, 'latest'))).toBe(true)
  expect(await newsOf(cluster)).toEqual(['1'])
  hanging.end()
  expect(await sent).toMatchObject([{ offset: 1 }])
  const slow = broker.faults.disk({ effect: 'slow', ms: 200, times: 1 })
  const startedAt = performance.now()
  await producer.send(news('3'))
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195)
  expect(slow.hits).toBe(1)
  expect(await newsOf(cluster)).toEqual(['1', '2', '3'])
  await producer.close()
})

test('refuses orders that can not be meant', async () => {
  const { faults } = await testBroker()
  expect(() => faults.drop({ api: 'endTransaction' as ApiName })).toThrow('there is no API "endTransaction"')
  for (const times of [0, -1, 1.5]) expect(() => faults.drop({ times })).toThrow(`from 1, not ${times}`)
  for (const ms of [-1, Number.NaN, 2 ** 31]) {
    expect(() => faults.delay({ ms })).toThrow(`not ${ms}`)
    expect(() => faults.disk({ effect: 'slow', ms })).toThrow(`not ${ms}`)
  }
  expect(() => faults.disk({ effect: 'wet' } as unknown as DiskTrouble)).toThrow('there is no effect "wet"')
})
