/** The errors of a transactional producer whose abort fails. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { BrokerError, FencedError, KafkaError, UnknownOutcomeError } from '../src/index.ts'
import { apis, errors } from '../src/wire/index.ts'
import { type Clients, clientsOf, uniqueName, valuesOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

/** An open transaction with one record, whose requests of one kind get this answer from now on. */
async function openWith({ cluster, transactional }: Clients, topic: string, api: unknown, failure: KafkaError) {
  const producer = await transactional({ transactionalId: uniqueName('tx') })
  producer.begin()
  await producer.send([{ topic, key: null, value: 'a' }])
  const ask = cluster.coordinator.bind(cluster)
  vi.spyOn(cluster, 'coordinator').mockImplementation(async (call) => {
    if (call.api.key === (api as { key: number }).key) throw failure
    return await ask(call)
  })
  return producer
}

const timeout = new KafkaError('KAFKA_TIMEOUT', 'not within 30000 ms', { outcome: 'unknown' })

// It was called FencedError: an operator searched for a second process, and the supervisor counted a crash, though only the log was away.
it.each([
  ['a timeout', timeout],
  ['a lost connection', new KafkaError('KAFKA_CONNECTION_LOST', 'lost')],
  ['a refusal', new BrokerError(errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'ending')],
])('names %s as what it is when an abort fails of it, and says the same from then on', async (_name, failure) => {
  const clients = clientsOf(log)
  const topic = await clients.topic(1)
  const producer = await openWith(clients, topic, apis.endTxn, failure)
  const error = await producer.abort().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(failure.constructor)
  expect(error).not.toBeInstanceOf(FencedError)
  expect(error).toMatchObject({ code: failure.code, retriable: false, outcome: 'not-written' })
  await expect(producer.send([{ topic, key: null, value: 'b' }])).rejects.toBe(error)
  expect(() => producer.begin()).toThrow(failure.code === 'KAFKA_TIMEOUT' ? 'is not confirmed' : failure.message)
  // The successor ends what was left open.
  vi.restoreAllMocks()
  await clients.transactional({ transactionalId: producer.transactionalId })
  expect(valuesOf(await clients.readAll(topic))).toEqual([])
})

it.each(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'] as const)(
  'says that it was fenced when the log says %s to an abort',
  async (name) => {
    const clients = clientsOf(log)
    const producer = await openWith(
      clients,
      await clients.topic(1),
      apis.endTxn,
      new BrokerError(errors[name], 'ending'),
    )
    await expect(producer.abort()).rejects.toBeInstanceOf(FencedError)
  },
)

it('names a timeout while it asks for the next epoch after an abort as what it is', async () => {
  const clients = clientsOf(log)
  const topic = await clients.topic(1)
  const producer = await openWith(clients, topic, apis.initProducerId, timeout)
  await expect(producer.send([{ topic, partition: 9, key: null, value: 'b' }])).rejects.toThrow()
  vi.restoreAllMocks()
  const ask = clients.cluster.coordinator.bind(clients.cluster)
  vi.spyOn(clients.cluster, 'coordinator').mockImplementation(async (call) => {
    if (call.api.key === apis.endTxn.key) throw new BrokerError(errors.INVALID_TXN_STATE, 'ending')
    if (call.api.key === apis.initProducerId.key) throw timeout
    return await ask(call)
  })
  const error = await producer.abort().catch((thrown: unknown) => thrown)
  expect(error).not.toBeInstanceOf(UnknownOutcomeError)
  expect(error).toMatchObject({ code: 'KAFKA_TIMEOUT', retriable: false })
})

it('still calls the end of a commit unknown when the log does not tell', async () => {
  const clients = clientsOf(log)
  const producer = await openWith(clients, await clients.topic(1), apis.endTxn, timeout)
  await expect(producer.commit()).rejects.toBeInstanceOf(UnknownOutcomeError)
})
