import { errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import type { ApiError } from '../../src/log/index.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { partitionOf, readAll, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const codeOf = (error: unknown) => (error as ApiError).code

describe('an idempotent producer', () => {
  const send = (sequence: number, options: { epoch?: number; values?: string[] } = {}) =>
    batchOf(options.values ?? [`s${sequence}`], {
      producerId: 7,
      producerEpoch: options.epoch ?? 0,
      baseSequence: sequence,
    })

  it('gets the first offset again for a repeated batch, which is not written again', async () => {
    const { partition } = await testPartition()
    await partition.append(batchOf(['other']), 'client')
    const first = await partition.append(send(0, { values: ['a', 'b'] }), 'client')
    const again = await partition.append(send(0, { values: ['a', 'b'] }), 'client')
    expect([first.baseOffset, again.baseOffset]).toEqual([1, 1])
    expect(valuesOf(await readAll(partition))).toEqual(['other', 'a', 'b'])
  })

  it('is acknowledged for a repetition only when the original is durable', async () => {
    const { partition } = await testPartition()
    const order: string[] = []
    await Promise.all([
      partition.append(send(0), 'client').then(() => order.push('original')),
      partition.append(send(0), 'client').then(() => order.push('repetition')),
    ])
    expect(order).toEqual(['original', 'repetition'])
    expect(partition.highWatermark).toBe(1)
  })

  it('may repeat each of its last five batches, not an older one', async () => {
    const { partition } = await testPartition()
    for (let sequence = 0; sequence < 6; sequence++) await partition.append(send(sequence), 'client')
    const offsets: number[] = []
    for (let sequence = 1; sequence < 6; sequence++) {
      offsets.push((await partition.append(send(sequence), 'client')).baseOffset)
    }
    expect(offsets).toEqual([1, 2, 3, 4, 5])
    const older = await partition.append(send(0), 'client').catch(codeOf)
    expect(older).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('is refused when it leaves a gap', async () => {
    const { partition } = await testPartition()
    await partition.append(send(0), 'client')
    expect(await partition.append(send(2), 'client').catch(codeOf)).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect((await partition.append(send(1), 'client')).baseOffset).toBe(1)
  })

  it('starts over with sequence 0 in a new epoch, and is fenced in the old one', async () => {
    const { partition } = await testPartition()
    await partition.append(send(0), 'client')
    expect(await partition.append(send(1, { epoch: 1 }), 'client').catch(codeOf)).toBe(
      errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    )
    await partition.append(send(0, { epoch: 1 }), 'client')
    expect(await partition.append(send(1), 'client').catch(codeOf)).toBe(errors.INVALID_PRODUCER_EPOCH)
  })

  it('continues after 2^31-1 with 0', async () => {
    const { partition } = await testPartition()
    await partition.append(send(2 ** 31 - 2, { values: ['a', 'b'] }), 'client')
    expect((await partition.append(send(0), 'client')).baseOffset).toBe(2)
  })

  it.each(['a clean end', 'a crash'])('is known again after %s', async (end) => {
    const dataDir = temporaryFolder()
    const { storage, partition } = await testPartition({}, { dataDir })
    for (let sequence = 0; sequence < 3; sequence++) await partition.append(send(sequence), 'client')
    const folder = end === 'a crash' ? crashCopy(dataDir) : dataDir
    if (end === 'a clean end') await storage.close()
    const again = partitionOf(await testStorage({ dataDir: folder }), 'events')
    expect((await again.append(send(1), 'client')).baseOffset).toBe(1)
    expect(await again.append(send(4), 'client').catch(codeOf)).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect((await again.append(send(3), 'client')).baseOffset).toBe(3)
  })
})
