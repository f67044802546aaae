/** The read_committed filter on responses made by hand, because a log can't be made to give them. */
import { describe, expect, it } from 'vitest'
import { type AbortedTransaction, visibleRecords } from '../src/reader/committed-records.ts'
import { encodeBatch } from '../src/wire/index.ts'
import { at, batch, marker, timestamp, written } from './support/written-batches.ts'

function visible(batches: readonly Buffer[], aborted: readonly AbortedTransaction[] = [], fetchOffset = 0) {
  const { records, position } = visibleRecords({
    ...at,
    fetchOffset,
    batches: Buffer.concat(batches),
    aborted,
    lent: undefined,
  })
  return { values: records.map(({ value }) => String(value)), position }
}

describe('what a reader shows', () => {
  it('skips markers, and counts them', () => {
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
      lent: undefined,
    })
    expect(records.map(({ value }) => String(value))).toEqual(['a', 'b'])
  })

  it('skips compacted gaps, and records before the requested offset', () => {
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

  it.each([
    ['no batches', null],
    ['no bytes', Buffer.alloc(0)],
  ])('takes a response with %s for one without records, and not for a fault', (_, batches) => {
    const response = { ...at, fetchOffset: 7, batches, aborted: [], lent: undefined }
    expect(visibleRecords(response)).toEqual({ records: [], position: 7, undecodable: [], fault: undefined })
  })

  it('never goes back, if all that the log answers lies before the requested offset', () => {
    expect(visible([batch(0, ['old']), batch(1, ['old'])], [], 5)).toEqual({ values: [], position: 5 })
  })

  // A compaction may take the record of a marker and leave its batch, which keeps the offset.
  it('passes a marker without its record', () => {
    const extra = { producerId: 1, producerEpoch: 0, isTransactional: true, isControl: true, lastOffsetDelta: 0 }
    const response = Buffer.concat([batch(0, ['a']), batch(1, [], extra), batch(2, ['b'])])
    const { records, position, fault } = visibleRecords({
      ...at,
      fetchOffset: 0,
      batches: response,
      aborted: [],
      lent: undefined,
    })
    expect([records.map(({ value }) => String(value)), position, fault]).toEqual([['a', 'b'], 3, undefined])
  })

  it('refuses a batch that differs from its checksum', () => {
    const broken = batch(3, ['money'])
    broken.writeUInt8(broken.readUInt8(broken.length - 3) ^ 1, broken.length - 3)
    const { records, position, fault } = visibleRecords({
      ...at,
      fetchOffset: 2,
      batches: Buffer.concat([batch(2, ['before']), broken]),
      aborted: [],
      lent: undefined,
    })
    expect([records.map(({ value }) => String(value)), position]).toEqual([['before'], 3])
    expect(fault).toMatchObject({ code: 'KAFKA_CORRUPT_BATCH', batch: { topic: 't', baseOffset: 3, lastOffset: 3 } })
  })

  it('copies records, so that holding one does not hold the response', () => {
    const headers = [
      ['one', Buffer.from('1')],
      ['none', null],
      ['two', Buffer.from('twice')],
    ] as const
    const record = { timestamp, key: Buffer.from('key'), value: Buffer.from('value'), headers }
    const response = encodeBatch({ records: [record, { ...record, key: null, headers: [] }] })
    const { records } = visibleRecords({ ...at, fetchOffset: 0, batches: response, aborted: [], lent: undefined })
    response.fill(0)
    expect(records).toMatchObject([record, { key: null, value: record.value, headers: [] }])
  })

  it('lends views with their headers, if they are asked for', () => {
    const headers = [['name', Buffer.from('content')]] as const
    const response = encodeBatch({ records: [{ timestamp: 1, key: Buffer.from('key'), value: null, headers }] })
    const { records } = visibleRecords({ ...at, fetchOffset: 0, batches: response, aborted: [], lent: 'all' })
    expect(records).toMatchObject([{ offset: 0, key: Buffer.from('key'), value: null, headers }])
    response.fill(0)
    expect(records[0]?.headers[0]?.[1]).toEqual(Buffer.alloc(7))
  })

  it('lends views with the headers of some names alone', () => {
    const headers = [
      ['one', Buffer.from('1')],
      ['two', Buffer.from('2')],
      ['eno', null],
      ['one', Buffer.from('3')],
      ['', null],
    ] as const
    const record = { timestamp: 1, key: Buffer.from('key'), value: null, headers }
    const response = encodeBatch({ records: [record, { ...record, headers: [] }, { ...record, key: null }] })
    const { records } = visibleRecords({
      ...at,
      fetchOffset: 0,
      batches: response,
      aborted: [],
      lent: new Set(['one', 'eno', 'three']),
    })
    const some = [headers[0], headers[2], headers[3]]
    expect(records.map((each) => [String(each.key), each.headers])).toEqual([
      ['key', some],
      ['key', []],
      ['null', some],
    ])
  })

  it('lends views without headers to a caller that uses them in time', () => {
    const key = Buffer.from('key')
    const headers = [['name', Buffer.from('x'.repeat(200))]] as const
    const record = { timestamp, key, value: Buffer.from('value'), headers }
    const response = encodeBatch({ records: [record, { ...record, value: null }, { ...record, key: null }] })
    const { records } = visibleRecords({ ...at, fetchOffset: 1, batches: response, aborted: [], lent: new Set() })
    expect(records).toMatchObject([
      { offset: 1, timestamp, key, value: null, headers: [] },
      { offset: 2, timestamp, key: null, value: record.value, headers: [] },
    ])
    response.fill(0)
    expect(records[1]?.value).toEqual(Buffer.alloc(5))
  })
})
