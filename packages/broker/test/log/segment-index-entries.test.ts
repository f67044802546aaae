/** Where a read begins in a segment, and which aborted transactions it is told of: one entry off, and records are missing or come again. */
import { encodeControlBatch } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { SegmentIndex } from '../../src/log/segment-index.ts'
import { type AbortedRange, TransactionScan } from '../../src/log/transaction-scan.ts'
import { type BatchOptions, batchOf } from '../support/batches.ts'

const writing = (producerId: number) => ({ producerId, producerEpoch: 0, isTransactional: true })
const batch = (baseOffset: number, timestamp: number, options: BatchOptions = {}) =>
  batchOf([{ value: 'v', timestamp }], { baseOffset, ...options })
const marker = (baseOffset: number, producerId: number, commit: boolean) =>
  encodeControlBatch({ baseOffset, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1, commit })
const size = batch(0, 0).length

function indexOf(batches: readonly Buffer[], { intervalBytes = 1, scan = new TransactionScan() } = {}): SegmentIndex {
  const index = new SegmentIndex(intervalBytes)
  // They stand behind other bytes, as in a piece of a file that is scanned.
  for (const [number, bytes] of batches.entries()) {
    index.add(Buffer.concat([Buffer.alloc(3), bytes]), 3, { position: number * size, scan })
  }
  return index
}

const entriesOf = (index: SegmentIndex) => Array.from({ length: index.entryCount }, (_, at) => index.entry(at))
const abortedOf = (index: SegmentIndex) => Array.from({ length: index.abortedCount }, (_, at) => index.aborted(at))

/** Six batches of one offset each; their times rise and fall. */
const six = () => [5, 3, 8, 8, 6, 9].map((timestamp, offset) => batch(10 + offset, timestamp))

describe('the entries of an index', () => {
  it.each([
    ['each batch, with no bytes between them', 0, [0, 1, 2, 3, 4, 5]],
    ['each batch, with the bytes of one', size, [0, 1, 2, 3, 4, 5]],
    ['every second one, with a byte more', size + 1, [0, 2, 4]],
    ['every third one, with the bytes of three', 3 * size, [0, 3]],
    ['the first one alone, with more bytes than there are', 100 * size, [0]],
  ])('are of %s', (_, intervalBytes, numbers) => {
    const index = indexOf(six(), { intervalBytes })
    const before = [-1, 5, 5, 8, 8, 8]
    const expected = numbers.map((at) => ({ offset: 10 + at, position: at * size, timestampBefore: before[at] }))
    expect(entriesOf(index)).toEqual(expected)
    expect(index.lastPosition).toBe((numbers.at(-1) ?? 0) * size)
    expect(index).toMatchObject({ maxTimestamp: 9, endOffset: 16, floor: 16, open: [], abortedCount: 0 })
  })

  it('begin with the largest time of the batches before it', () => {
    const index = new SegmentIndex(1, 70)
    index.add(batch(10, 5), 0, { position: 0, scan: new TransactionScan() })
    expect(entriesOf(index)).toEqual([{ offset: 10, position: 0, timestampBefore: 70 }])
    expect(index.maxTimestamp).toBe(70)
  })

  it('lead to the batch that holds an offset, or the first one after it', () => {
    const index = indexOf(six(), { intervalBytes: 2 * size })
    const found = [9, 10, 11, 12, 13, 14, 99].map((offset) => index.entryForOffset(offset)?.offset)
    expect(found).toEqual([undefined, 10, 10, 12, 12, 14, 14])
    expect(index.entryForOffset(12)).toEqual({ offset: 12, position: 2 * size })
  })

  it('lead to the first batch with a record at or after a time', () => {
    const index = indexOf(six())
    // No batch before the entry has such a time.
    const found = [-1, 0, 5, 6, 8, 9, 99].map((time) => index.entryForTimestamp(time)?.offset)
    expect(found).toEqual([undefined, 10, 10, 12, 12, 15, 15])
  })

  it('lead nowhere if there are none', () => {
    const index = new SegmentIndex(1)
    expect([index.entryForOffset(5), index.entryForTimestamp(5)]).toEqual([undefined, undefined])
    expect(index).toMatchObject({ entryCount: 0, lastPosition: 0, lastAborted: -1, maxTimestamp: -1, bytes: 0 })
  })
})

describe('the aborted transactions of an index', () => {
  /** Producer 1 begins at 0, 2 at 1; 2 aborts at 2 and 1 at 4, between them 3 commits. */
  const batches = () => [
    batch(0, 1, writing(1)),
    batch(1, 1, writing(2)),
    marker(2, 2, false),
    batch(3, 1, writing(3)),
    marker(4, 1, false),
    marker(5, 3, true),
  ]
  const second = { producerId: 2, firstOffset: 1, lastOffset: 2 }
  const first = { producerId: 1, firstOffset: 0, lastOffset: 4 }
  const found = (index: SegmentIndex, from: number, to: number) => {
    const ranges: AbortedRange[] = []
    return { isAll: index.findAborted(from, to, ranges), ranges }
  }

  it('are those that end with an abort, with the first offset of those that may still be aborted', () => {
    const index = indexOf(batches())
    expect(abortedOf(index)).toEqual([
      { ...second, floor: 0 },
      { ...first, floor: 3 },
    ])
    expect(index.lastAborted).toBe(4)
  })

  it.each([
    ['all that overlap with a range', 0, 2, { isAll: true, ranges: [second, first] }],
    ['not those that begin behind it', 0, 1, { isAll: true, ranges: [first] }],
    ['one that ends where it begins', 2, 3, { isAll: true, ranges: [second, first] }],
    ['not one that ends before it', 3, 3, { isAll: true, ranges: [first] }],
    ['and that more may follow', 3, 4, { isAll: false, ranges: [first] }],
    ['none, and that more may follow', 5, 9, { isAll: false, ranges: [] }],
  ])('are told: %s', (_, from, to, expected) => {
    expect(found(indexOf(batches()), from, to)).toEqual(expected)
  })

  it('may have begun before the index', () => {
    const scan = new TransactionScan([{ producerId: 9, firstOffset: 4 }])
    const index = indexOf([marker(7, 9, false)], { scan })
    expect(abortedOf(index)).toEqual([{ producerId: 9, firstOffset: 4, lastOffset: 7, floor: 8 }])
  })
})

describe('the end of an index', () => {
  const open = [
    { producerId: 1, firstOffset: 12 },
    { producerId: 2, firstOffset: 3 },
  ]

  it('keeps what it is not told', () => {
    const index = indexOf(six())
    index.endAt({ open })
    expect(index).toMatchObject({ open, endOffset: 16, maxTimestamp: 9, floor: 3 })
    index.endAt({ open: [], endOffset: 0, maxTimestamp: 0 })
    expect(index).toMatchObject({ open: [], endOffset: 0, maxTimestamp: 0, floor: 0 })
  })

  it('counts its bytes in memory: of entries, aborted and open transactions', () => {
    const index = new SegmentIndex(1)
    index.addEntry({ offset: 0, position: 0 }, -1)
    expect(index.bytes).toBe(20)
    index.addAborted({ producerId: 1, firstOffset: 0, lastOffset: 1, floor: 2 })
    expect(index.bytes).toBe(52)
    index.endAt({ open })
    expect(index.bytes).toBe(84)
  })
})

it('the rest of an index has what came after the first entries, the same end, and goes on by the same interval', () => {
  const scan = new TransactionScan()
  const batches = [0, 1, 2].flatMap((at) => [batch(2 * at, at, writing(at)), marker(2 * at + 1, at, false)])
  const index = indexOf(batches, { intervalBytes: 2 * size, scan })
  const open = [{ producerId: 7, firstOffset: 1 }]
  index.endAt({ open, endOffset: 40 })
  const rest = index.after({ entries: 1, aborted: 2 })
  expect(entriesOf(rest)).toEqual(entriesOf(index).slice(1))
  expect(abortedOf(rest)).toEqual(abortedOf(index).slice(2))
  expect(rest).toMatchObject({ open, endOffset: 40, maxTimestamp: index.maxTimestamp, entryCount: 2, abortedCount: 1 })
  for (const at of [6, 7]) rest.add(batch(at, 1), 0, { position: at * size, scan })
  expect(entriesOf(rest).map(({ offset }) => offset)).toEqual([2, 4, 6])
})
