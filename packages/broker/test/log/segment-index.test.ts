import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { IndexCache } from '../../src/log/index-cache.ts'
import type { LogPartition } from '../../src/log/partition.ts'
import { SegmentIndex } from '../../src/log/segment-index.ts'
import { batchOf } from '../support/batches.ts'
import { closeAll, partitionOf, temporaryFolder, testPartition, testStorage } from '../support/test-storage.ts'

const batchBytes = batchOf(['v']).length

type Range = { readonly producerId: number; readonly firstOffset: number; readonly lastOffset: number }

/** Producers take turns at random: each turn opens a transaction, writes into it, or ends it. */
const histories = fc.array(fc.record({ producer: fc.nat(4), ends: fc.constantFrom('no', 'commit', 'abort') }), {
  minLength: 1,
  maxLength: 40,
})
const shapes = fc.record({
  /** Of a segment. */
  batches: fc.integer({ min: 1, max: 10 }),
  intervalBytes: fc.constantFrom(0, 3 * batchBytes, 4096),
  checkpointBytes: fc.constantFrom(300, 1000, 1_000_000),
  reopened: fc.boolean(),
  from: fc.nat(40),
  to: fc.nat(40),
})

test('finds the aborted transactions that a scan over the whole log finds, however it is cut into segments', async () => {
  const property = fc.asyncProperty(histories, shapes, async (history, shape) => {
    const dataDir = temporaryFolder()
    const config = {
      'segment.bytes': String(shape.batches * batchBytes),
      'index.interval.bytes': String(shape.intervalBytes),
    }
    const { checkpointBytes } = shape
    const { storage, partition } = await testPartition(config, { dataDir, checkpointBytes })
    const open = new Map<number, number>()
    const aborted: Range[] = []
    for (const [offset, { producer: producerId, ends }] of history.entries()) {
      const firstOffset = open.get(producerId)
      const isMarker = ends !== 'no' && firstOffset !== undefined
      if (isMarker) {
        const commit = ends === 'commit'
        await partition.appendMarker({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0 })
        if (!commit) aborted.push({ producerId, firstOffset, lastOffset: offset })
        open.delete(producerId)
      } else {
        const producer = { producerId, producerEpoch: 0, isTransactional: true }
        await partition.append(batchOf(['v'], producer), 'coordinator')
        if (firstOffset === undefined) open.set(producerId, offset)
      }
    }
    if (shape.reopened) await storage.close()
    const log = shape.reopened ? partitionOf(await testStorage({ dataDir }), 'events') : partition
    const [from, to] = [shape.from % history.length, shape.to]
    const expected = aborted
      .filter((range) => range.lastOffset >= from && range.firstOffset < to)
      .sort((a, b) => a.firstOffset - b.firstOffset)
    expect(await (log as LogPartition).abortedBetween(from, to)).toEqual(expected)
    await closeAll()
  })
  await fc.assert(property, { numRuns: 60 })
}, 120_000)

/** Arrays of numbers that report each reading of an element. */
function countedNumbers(onRead: () => void) {
  const Numbers = Float64Array
  return class {
    constructor(length: number) {
      // biome-ignore lint/correctness/noConstructorReturn: inheritance can’t observe the reads of an array of numbers.
      return new Proxy(new Numbers(length), {
        get(numbers, name) {
          if (typeof name === 'string' && /^\d+$/.test(name)) onRead()
          const member: unknown = Reflect.get(numbers, name, numbers)
          return typeof member === 'function' ? member.bind(numbers) : member
        },
      })
    }
  }
}

// Every read went over all ranges of the partition, one by one.
test('a look among many aborted transactions does not go over them', () => {
  let looks = 0
  vi.stubGlobal(
    'Float64Array',
    countedNumbers(() => looks++),
  )
  onTestFinished(() => void vi.unstubAllGlobals())
  const index = new SegmentIndex(4096)
  for (let at = 0; at < 20_000; at++) {
    index.addAborted({ producerId: at % 7, firstOffset: at * 2, lastOffset: at * 2 + 1, floor: at * 2 + 2 })
  }
  looks = 0
  const found: Range[] = []
  expect(index.findAborted(10_001, 10_004, found)).toBe(true)
  expect(found.map(({ firstOffset }) => firstOffset)).toEqual([10_000, 10_002])
  // 15 for the place of the first one, and four for each that is read.
  expect(looks).toBeGreaterThan(0)
  expect(looks).toBeLessThan(50)
})

test('the cache of indexes keeps those that were used last, within its bytes', () => {
  const indexOf = (entries: number) => {
    const index = new SegmentIndex(1)
    for (let at = 0; at < entries; at++) index.addEntry({ offset: at, position: at }, -1)
    return index
  }
  const cache = new IndexCache(10 * indexOf(1).bytes)
  const segments = Array.from({ length: 5 }, () => ({}))
  for (const segment of segments) cache.put(segment, indexOf(3))
  const held = () => segments.map((segment) => cache.get(segment) !== undefined)
  expect(held()).toEqual([false, false, true, true, true])
  cache.get(segments[2] ?? {})
  cache.put({}, indexOf(3))
  expect(held()).toEqual([false, false, true, false, true])
  // An index that is larger than the whole bound is kept alone.
  const large = {}
  cache.put(large, indexOf(50))
  expect([...held(), cache.get(large) !== undefined]).toEqual([false, false, false, false, false, true])
})
