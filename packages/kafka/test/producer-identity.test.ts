/** The outcomes that the idempotent producer reports while it has no producer id yet. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { KafkaError, openProducer } from '../src/index.ts'
import { clientsOf, valuesOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

// The loss of the connection on which the id was asked for made records that had never been sent "unknown", and gateways
// answered 504 for commands that could simply be sent again.
it('knows that nothing was written when the log went away while it asked for an id', async () => {
  const { cluster, topic, readAll } = clientsOf(log)
  const name = await topic(1)
  const producer = openProducer(cluster, { deliveryTimeoutMs: 200 })
  const asking = vi.spyOn(cluster, 'anyBroker')
  asking.mockRejectedValue(new KafkaError('KAFKA_CONNECTION_LOST', 'lost', { outcome: 'unknown' }))
  const refused = await producer.send([{ topic: name, key: null, value: 'a' }]).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'KAFKA_CONNECTION_LOST', outcome: 'not-written' })
  asking.mockRestore()
  await producer.send([{ topic: name, key: null, value: 'b' }])
  expect(valuesOf(await readAll(name))).toEqual(['b'])
})

// Deadlines were only checked when the batch under way had ended: with a log that does not answer, records behind it waited for that
// batch's time and then for their own.
it('rejects in time the records behind a batch that hangs', async () => {
  const { cluster, topic } = clientsOf(log)
  const name = await topic(1)
  const producer = openProducer(cluster, { deliveryTimeoutMs: 200 })
  const asking = vi.spyOn(cluster, 'anyBroker')
  asking.mockReturnValue(new Promise(() => undefined))
  const underWay = producer.send([{ topic: name, key: null, value: 'a' }])
  await vi.waitFor(() => expect(asking).toHaveBeenCalled())
  const behind = producer.send([{ topic: name, key: null, value: 'b' }])
  await expect(behind).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', outcome: 'not-written' })
  const another = producer.send([{ topic: name, key: null, value: 'c' }])
  await expect(another).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', outcome: 'not-written' })
  expect(await Promise.race([underWay, 'under way'])).toBe('under way')
})
