/** Transactions as every log must implement them; the first four are defects of another client that this one must not have. */
import { describe, expect, it } from 'vitest'
import {
  AbortableError,
  endTransactionOf,
  FencedError,
  openProducer,
  openReader,
  UnknownOutcomeError,
} from '../../src/index.ts'
import { type ClientsOptions, clientsOf, recordsOf, strayGroup, uniqueName, valuesOf } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { cutConnections } from '../support/sockets.ts'

export function transactionCases(theLog: () => LogUnderTest, options: ClientsOptions = {}): void {
  const clients = () => clientsOf(theLog(), options)
  describe('aborted records', () => {
    it('hides an aborted transaction that is larger than a fetch', async () => {
      const { topic, transactional, readAll } = clients()
      const name = await topic(1)
      const producer = await transactional({ transactionalId: uniqueName('large') })
      const padding = 'x'.repeat(20_000)
      producer.begin()
      for (let i = 0; i < 20; i++) await producer.send([{ topic: name, key: null, value: `aborted ${i} ${padding}` }])
      await producer.abort()
      producer.begin()
      await producer.send([{ topic: name, key: null, value: 'committed' }])
      await producer.commit()

      const small = { partitionMaxBytes: 50_000, maxBytes: 50_000 }
      expect(valuesOf(await readAll(name, small))).toEqual(['committed'])
      expect(await readAll(name, { ...small, isolation: 'read_uncommitted' })).toHaveLength(21)
    })

    it('hides two aborted transactions of one producer that come in one fetch, and shows the one between', async () => {
      const { topic, transactional, readAll } = clients()
      const name = await topic(1)
      const producer = await transactional({ transactionalId: uniqueName('two-aborts') })
      for (const [value, end] of [
        ['first aborted', 'abort'],
        ['committed', 'commit'],
        ['second aborted', 'abort'],
        ['third aborted', 'abort'],
        ['last', 'commit'],
      ] as const) {
        producer.begin()
        await producer.send([{ topic: name, key: null, value }])
        await producer[end]()
      }
      expect(valuesOf(await readAll(name))).toEqual(['committed', 'last'])
    })

    it('delivers nothing of an open transaction, and the position stays before it', async () => {
      const { cluster, topic, transactional } = clients()
      const name = await topic(1)
      const plain = openProducer(cluster)
      await plain.send([{ topic: name, key: null, value: 'before' }])
      const producer = await transactional({ transactionalId: uniqueName('open') })
      producer.begin()
      await producer.send([{ topic: name, key: null, value: 'held back' }])
      await plain.send([{ topic: name, key: null, value: 'behind' }])

      const reader = openReader(cluster, { maxWaitMs: 50 })
      reader.assign([{ topic: name, partition: 0, offset: 0 }])
      expect(valuesOf(recordsOf(await reader.poll()))).toEqual(['before'])
      expect(await reader.poll({ timeoutMs: 200 })).toEqual([])
      expect(reader.positions()[0]).toMatchObject({ position: 1, lastStableOffset: 1, highWatermark: 3 })
      await producer.commit()
      const rest: string[] = []
      while (rest.length < 2) rest.push(...valuesOf(recordsOf(await reader.poll())))
      expect(rest).toEqual(['held back', 'behind'])
    })
  })

  describe('one transaction', () => {
    it('loses nothing of sends and offsets that run concurrently', async () => {
      const { admin, topic, transactional, readAll } = clients()
      const names = await Promise.all([topic(4), topic(4), topic(4)])
      const group = uniqueName('concurrent')
      const producer = await transactional({ transactionalId: uniqueName('concurrent') })
      const partitions = [0, 1, 2, 3]
      for (let round = 0; round < 3; round++) {
        producer.begin()
        const sends = names.flatMap((name) =>
          partitions.map((partition) => producer.send([{ topic: name, partition, key: null, value: `${round}` }])),
        )
        const offsets = partitions.map((partition) =>
          producer.sendOffsets(strayGroup(group), [
            { topic: names[0] ?? '', partition, offset: round + 1, metadata: `round ${round}` },
          ]),
        )
        await Promise.all([...sends, ...offsets])
        await producer.commit()
      }
      for (const name of names) expect(await readAll(name)).toHaveLength(12)
      const committed = await admin.committedOffsets(
        group,
        partitions.map((partition) => ({ topic: names[0] ?? '', partition })),
        { requireStable: true },
      )
      expect(committed.map(({ offset, metadata }) => [offset, metadata])).toEqual(partitions.map(() => [3, 'round 2']))
    })

    it('commits what was sent without waiting for the sends', async () => {
      const { topic, transactional, readAll } = clients()
      const name = await topic(2)
      const producer = await transactional({ transactionalId: uniqueName('unwaited') })
      producer.begin()
      const sends = Array.from({ length: 50 }, (_, i) => producer.send([{ topic: name, key: `${i}`, value: `${i}` }]))
      await producer.commit()
      await Promise.all(sends)
      expect(new Set(valuesOf(await readAll(name)))).toEqual(new Set(Array.from({ length: 50 }, (_, i) => `${i}`)))
    })

    it('does not move the offsets of an aborted transaction', async () => {
      const { admin, topic, transactional } = clients()
      const name = await topic(1)
      const group = uniqueName('aborted-offsets')
      const producer = await transactional({ transactionalId: uniqueName('aborted-offsets') })
      producer.begin()
      await producer.sendOffsets(strayGroup(group), [{ topic: name, partition: 0, offset: 7, metadata: '' }])
      await producer.abort()
      const [committed] = await admin.committedOffsets(group, [{ topic: name, partition: 0 }], { requireStable: true })
      expect(committed?.offset).toBe(-1)
    })

    it('commits and aborts empty transactions without a request', async () => {
      const { transactional } = clients()
      const producer = await transactional({ transactionalId: uniqueName('empty') })
      producer.begin()
      await producer.commit()
      producer.begin()
      await producer.abort()
      expect(() => producer.begin()).not.toThrow()
      expect(() => producer.begin()).toThrow('begin does not fit')
      await expect(producer.commit()).resolves.toBeUndefined()
      await expect(producer.send([])).rejects.toMatchObject({ code: 'KAFKA_INVALID_STATE' })
    })
  })

  describe('one transaction after the other', () => {
    it('begins again in every partition, after any pause, and any outcome of those before', async () => {
      const { topic, transactional, readAll } = clients()
      const name = await topic(3)
      const producer = await transactional({ transactionalId: uniqueName('rounds') })
      const committed: string[] = []
      for (let round = 0; round < 12; round++) {
        const partitions = [0, 1, 2].filter((partition) => round % (partition + 1) === 0)
        const values = partitions.flatMap((partition) => [`${round}/${partition} a`, `${round}/${partition} b`])
        producer.begin()
        for (const value of values) {
          await producer.send([{ topic: name, partition: Number(value.split(/[ /]/)[1]), key: null, value }])
        }
        if (round % 3 === 1) await producer.abort()
        else {
          await producer.commit()
          committed.push(...values)
        }
      }
      expect(valuesOf(await readAll(name)).toSorted()).toEqual(committed.toSorted())
    })
  })

  describe('a transactional.id that is opened again', () => {
    it('fences the zombie, not the new producer, and ends its open transaction', async () => {
      const { topic, transactional, readAll, admin } = clients()
      const name = await topic(1)
      const transactionalId = uniqueName('slot')
      const zombie = await transactional({ transactionalId })
      zombie.begin()
      await zombie.send([{ topic: name, key: null, value: 'committed by the first' }])
      await zombie.commit()
      zombie.begin()
      await zombie.send([{ topic: name, key: null, value: 'left open' }])

      const newcomer = await transactional({ transactionalId })
      const partition = { topic: name, partition: 0 }
      const [stable] = await admin.listOffsets([partition], 'latest', 'read_committed')
      const [end] = await admin.listOffsets([partition], 'latest', 'read_uncommitted')
      expect(stable?.offset).toBe(end?.offset)
      newcomer.begin()
      await newcomer.send([{ topic: name, key: null, value: 'by the newcomer' }])

      await expect(zombie.send([{ topic: name, key: null, value: 'by the zombie' }])).rejects.toThrow(FencedError)
      await expect(zombie.commit()).rejects.toThrow(FencedError)
      expect(() => zombie.begin()).toThrow(FencedError)
      await newcomer.commit()
      expect(valuesOf(await readAll(name))).toEqual(['committed by the first', 'by the newcomer'])
    })

    it('refuses the commit of a zombie that has sent everything', async () => {
      const { topic, transactional, readAll } = clients()
      const name = await topic(1)
      const transactionalId = uniqueName('slot')
      const zombie = await transactional({ transactionalId })
      zombie.begin()
      await zombie.send([{ topic: name, key: null, value: 'zombie' }])
      await transactional({ transactionalId })
      await expect(zombie.commit()).rejects.toThrow(FencedError)
      expect(await readAll(name)).toEqual([])
    })

    it('ends the transaction of a dead member by its id alone', async () => {
      const { cluster, topic, transactional, admin } = clients()
      const name = await topic(1)
      const transactionalId = uniqueName('dead')
      const dead = await transactional({ transactionalId, transactionTimeoutMs: 60_000 })
      dead.begin()
      await dead.send([{ topic: name, key: null, value: 'never committed' }])
      await dead.close()
      const stable = async () => {
        const [found] = await admin.listOffsets([{ topic: name, partition: 0 }], 'latest', 'read_committed')
        return found?.offset
      }
      expect(await stable()).toBe(0)
      await endTransactionOf(cluster, transactionalId)
      expect(await stable()).toBe(2)
    })
  })

  describe('a batch that fails', () => {
    it('fails its transaction, and not the next', async () => {
      const { topic, transactional, readAll } = clients()
      const name = await topic(2)
      const producer = await transactional({ transactionalId: uniqueName('poison') })
      for (let round = 0; round < 3; round++) {
        producer.begin()
        await producer.send([{ topic: name, partition: 0, key: null, value: `undone ${round}` }])
        const tooLarge = producer.send([{ topic: name, partition: 0, key: null, value: Buffer.alloc(1_500_000) }])
        await expect(tooLarge).rejects.toThrow(AbortableError)
        await expect(producer.send([{ topic: name, partition: 1, key: null, value: 'no' }])).rejects.toThrow(
          AbortableError,
        )
        await expect(producer.commit()).rejects.toThrow(AbortableError)
        await producer.abort()
        producer.begin()
        await producer.send([
          { topic: name, partition: 0, key: null, value: `done ${round}` },
          { topic: name, partition: 1, key: null, value: `done ${round}` },
        ])
        await producer.commit()
      }
      const expected = ['done 0', 'done 1', 'done 2']
      const records = await readAll(name)
      expect(valuesOf(records.filter(({ partition }) => partition === 0))).toEqual(expected)
      expect(valuesOf(records.filter(({ partition }) => partition === 1))).toEqual(expected)
    })
  })

  describe('a lost connection', () => {
    it('neither loses nor doubles a record, at any point of the transaction', async () => {
      const log = theLog()
      const { admin, topic, transactional, readAll } = clientsOf(log, options)
      const name = await topic(3)
      const group = uniqueName('cut')
      const producer = await transactional({ transactionalId: uniqueName('cut') })
      const committed: string[] = []
      const steps = 6
      for (let round = 0; round < steps * 2; round++) {
        const cutAt = (step: number) => {
          if (round % steps === step) cutConnections(log.brokers)
        }
        const value = `${round}`
        producer.begin()
        cutAt(0)
        const first = producer.send([{ topic: name, partition: round % 3, key: null, value }])
        cutAt(1)
        await first
        cutAt(2)
        const second = producer.send([{ topic: name, partition: (round + 1) % 3, key: null, value: `${value}b` }])
        const offsets = producer.sendOffsets(strayGroup(group), [
          { topic: name, partition: 0, offset: round + 1, metadata: '' },
        ])
        // Lets the requests be sent, so that only their answers are lost.
        await new Promise((resolve) => setImmediate(resolve))
        cutAt(3)
        await Promise.all([second, offsets])
        cutAt(4)
        const end = producer.commit()
        await new Promise((resolve) => setImmediate(resolve))
        cutAt(5)
        await end
        committed.push(value, `${value}b`)
      }
      expect(valuesOf(await readAll(name)).sort()).toEqual(committed.sort())
      const [offset] = await admin.committedOffsets(group, [{ topic: name, partition: 0 }], { requireStable: true })
      expect(offset?.offset).toBe(steps * 2)
    })
  })
}

/** Slow on a log that is slow to start. */
export function transactionRestartCases(theLog: () => LogUnderTest): void {
  it.each([
    ['', 2],
    [', before KIP-890', 1],
  ] as const)('decides a transaction that the log was restarted in, one way or the other%s', async (_, version) => {
    const log = theLog()
    const { topic, transactional, readAll } = clientsOf(log, { transactionVersion: version })
    const name = await topic(2)
    const producer = await transactional({ transactionalId: uniqueName('restart'), transactionTimeoutMs: 60_000 })
    producer.begin()
    await producer.send([{ topic: name, partition: 0, key: null, value: 'before' }])
    const restarted = log.restart()
    let committed = false
    try {
      await producer.send([{ topic: name, partition: 1, key: null, value: 'after' }])
      await producer.commit()
      committed = true
    } catch (error) {
      const known = [AbortableError, FencedError, UnknownOutcomeError].some((type) => error instanceof type)
      if (!known) throw error
    }
    await restarted
    // EndTxn is answered before the markers are written, which a log that has just been started may take a while for.
    const seen = async () => valuesOf(await readAll(name)).sort()
    await expect.poll(seen, { timeout: 15_000 }).toEqual(committed ? ['after', 'before'] : [])
    expect(committed).toBe(true)
  })
}
