import { errors } from '@streampay/kafka/wire'
import { describe, expect, test } from 'vitest'
import { Offsets } from '../src/coordinators/offsets.ts'
import type { Commit } from '../src/coordinators/pending-offsets.ts'
import type { StateEntry, StateLog } from '../src/coordinators/state-log.ts'
import { ApiError } from '../src/log/api-error.ts'
import { partitionOf, TestClock, testPartition } from './support/test-storage.ts'

const first = { producerId: 1, producerEpoch: 0 }
const second = { producerId: 2, producerEpoch: 0 }
const commitOf = (offset: number, partition = 0, metadata = ''): Commit => {
  return { topic: 't', partition, offset, leaderEpoch: -1, metadata }
}

/** Appends wait until the test releases them, in their order. */
async function heldOffsets() {
  const { storage } = await testPartition()
  const waiting: { readonly entries: readonly StateEntry[]; accept(): void; refuse(): void }[] = []
  const log: StateLog = {
    topic: 'events',
    partition: partitionOf(storage, 'events'),
    load: () => Promise.resolve(),
    append: (entries) =>
      new Promise<void>((accept, reject) => {
        const refuse = () => reject(new ApiError(errors.NOT_ENOUGH_REPLICAS, 'refused by the test'))
        waiting.push({ entries, accept, refuse })
      }),
  }
  return { offsets: new Offsets(log, new TestClock()), waiting }
}

describe('offsets of an open transaction', () => {
  test('are pending at once, count with its commit, and are removed with its abort', async () => {
    const { offsets, waiting } = await heldOffsets()
    const committed = offsets.commitInTransaction('g', [commitOf(5)], first)
    expect([offsets.isPending('g', 't', 0), offsets.hasPending('g')]).toEqual([true, true])
    expect([offsets.isPending('g', 't', 1), offsets.hasPending('h')]).toEqual([false, false])
    waiting[0]?.accept()
    await committed
    offsets.endTransaction(1, true)
    expect([offsets.isPending('g', 't', 0), offsets.committed('g', 't', 0)?.offset]).toEqual([false, 5])
    const aborted = offsets.commitInTransaction('g', [commitOf(6)], first)
    waiting[1]?.accept()
    await aborted
    offsets.endTransaction(1, false)
    expect([offsets.hasPending('g'), offsets.committed('g', 't', 0)?.offset]).toEqual([false, 5])
  })

  test('go back to what was durable when a later commit of the transaction is refused', async () => {
    const { offsets, waiting } = await heldOffsets()
    const kept = offsets.commitInTransaction('g', [commitOf(5)], first)
    const refused = offsets.commitInTransaction('g', [commitOf(6)], first).catch((error: ApiError) => error.code)
    waiting[0]?.accept()
    await kept
    waiting[1]?.refuse()
    expect(await refused).toBe(errors.NOT_ENOUGH_REPLICAS)
    offsets.endTransaction(1, true)
    expect(offsets.committed('g', 't', 0)?.offset).toBe(5)
  })

  test('of two transactions stay pending until the last of them has ended', async () => {
    const { offsets, waiting } = await heldOffsets()
    const both = [first, second].map((producer) => offsets.commitInTransaction('g', [commitOf(5)], producer))
    for (const { accept } of waiting) accept()
    await Promise.all(both)
    offsets.endTransaction(1, false)
    expect(offsets.isPending('g', 't', 0)).toBe(true)
    offsets.endTransaction(2, true)
    expect(offsets.isPending('g', 't', 0)).toBe(false)
  })

  // Each commit was added to a copy of all before it: 20,000 of one transaction took 20,000 times 20,000 steps and all
  // their memory.
  test('take no more memory when the same partitions are committed again and again', async () => {
    const { offsets, waiting } = await heldOffsets()
    const metadata = 'x'.repeat(4096)
    for (let offset = 0; offset < 5000; offset++) {
      const commits = [commitOf(offset, 0, metadata)]
      expect(offsets.hasRoomFor(1, 'g', commits)).toBe(true)
      const committed = offsets.commitInTransaction('g', commits, first)
      waiting.pop()?.accept()
      await committed
    }
    offsets.endTransaction(1, true)
    expect(offsets.committed('g', 't', 0)?.offset).toBe(4999)
  })

  test('are bounded for one transaction and for all, and no longer counted after their ends', async () => {
    const { offsets, waiting } = await heldOffsets()
    const commits = Array.from({ length: 100 }, (_, partition) => commitOf(1, partition, 'x'.repeat(4096)))
    const fill = async (producerId: number) => {
      let rounds = 0
      for (; offsets.hasRoomFor(producerId, `g${rounds}`, commits); rounds++) {
        const committed = offsets.commitInTransaction(`g${rounds}`, commits, { producerId, producerEpoch: 0 })
        waiting.pop()?.accept()
        await committed
      }
      return rounds
    }
    const ofOne = await fill(1)
    expect(ofOne).toBeGreaterThan(10)
    const others = []
    for (let producerId = 2; producerId <= 20; producerId++) others.push(await fill(producerId))
    expect(others.at(0)).toBe(ofOne)
    expect(others.at(-1)).toBe(0)
    offsets.endTransaction(1, false)
    expect(await fill(20)).toBe(ofOne)
  })
})
