/** The order of a transaction's requests. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { apis } from '../src/wire/index.ts'
import { clientsOf, strayGroup, uniqueName, valuesOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

it('writes records and offsets in parallel, which adds partitions and group to the transaction', async () => {
  const { cluster, topic, transactional, readAll } = clientsOf(log)
  const name = await topic(1)
  const producer = await transactional({ transactionalId: uniqueName('tx') })
  const ask = vi.spyOn(cluster, 'coordinator')
  for (const round of [1, 2]) {
    producer.begin()
    const offset = { topic: name, partition: 0, offset: round, metadata: '' }
    const sent = producer.send([{ topic: name, key: null, value: `${round}` }])
    await Promise.all([sent, producer.sendOffsets(strayGroup(uniqueName('g')), [offset])])
    await producer.commit()
  }
  const asked = ask.mock.calls.map(([call]) => call.api.name)
  expect(asked).toEqual(['TxnOffsetCommit', 'EndTxn', 'TxnOffsetCommit', 'EndTxn'])
  expect(valuesOf(await readAll(name))).toEqual(['1', '2'])
})

it('before KIP-890: writes records and offsets in parallel, once partitions and group are added', async () => {
  const { cluster, topic, transactional, readAll } = clientsOf(log, { transactionVersion: 1 })
  const name = await topic(1)
  const producer = await transactional({ transactionalId: uniqueName('tx') })
  const held = Promise.withResolvers<void>()
  const asked: string[] = []
  const ask = cluster.coordinator.bind(cluster)
  vi.spyOn(cluster, 'coordinator').mockImplementation(async (call) => {
    asked.push(call.api.name)
    if (call.api.key === apis.txnOffsetCommit.key) await held.promise
    return await ask(call)
  })
  producer.begin()
  const sent = producer.send([{ topic: name, key: null, value: 'a' }])
  const offsets = producer.sendOffsets(strayGroup(uniqueName('g')), [
    { topic: name, partition: 0, offset: 1, metadata: '' },
  ])
  await sent
  await vi.waitFor(() => expect(asked).toHaveLength(3))
  expect(asked.slice(0, 2).sort()).toEqual(['AddOffsetsToTxn', 'AddPartitionsToTxn'])
  expect(asked[2]).toBe('TxnOffsetCommit')
  held.resolve()
  await offsets
  await producer.commit()
  expect(valuesOf(await readAll(name))).toEqual(['a'])
})
