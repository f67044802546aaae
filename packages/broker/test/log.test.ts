import { describe, expect, it } from 'vitest'
import { batchOf, valuesOf } from './support/batches.ts'
import { partitionOf, readAll, temporaryFolder, testPartition, testStorage } from './support/test-storage.ts'

describe('a partition', () => {
  it('answers the offsets of what it took, and gives it back as it came', async () => {
    const { partition } = await testPartition()
    const first = await partition.append(batchOf(['a', 'b']), 'client')
    const second = await partition.append(batchOf(['c']), 'client')
    expect([first.baseOffset, second.baseOffset]).toEqual([0, 2])
    expect(partition.highWatermark).toBe(3)
    expect(valuesOf(await readAll(partition))).toEqual(['a', 'b', 'c'])
  })

  it('gives back everything after a clean restart', async () => {
    const dataDir = temporaryFolder()
    const { storage, partition } = await testPartition({}, { dataDir })
    await partition.append(batchOf(['a', 'b']), 'client')
    await storage.close()
    const again = await testStorage({ dataDir })
    expect(valuesOf(await readAll(partitionOf(again, 'events')))).toEqual(['a', 'b'])
    expect((await partitionOf(again, 'events').append(batchOf(['c']), 'client')).baseOffset).toBe(2)
  })
})
