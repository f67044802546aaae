/** The idempotent producer. */
import { describe, expect, it } from 'vitest'
import { KafkaError, openProducer, partitionForKey } from '../../src/index.ts'
import { clientsOf, valuesOf } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { cutConnections } from '../support/sockets.ts'

export function producingCases(theLog: () => LogUnderTest): void {
  describe('a producer', () => {
    it('puts records into the partitions of their keys, and returns the offset of each', async () => {
      const { cluster, topic, readAll } = clientsOf(theLog())
      const name = await topic(4)
      const producer = openProducer(cluster)
      const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`)
      const places = await producer.send(
        keys.map((key) => ({ topic: name, key, value: `value of ${key}`, headers: { about: key } })),
      )
      const records = await readAll(name)
      expect(records).toHaveLength(keys.length)
      for (const [index, key] of keys.entries()) {
        const place = places[index]
        expect(place?.partition).toBe(partitionForKey(key, 4))
        const record = records.find(
          ({ partition, offset }) => partition === place?.partition && offset === place.offset,
        )
        expect(record).toMatchObject({ value: Buffer.from(`value of ${key}`), headers: [['about', Buffer.from(key)]] })
        expect(record?.timestamp).toBe(place?.timestamp)
      }
    })

    it('keeps the order of calls that do not wait for each other', async () => {
      const { cluster, topic, readAll } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster, { maxBatchBytes: 1000 })
      const values = Array.from({ length: 300 }, (_, i) => `${i}`)
      await Promise.all(values.map((value) => producer.send([{ topic: name, key: 'one', value }])))
      expect(valuesOf(await readAll(name))).toEqual(values)
    })

    it('continues after a batch that is refused', async () => {
      const { cluster, topic, readAll } = clientsOf(theLog())
      const name = await topic(1, { 'max.message.bytes': '2000' })
      const producer = openProducer(cluster)
      const send = (value: string) => producer.send([{ topic: name, key: null, value }])
      await send('before')
      const tooLarge = expect(send('x'.repeat(5000))).rejects
      await tooLarge.toMatchObject({ brokerError: 'MESSAGE_TOO_LARGE', outcome: 'not-written', retriable: false })
      await send('after')
      // Refused alone, although it shared a batch with others.
      const outcomes = await Promise.allSettled([send('left'), send('y'.repeat(5000)), send('right')])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(valuesOf(await readAll(name))).toEqual(['before', 'after', 'left', 'right'])
    })

    it('reports the outcome of a partly written call as unknown', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(2, { 'max.message.bytes': '2000' })
      const producer = openProducer(cluster)
      const mixed = producer.send([
        { topic: name, partition: 0, key: null, value: 'small' },
        { topic: name, partition: 1, key: null, value: 'x'.repeat(5000) },
      ])
      await expect(mixed).rejects.toMatchObject({ outcome: 'unknown' })
    })

    it('writes every record once although connections break again and again', async () => {
      const log = theLog()
      const { cluster, topic, readAll } = clientsOf(log)
      const name = await topic(3)
      const producer = openProducer(cluster)
      const values = Array.from({ length: 600 }, (_, i) => `${i}`)
      const sends: Promise<unknown>[] = []
      for (const [index, value] of values.entries()) {
        sends.push(producer.send([{ topic: name, partition: index % 3, key: null, value }]))
        if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
        if (index % 120 === 60) cutConnections(log.brokers)
      }
      await Promise.all(sends)
      const records = await readAll(name)
      for (const partition of [0, 1, 2]) {
        const written = valuesOf(records.filter((record) => record.partition === partition))
        expect(written).toEqual(values.filter((_, index) => index % 3 === partition))
      }
    })

    it('refuses at once, and as not written, what its buffer can not hold', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster, { maxBufferedBytes: 1000 })
      const first = producer.send([{ topic: name, key: null, value: 'x'.repeat(900) }])
      const second = producer.send([{ topic: name, key: null, value: 'x'.repeat(900) }])
      await expect(second).rejects.toMatchObject({ code: 'KAFKA_QUEUE_FULL', outcome: 'not-written' })
      await first
      await producer.send([{ topic: name, key: null, value: 'x'.repeat(900) }])
    })

    it('refuses partitions and topics that are not there', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster, { deliveryTimeoutMs: 300 })
      const noPartition = producer.send([{ topic: name, partition: 7, key: null, value: '' }])
      await expect(noPartition).rejects.toMatchObject({ code: 'KAFKA_INVALID_ARGUMENT', outcome: 'not-written' })
      const noTopic = producer.send([{ topic: 'nowhere', key: null, value: '' }])
      await expect(noTopic).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', outcome: 'not-written' })
      await producer.close()
      await expect(producer.send([{ topic: name, key: null, value: '' }])).rejects.toMatchObject({
        code: 'KAFKA_CLOSED',
      })
    })
  })
}

export function producingRestartCases(theLog: () => LogUnderTest): void {
  it('sends on after the log was restarted, and knows what was not written while it was away', async () => {
    const log = theLog()
    const { cluster, topic, readAll } = clientsOf(log)
    const name = await topic(1)
    const patient = openProducer(cluster)
    const hasty = openProducer(cluster, { deliveryTimeoutMs: 200 })
    const send = (producer: typeof patient, value: string) => producer.send([{ topic: name, key: null, value }])
    await send(patient, 'before')
    await send(hasty, 'hasty before')
    await log.stop()
    const refused = await send(hasty, 'while away').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(KafkaError)
    expect(refused).toMatchObject({ outcome: 'not-written', retriable: true })
    const waiting = send(patient, 'waited')
    await log.start()
    await waiting
    await send(hasty, 'hasty after')
    expect(valuesOf(await readAll(name))).toEqual(['before', 'hasty before', 'waited', 'hasty after'])
  })

  it('does not ask for a new id for longer than its batches may wait, when the log went away with one in doubt', async () => {
    // The producer asked for as long as a batch may wait, again for each batch, before it checked the batches' deadlines: records that came
    // while the log was away waited up to twice their time, and behind others longer still.
    const log = theLog()
    const { cluster, topic } = clientsOf(log)
    const name = await topic(1)
    const producer = openProducer(cluster, { deliveryTimeoutMs: 300 })
    const send = (value: string) => producer.send([{ topic: name, key: null, value }])
    await send('before')
    const inDoubt = send('in doubt').catch(() => undefined)
    await log.stop()
    await inDoubt
    for (const value of ['first', 'second']) {
      const refused = await send(value).catch((error: unknown) => error)
      expect(refused).toMatchObject({ outcome: 'not-written', retriable: true })
      expect(refused).not.toMatchObject({ code: 'KAFKA_TIMEOUT' })
    }
    await log.start()
    await expect.poll(() => send('after').then(() => 'written', String), { timeout: 10_000 }).toBe('written')
  })
}
