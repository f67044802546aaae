import { errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import type { ApiError, Partition } from '../../src/log/index.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { faultyFiles } from '../support/faulty-files.ts'
import { partitionOf, readAll, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const codeOf = (error: unknown) => (error as ApiError).code

class Sender {
  #sequence = 0
  readonly #partition: Partition
  readonly producerId: number
  readonly producerEpoch: number

  constructor(partition: Partition, producerId: number, producerEpoch = 0) {
    this.#partition = partition
    this.producerId = producerId
    this.producerEpoch = producerEpoch
  }

  send(value: string, isTransactional = true) {
    const { producerId, producerEpoch } = this
    const producer = { producerId, producerEpoch, baseSequence: this.#sequence++, isTransactional }
    return this.#partition.append(batchOf([value], producer), 'client')
  }

  end(commit: boolean, coordinatorEpoch = 0) {
    const { producerId, producerEpoch } = this
    return this.#partition.appendMarker({ producerId, producerEpoch, commit, coordinatorEpoch })
  }
}

const fetchCommitted = (partition: Partition, offset: number) =>
  partition.read({ offset, maxBytes: 1_000_000, isolation: 'read_committed', minOneBatch: true })

describe('the last stable offset', () => {
  it('stays at the oldest open transaction until that has ended', async () => {
    const { partition } = await testPartition()
    const [first, second] = [new Sender(partition, 1), new Sender(partition, 2)]
    await partition.append(batchOf(['plain']), 'client')
    await first.send('first')
    await second.send('second')
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([1, 3])
    await second.end(true)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([1, 4])
    await first.end(true)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([5, 5])
  })

  it('does not pass a marker that is not durable yet', async () => {
    let release = () => {}
    let hold: Promise<void> | undefined
    const plain = faultyFiles(() => undefined)
    const files = {
      ...plain,
      sync: async (fd: number) => {
        await hold
        await plain.sync(fd)
      },
    }
    const { partition } = await testPartition({}, { files })
    const sender = new Sender(partition, 1)
    await sender.send('a')
    hold = new Promise((resolve) => {
      release = resolve
    })
    const ended = sender.end(true)
    const late = partition.append(batchOf(['late']), 'client')
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect([partition.lastStableOffset, partition.highWatermark, partition.logEndOffset]).toEqual([0, 1, 3])
    expect(valuesOf(await readAll(partition))).toEqual(['a'])
    release()
    await Promise.all([ended, late])
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([3, 3])
  })

  it('is where readers of committed records stop, and what they wait for', async () => {
    const { partition } = await testPartition()
    const sender = new Sender(partition, 1)
    await sender.send('a')
    expect((await fetchCommitted(partition, 0)).records).toHaveLength(0)
    const woken = new Promise<void>((resolve) => partition.onAdvance(0, 'read_committed', resolve))
    await sender.end(true)
    await woken
    expect(valuesOf((await fetchCommitted(partition, 0)).records)).toEqual(['a'])
  })
})

describe('aborted transactions', () => {
  it('are listed for readers of committed records, each only in its range', async () => {
    const { partition } = await testPartition()
    const sender = new Sender(partition, 1)
    await sender.send('aborted') // 0, marker 1
    await sender.end(false)
    await sender.send('committed') // 2, marker 3
    await sender.end(true)
    await sender.send('aborted too') // 4, marker 5
    await sender.end(false)
    const told = async (offset: number) => (await fetchCommitted(partition, offset)).abortedTransactions
    const [first, second] = [
      { producerId: 1, firstOffset: 0 },
      { producerId: 1, firstOffset: 4 },
    ]
    expect(await told(0)).toEqual([first, second])
    expect(await told(1)).toEqual([first, second])
    expect(await told(2)).toEqual([second])
    const uncommitted = { offset: 0, maxBytes: 1000, isolation: 'read_uncommitted', minOneBatch: true } as const
    expect((await partition.read(uncommitted)).abortedTransactions).toEqual([])
  })

  it('are listed only within the range of the answer’s records', async () => {
    const { partition } = await testPartition()
    const sender = new Sender(partition, 1)
    await partition.append(batchOf(['plain']), 'client')
    await sender.send('aborted')
    await sender.end(false)
    const oneBatch = { offset: 0, maxBytes: 1, isolation: 'read_committed', minOneBatch: true } as const
    const read = await partition.read(oneBatch)
    expect(valuesOf(read.records)).toEqual(['plain'])
    expect(read.abortedTransactions).toEqual([])
  })

  it.each(['a clean end', 'a crash'])('and open ones are known after %s', async (end) => {
    const dataDir = temporaryFolder()
    const { storage, partition } = await testPartition({}, { dataDir })
    const [first, second] = [new Sender(partition, 1), new Sender(partition, 2)]
    await first.send('aborted')
    await first.end(false)
    await second.send('open')
    const folder = end === 'a crash' ? crashCopy(dataDir) : dataDir
    if (end === 'a clean end') await storage.close()
    const again = partitionOf(await testStorage({ dataDir: folder }), 'events')
    expect(again.lastStableOffset).toBe(2)
    expect((await fetchCommitted(again, 0)).abortedTransactions).toEqual([{ producerId: 1, firstOffset: 0 }])
    await again.appendMarker({ producerId: 2, producerEpoch: 0, commit: true, coordinatorEpoch: 0 })
    expect(again.lastStableOffset).toBe(4)
  })
})

describe('markers and epochs', () => {
  it('a marker of a newer epoch ends the transaction and fences the older producer', async () => {
    const { partition } = await testPartition()
    const zombie = new Sender(partition, 1, 0)
    await zombie.send('a')
    await new Sender(partition, 1, 1).end(false)
    expect(partition.lastStableOffset).toBe(2)
    expect(await zombie.send('b').catch(codeOf)).toBe(errors.INVALID_PRODUCER_EPOCH)
    expect(await zombie.end(true).catch(codeOf)).toBe(errors.INVALID_PRODUCER_EPOCH)
  })

  it('a marker where no transaction is open is written and changes nothing', async () => {
    const { partition } = await testPartition()
    expect(await new Sender(partition, 1).end(false)).toEqual({ offset: 0 })
    expect(partition.lastStableOffset).toBe(1)
    expect((await fetchCommitted(partition, 0)).abortedTransactions).toEqual([])
  })

  it('an older coordinator is fenced', async () => {
    const { partition } = await testPartition()
    const sender = new Sender(partition, 1)
    await sender.send('a')
    await sender.end(true, 5)
    expect(await sender.end(true, 4).catch(codeOf)).toBe(errors.TRANSACTION_COORDINATOR_FENCED)
  })

  it('a producer writes nothing outside of its open transaction', async () => {
    const { partition } = await testPartition()
    const sender = new Sender(partition, 1)
    await sender.send('a')
    expect(await sender.send('b', false).catch(codeOf)).toBe(errors.INVALID_TXN_STATE)
  })

  it('the sequence continues over the end of a transaction', async () => {
    const { partition } = await testPartition()
    const sender = new Sender(partition, 1)
    await sender.send('a')
    await sender.end(true)
    await sender.send('b')
    await sender.end(true)
    expect(valuesOf(await readAll(partition, 'read_committed'))).toEqual(['a', 'b'])
  })
})
