/** The read_committed filter on responses made by hand, where a log can't be made to answer them at will. */
import { describe, expect, it } from 'vitest'
import { type AbortedTransaction, visibleRecords } from '../src/reader/committed-records.ts'
import { type BatchToEncode, encodeBatch, encodeControlBatch } from '../src/wire/index.ts'

const at = { topic: 't', partition: 0, isolation: 'read_committed' } as const
const timestamp = 1_700_000_000_000

function batch(baseOffset: number, values: readonly string[], extra: Partial<BatchToEncode> = {}): Buffer {
  const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value) }))
  return encodeBatch({ records, baseOffset, ...extra })
}

function written(producerId: number, baseOffset: number, ...values: string[]): Buffer {
  return batch(baseOffset, values, { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true })
}

function marker(producerId: number, baseOffset: number, commit: boolean): Buffer {
  return encodeControlBatch({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp, baseOffset })
}

function visible(batches: readonly Buffer[], aborted: readonly AbortedTransaction[] = [], fetchOffset = 0) {
  const { records, position } = visibleRecords({
    ...at,
    fetchOffset,
    batches: Buffer.concat(batches),
    aborted,
    lent: false,
  })
  return { values: records.map(({ value }) => String(value)), position }
}

describe('what a reader shows', () => {
  it('passes over markers, and counts them', () => {
    expect(visible([written(1, 0, 'a', 'b'), marker(1, 2, true)])).toEqual({ values: ['a', 'b'], position: 3 })
  })

  it('leaves out an aborted transaction, and not the next of the same producer', () => {
    const batches = [written(1, 0, 'a'), marker(1, 1, false), written(1, 2, 'b'), marker(1, 3, true)]
    expect(visible(batches, [{ producerId: 1, firstOffset: 0 }])).toEqual({ values: ['b'], position: 4 })
  })

  it('leaves out two aborted transactions of one producer, listed in any order', () => {
    const batches = [
      written(1, 0, 'a'),
      marker(1, 1, false),
      written(1, 2, 'b'),
      marker(1, 3, true),
      written(1, 4, 'c'),
      marker(1, 5, false),
    ]
    const aborted = [
      { producerId: 1, firstOffset: 4 },
      { producerId: 1, firstOffset: 0 },
    ]
    expect(visible(batches, aborted)).toEqual({ values: ['b'], position: 6 })
  })

  it('leaves out the rest of a transaction that was aborted, when it began before this fetch', () => {
    const batches = [written(1, 5, 'rest'), batch(6, ['plain']), marker(1, 7, false), written(1, 8, 'next')]
    expect(visible(batches, [{ producerId: 1, firstOffset: 0 }], 5)).toEqual({ values: ['plain', 'next'], position: 9 })
  })

  it("tells producers apart, and a producer's own records outside of transactions", () => {
    const batches = [
      written(1, 0, 'aborted'),
      written(2, 1, 'committed'),
      batch(2, ['without transaction'], { producerId: 1, producerEpoch: 0, baseSequence: 1 }),
      marker(2, 3, true),
      marker(1, 4, false),
    ]
    const { values } = visible(batches, [{ producerId: 1, firstOffset: 0 }])
    expect(values).toEqual(['committed', 'without transaction'])
  })

  it('shows everything but markers to read_uncommitted', () => {
    const batches = Buffer.concat([written(1, 0, 'a'), marker(1, 1, false), written(1, 2, 'b')])
    const { records } = visibleRecords({
      ...at,
      isolation: 'read_uncommitted',
      fetchOffset: 0,
      batches,
      aborted: [{ producerId: 1, firstOffset: 0 }],
      lent: false,
    })
    expect(records.map(({ value }) => String(value))).toEqual(['a', 'b'])
  })

  it('skips what compaction left out, and what stands before the offset asked for', () => {
    const compacted = encodeBatch({
      baseOffset: 10,
      lastOffsetDelta: 9,
      records: [
        { timestamp, key: null, value: Buffer.from('first'), offset: 11 },
        { timestamp, key: null, value: Buffer.from('second'), offset: 14 },
      ],
    })
    expect(visible([compacted], [], 10)).toEqual({ values: ['first', 'second'], position: 20 })
    expect(visible([compacted], [], 12)).toEqual({ values: ['second'], position: 20 })
    expect(visible([compacted], [], 16)).toEqual({ values: [], position: 20 })
  })

  it('ignores a batch that is cut off at the end', () => {
    const cut = batch(1, ['cut']).subarray(0, -3)
    expect(visible([batch(0, ['whole']), cut])).toEqual({ values: ['whole'], position: 1 })
    expect(visible([])).toEqual({ values: [], position: 0 })
  })

  it('refuses a batch that differs from its checksum', () => {
    const broken = batch(3, ['money'])
    broken.writeUInt8(broken.readUInt8(broken.length - 3) ^ 1, broken.length - 3)
    expect(() => visible([broken], [], 3)).toThrow(expect.objectContaining({ code: 'KAFKA_CORRUPT_BATCH' }))
  })

  it('copies records, so that holding one does not hold the response', () => {
    const response = Buffer.concat([batch(0, ['value'])])
    const { records } = visibleRecords({ ...at, fetchOffset: 0, batches: response, aborted: [], lent: false })
    response.fill(0)
    expect(String(records[0]?.value)).toBe('value')
  })

  it('lends views without headers to a caller who is done with them in time', () => {
    const key = Buffer.from('key')
    const headers = [['name', Buffer.from('x'.repeat(200))]] as const
    const record = { timestamp, key, value: Buffer.from('value'), headers }
    const response = encodeBatch({ records: [record, { ...record, value: null }, { ...record, key: null }] })
    const { records } = visibleRecords({ ...at, fetchOffset: 1, batches: response, aborted: [], lent: true })
    expect(records).toMatchObject([
      { offset: 1, timestamp, key, value: null, headers: [] },
      { offset: 2, timestamp, key: null, value: record.value, headers: [] },
    ])
    response.fill(0)
    expect(records[1]?.value).toEqual(Buffer.alloc(5))
  })
})
