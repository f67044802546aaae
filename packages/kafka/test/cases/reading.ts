/** The reader. */
import { describe, expect, it } from 'vitest'
import {
  OffsetOutOfRangeError,
  openProducer,
  openReader,
  openSharedFetches,
  type Reader,
  readBetween,
} from '../../src/index.ts'
import { clientsOf, recordsOf, uniqueName, valuesOf } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { cutConnections } from '../support/sockets.ts'

export function readingCases(theLog: () => LogUnderTest): void {
  describe('a reader', () => {
    it('counts transaction markers in its position', async () => {
      const { cluster, topic, transactional } = clientsOf(theLog())
      const name = await topic(1)
      const producer = await transactional({ transactionalId: uniqueName('markers') })
      producer.begin()
      await producer.send([{ topic: name, key: null, value: 'one' }])
      await producer.commit()
      producer.begin()
      await producer.send([{ topic: name, key: null, value: 'two' }])
      await producer.abort()
      const reader = openReader(cluster)
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      while ((reader.positions()[0]?.position ?? 0) < 4) await reader.poll()
      expect(reader.positions()).toEqual([
        { topic: name, partition: 0, position: 4, highWatermark: 4, lastStableOffset: 4, logStartOffset: 0 },
      ])
    })

    it('reads once what lies between two offsets, markers and aborted records at the end included', async () => {
      const { cluster, topic, transactional } = clientsOf(theLog())
      const name = await topic(2)
      await openProducer(cluster).send(
        ['a', 'b', 'c'].map((value) => ({ topic: name, partition: 0, key: null, value })),
      )
      const producer = await transactional({ transactionalId: uniqueName('between') })
      producer.begin()
      await producer.send([{ topic: name, partition: 1, key: null, value: 'never' }])
      await producer.abort()
      const records = []
      const ranges = [
        { topic: name, partition: 0, start: 1, end: 2 },
        { topic: name, partition: 1, start: 0, end: 2 },
      ]
      for await (const some of readBetween(cluster, ranges)) records.push(...some)
      expect(valuesOf(records)).toEqual(['b'])
    })

    it('continues where the log begins when what it was to read is removed, if that is wanted', async () => {
      const { cluster, admin, topic } = clientsOf(theLog())
      const name = await topic(2)
      const values = Array.from({ length: 20 }, (_, n) => `${n} ${'x'.repeat(1_000)}`)
      const producer = openProducer(cluster)
      for (const value of values) {
        await producer.send([0, 1].map((partition) => ({ topic: name, partition, key: null, value })))
      }
      const ranges = [0, 1].map((partition) => ({ topic: name, partition, start: 0, end: 20 }))
      const read = async (onGone: 'stop' | 'skip') => {
        const records = []
        await admin.deleteRecords([{ topic: name, partition: 1, beforeOffset: 15 }])
        for await (const some of readBetween(cluster, ranges, { onGone })) records.push(...some)
        return records.map(({ partition, offset }) => `${partition}@${offset}`).toSorted()
      }
      const all = [...values.map((_, n) => `0@${n}`), ...[15, 16, 17, 18, 19].map((n) => `1@${n}`)]
      expect(await read('skip')).toEqual(all.toSorted())
      await expect(read('stop')).rejects.toBeInstanceOf(OffsetOutOfRangeError)
      // With none of its records left, there is nothing to wait for.
      await admin.deleteRecords([{ topic: name, partition: 1, beforeOffset: 20 }])
      expect(await read('skip')).toEqual(all.slice(0, 20).toSorted())
    })

    it('gives up on offsets that do not come', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const endless = readBetween(cluster, [{ topic: name, partition: 0, start: 0, end: 1 }], { maxSilenceMs: 10 })
      await expect(endless.next()).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT' })
    })

    it('begins in the middle of a batch', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      await openProducer(cluster).send(['a', 'b', 'c', 'd'].map((value) => ({ topic: name, key: null, value })))
      const reader = openReader(cluster)
      reader.assign([{ topic: name, partition: 0, offset: 2 }])
      expect(valuesOf(recordsOf(await reader.poll()))).toEqual(['c', 'd'])
    })

    it('holds back paused partitions, and delivers them promptly when they are resumed', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(2)
      const producer = openProducer(cluster)
      const reader = openReader(cluster, { maxWaitMs: 5_000 })
      reader.assign([0, 1].map((partition) => ({ topic: name, partition, offset: 0 })))
      reader.pause([{ topic: name, partition: 1 }])
      await producer.send([0, 1].map((partition) => ({ topic: name, partition, key: null, value: `${partition}` })))
      expect(valuesOf(recordsOf(await reader.poll()))).toEqual(['0'])
      expect(await reader.poll({ timeoutMs: 100 })).toEqual([])
      // By now a long poll of five seconds waits for partition 0: partition 1 must not wait for its end.
      reader.resume([{ topic: name, partition: 1 }])
      expect(valuesOf(recordsOf(await reader.poll({ timeoutMs: 2_000 })))).toEqual(['1'])
    })

    it('follows additions, removals and seeks', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(3)
      const producer = openProducer(cluster)
      await producer.send([0, 1, 2].map((partition) => ({ topic: name, partition, key: null, value: `${partition}` })))
      const reader = openReader(cluster)
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      expect(valuesOf(recordsOf(await reader.poll()))).toEqual(['0'])
      reader.add([{ topic: name, partition: 1, offset: 0 }])
      expect(valuesOf(recordsOf(await reader.poll()))).toEqual(['1'])
      reader.remove([{ topic: name, partition: 0 }])
      reader.seek({ topic: name, partition: 1, offset: 0 })
      expect(valuesOf(recordsOf(await reader.poll()))).toEqual(['1'])
      expect(reader.positions().map(({ partition }) => partition)).toEqual([1])
      expect(() => reader.seek({ topic: name, partition: 0, offset: 0 })).toThrow('is not read')
      expect(() => reader.add([{ topic: name, partition: 2, offset: -1 }])).toThrow('can not be read from offset -1')
    })

    it('sees a record as soon as it is there, not when a poll of the broker ends', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster)
      const reader = openReader(cluster, { maxWaitMs: 10_000 })
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      const polled = reader.poll({ timeoutMs: 5_000 })
      await producer.send([{ topic: name, key: null, value: 'now' }])
      expect(valuesOf(recordsOf(await polled))).toEqual(['now'])
    })

    it('pauses after a fetch that brought little, if it lingers, and not within a backlog', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster)
      const send = (value: string) => producer.send([{ topic: name, key: null, value }])
      const large = 'x'.repeat(100_000)
      for (const value of [large, large, large]) await send(value)
      const reader = openReader(cluster, { lingerMs: 3_600_000, partitionMaxBytes: 150_000 })
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      const polled = async () => valuesOf(recordsOf(await reader.poll({ timeoutMs: 5_000 })))
      for (let n = 0; n < 3; n++) expect(await polled()).toEqual([large])
      await send('first')
      expect(await polled()).toEqual(['first'])
      await send('second')
      expect(await reader.poll({ timeoutMs: 100 })).toEqual([])
    })

    it('continues after its pause, with all that came meanwhile', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster)
      const reader = openReader(cluster, { lingerMs: 300 })
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      const values: string[] = []
      for (const value of ['a', 'b', 'c']) await producer.send([{ topic: name, key: null, value }])
      while (values.length < 3) values.push(...valuesOf(recordsOf(await reader.poll({ timeoutMs: 5_000 }))))
      expect(values).toEqual(['a', 'b', 'c'])
    })

    it('shares its fetches with others, each of which gets its own records, also of one partition', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const [one, two] = [await topic(2), await topic(1)]
      const shared = openSharedFetches(cluster)
      const readers = [shared.openReader(), shared.openReader({ lent: true }), shared.openReader()]
      const [first, second, third] = readers
      first?.assign([0, 1].map((partition) => ({ topic: one, partition, offset: 0 })))
      second?.assign([{ topic: two, partition: 0, offset: 0 }])
      third?.assign([{ topic: two, partition: 0, offset: 0 }])
      const sent = [
        { topic: one, partition: 0, key: null, value: 'a' },
        { topic: one, partition: 1, key: null, value: 'b' },
        { topic: two, partition: 0, key: null, value: 'c' },
        { topic: two, partition: 0, key: null, value: 'd' },
      ]
      await openProducer(cluster).send(sent)
      const all = async (reader: Reader | undefined, count: number) => {
        const values: (string | null)[] = []
        while (values.length < count) values.push(...valuesOf(recordsOf((await reader?.poll()) ?? [])))
        return values.toSorted()
      }
      expect(await all(first, 2)).toEqual(['a', 'b'])
      expect(await all(second, 2)).toEqual(['c', 'd'])
      expect(await all(third, 2)).toEqual(['c', 'd'])
      for (const reader of readers) await reader.close()
      await shared.close()
    })

    it('is not held up by another of its fetches that takes nothing, has a gap, or is closed', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const [one, two, three] = [await topic(1), await topic(1), await topic(1)]
      const producer = openProducer(cluster)
      const send = (name: string, value: string) => producer.send([{ topic: name, key: null, value }])
      const shared = openSharedFetches(cluster)
      const slow = shared.openReader({ maxBytes: 1 })
      const gap = shared.openReader()
      const gone = shared.openReader()
      const reader = shared.openReader()
      slow.assign([{ topic: one, partition: 0, offset: 0 }])
      gap.assign([{ topic: two, partition: 0, offset: 9 }])
      gone.assign([{ topic: three, partition: 0, offset: 0 }])
      reader.assign([{ topic: two, partition: 0, offset: 0 }])
      const values: (string | null)[] = []
      for (let n = 0; n < 5; n++) {
        await send(one, `${n}`)
        await send(two, `${n}`)
        while (values.length <= n) values.push(...valuesOf(recordsOf(await reader.poll())))
        if (n === 2) await gone.close()
      }
      expect(values).toEqual(['0', '1', '2', '3', '4'])
      await expect(gap.poll({ timeoutMs: 5_000 })).rejects.toThrow('before offset 9')
      const late: (string | null)[] = []
      while (late.length < 5) late.push(...valuesOf(recordsOf(await slow.poll())))
      expect(late).toEqual(['0', '1', '2', '3', '4'])
      expect(await gone.poll()).toEqual([])
      for (const one of [slow, gap, reader]) await one.close()
      await shared.close()
    })

    it('names the gap of an offset that the log does not hold', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(2)
      await openProducer(cluster).send([0, 1].map((partition) => ({ topic: name, partition, key: null, value: 'x' })))
      const reader = openReader(cluster)
      reader.assign([{ topic: name, partition: 0, offset: 9 }])
      const failure = await reader.poll({ timeoutMs: 5_000 }).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(OffsetOutOfRangeError)
      expect(failure).toMatchObject({ topic: name, partition: 0, offset: 9, earliest: 0, latest: 1 })
      await expect(reader.poll()).rejects.toThrow('the log ends at 1, before offset 9')
      reader.seek({ topic: name, partition: 0, offset: 0 })
      expect(recordsOf(await reader.poll())).toHaveLength(1)
    })

    it('reads on, once each, although connections break', async () => {
      const log = theLog()
      const { cluster, topic } = clientsOf(log)
      const name = await topic(2)
      const producer = openProducer(cluster)
      const reader = openReader(cluster, { partitionMaxBytes: 500 })
      reader.assign([0, 1].map((partition) => ({ topic: name, partition, offset: 0 })))
      const values = Array.from({ length: 200 }, (_, i) => `${i}`)
      const seen: string[] = []
      for (const [index, value] of values.entries()) {
        await producer.send([{ topic: name, partition: index % 2, key: null, value }])
        if (index % 50 === 25) cutConnections(log.brokers)
        if (index % 10 === 0) seen.push(...valuesOf(recordsOf(await reader.poll())))
      }
      while (seen.length < values.length) seen.push(...valuesOf(recordsOf(await reader.poll())))
      expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(values)
    })

    it('reads each record once of many partitions, which come, go, rest and are sought, while connections break', async () => {
      const log = theLog()
      const { cluster, topic } = clientsOf(log)
      const name = await topic(6)
      const producer = openProducer(cluster)
      const reader = openReader(cluster)
      const at = (partition: number) => ({ topic: name, partition })
      reader.assign([0, 1, 2, 3, 4, 5].map((partition) => ({ ...at(partition), offset: 0 })))
      const sent: string[] = []
      const seen: string[] = []
      const read = async () => seen.push(...valuesOf(recordsOf(await reader.poll({ timeoutMs: 20 }))))
      for (let step = 0; step < 120; step++) {
        const partition = step % 6
        const value = `${step}`
        await producer.send([{ ...at(partition), key: null, value }])
        sent.push(value)
        const position = reader.positions().find((one) => one.partition === partition)?.position ?? 0
        if (step % 7 === 1) reader.pause([at((partition + 1) % 6)])
        if (step % 7 === 4) reader.resume([0, 1, 2, 3, 4, 5].map(at))
        if (step % 11 === 5) reader.remove([at(partition)])
        if (step % 11 === 5) reader.add([{ ...at(partition), offset: position }])
        if (step % 13 === 6) reader.seek({ ...at(partition), offset: position })
        if (step % 50 === 25) cutConnections(log.brokers)
        await read()
      }
      reader.resume([0, 1, 2, 3, 4, 5].map(at))
      for (const until = performance.now() + 10_000; seen.length < sent.length && performance.now() < until; )
        await read()
      expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(sent)
      for (const partition of [0, 1, 2, 3, 4, 5]) {
        const own = seen.map(Number).filter((value) => value % 6 === partition)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    })

    it('ends its iteration when it is closed', async () => {
      const { cluster, topic } = clientsOf(theLog())
      const name = await topic(1)
      await openProducer(cluster).send([{ topic: name, key: null, value: 'x' }])
      const reader = openReader(cluster)
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      for await (const fetched of reader) {
        expect(recordsOf(fetched)).toHaveLength(1)
        void reader.close()
      }
      expect(await reader.poll()).toEqual([])
    })
  })
}

export function readingRestartCases(theLog: () => LogUnderTest): void {
  it('reads on after the log was restarted', async () => {
    const log = theLog()
    const { cluster, topic } = clientsOf(log)
    const name = await topic(2)
    const producer = openProducer(cluster)
    const reader = openReader(cluster)
    reader.assign([0, 1].map((partition) => ({ topic: name, partition, offset: 0 })))
    await producer.send([{ topic: name, partition: 0, key: null, value: 'before' }])
    expect(valuesOf(recordsOf(await reader.poll({ timeoutMs: 5_000 })))).toEqual(['before'])
    await log.restart()
    await producer.send([{ topic: name, partition: 1, key: null, value: 'after' }])
    const seen: string[] = []
    while (seen.length === 0) seen.push(...valuesOf(recordsOf(await reader.poll())))
    expect(seen).toEqual(['after'])
  })
}
