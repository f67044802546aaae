/** The read_committed filter on responses made by hand, because a log can't be made to give them. */
import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AbortedTransaction, visibleRecords } from '../src/reader/committed-records.ts'
import type { UndecodableBatch } from '../src/types.ts'
import { type BatchToEncode, encodeBatch, encodeControlBatch } from '../src/wire/index.ts'

const at = { topic: 't', partition: 0, isolation: 'read_committed', highWatermark: -1, onUndecodable: 'stop' } as const
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

describe('a batch that can not be decoded', () => {
  /** Bytes of a batch changed, with the right checksum. */
  function changed(original: Buffer, change: (bytes: Buffer) => void): Buffer {
    const bytes = Buffer.from(original)
    change(bytes)
    bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
    return bytes
  }

  const headerBytes = 61
  /** Of `batch(2, ['poison', 'x'])`, which has the length of its first record first, then attributes, deltas and the key's. */
  const broken: [string, (bytes: Buffer) => void][] = [
    ['a value length past its record', (bytes) => bytes.writeUInt8(126, headerBytes + 5)],
    ['a negative value length', (bytes) => bytes.writeUInt8(3, headerBytes + 5)],
    ['a record length past the batch', (bytes) => bytes.writeUInt8(0x7e, headerBytes)],
    ['an offset delta outside of the batch', (bytes) => bytes.writeUInt8(0x7e, headerBytes + 3)],
    ['an offset delta that goes back', (bytes) => bytes.writeUInt8(1, headerBytes + 3)],
    ['an offset delta that comes twice', (bytes) => bytes.writeUInt8(2, headerBytes + 3)],
    ['more records than there are', (bytes) => bytes.writeInt32BE(3, 57)],
    ['a negative number of records', (bytes) => bytes.writeInt32BE(-1, 57)],
    ['an unknown compression', (bytes) => bytes.writeInt16BE(7, 21)],
    ['a compression that it does not have', (bytes) => bytes.writeInt16BE(4, 21)],
    ['a time that is not a safe integer', (bytes) => bytes.writeBigInt64BE(-(2n ** 62n), 27)],
  ]
  const good = batch(2, ['poison', 'x'])
  const poisoned = (bytes: Buffer) => bytes.writeUInt8(3, headerBytes + 5)
  const skipped = (batches: Buffer, fetchOffset = 0, highWatermark = 6) =>
    visibleRecords({ ...at, fetchOffset, highWatermark, batches, aborted: [], lent: undefined, onUndecodable: 'skip' })

  it.each(broken)('for %s is skipped and reported, and the records around it are returned', (_what, change) => {
    const poison = changed(good, change)
    const { records, position, undecodable, fault } = skipped(
      Buffer.concat([batch(0, ['a', 'b']), poison, batch(4, ['c', 'd'])]),
    )
    expect(records.map(({ value }) => String(value))).toEqual(['a', 'b', 'c', 'd'])
    expect([position, fault]).toEqual([6, undefined])
    expect(undecodable).toMatchObject([{ topic: 't', partition: 0, baseOffset: 2, lastOffset: 3, bytes: poison }])
  })

  it.each([
    ['the magic of an older form', (bytes: Buffer) => bytes.writeInt8(1, 16), 2],
    ['a last offset past the end of the log', (bytes: Buffer) => bytes.writeInt32BE(4, 23), 2],
    ['a last offset before its first', (bytes: Buffer) => bytes.writeInt32BE(-1, 23), 2],
    ['a base offset that is not a safe integer', (bytes: Buffer) => bytes.writeBigInt64BE(2n ** 62n, 0), 2],
  ])('with %s ends where the next one begins', (_what, change, baseOffset) => {
    const { records, position, undecodable } = skipped(
      Buffer.concat([batch(0, ['a', 'b']), changed(changed(good, poisoned), change), batch(4, ['c', 'd'])]),
    )
    expect(records.map(({ value }) => String(value))).toEqual(['a', 'b', 'c', 'd'])
    expect([position, undecodable[0]?.baseOffset, undecodable[0]?.lastOffset]).toEqual([6, baseOffset, 3])
  })

  it.each([
    ['a length of nothing', (bytes: Buffer) => bytes.writeInt32BE(0, 8)],
    ['a length past the response', (bytes: Buffer) => bytes.writeInt32BE(1_000_000, 8)],
    ['a negative length', (bytes: Buffer) => bytes.writeInt32BE(-13, 8)],
    ['bytes that are no header', (bytes: Buffer) => bytes.fill(0xff)],
  ])('with %s is left by steps that end behind it, at the first of a response', (_what, change) => {
    const poison = changed(good, change)
    const log = Buffer.concat([poison, batch(4, ['c'])])
    let at = 2
    // The log answers with the batch that holds the offset, as a broker does.
    for (let steps = 0; at < 4 && steps < 5; steps++) at = skipped(log, at, 5).position
    expect(at).toBe(4)
    expect(skipped(batch(4, ['c']), 4, 5).records).toHaveLength(1)
  })

  it('at the end of the log leads to the end, never past it', () => {
    for (const [, change] of broken) expect(skipped(changed(good, change), 2, 4).position).toBe(4)
    const endless = changed(changed(good, poisoned), (bytes) => bytes.writeInt32BE(0x7fff_ffff, 23))
    expect(skipped(endless, 2, 4).position).toBe(3)
  })

  it('is copied up to a bound, and decided on by a function that gets it', () => {
    const large = changed(batch(2, ['x'.repeat(100_000)]), (bytes) => bytes.writeInt32BE(2, 57))
    const asked: UndecodableBatch[] = []
    const read = (answer: 'stop' | 'skip') =>
      visibleRecords({
        ...at,
        fetchOffset: 2,
        batches: Buffer.concat([large, batch(3, ['after'])]),
        aborted: [],
        lent: new Set(),
        onUndecodable: (one) => {
          asked.push(one)
          return answer
        },
      })
    expect(read('skip')).toMatchObject({ position: 4, undecodable: [{ sizeInBytes: large.length }] })
    expect(asked[0]?.bytes.equals(large.subarray(0, 65_536))).toBe(true)
    expect(read('stop')).toMatchObject({ position: 2, records: [], fault: { code: 'KAFKA_CORRUPT_BATCH' } })
  })

  it('that was a marker ends its transaction, so that the next one of its producer is shown', () => {
    const markerOf = changed(marker(1, 1, false), (bytes) => bytes.writeInt32BE(2, 57))
    const batches = Buffer.concat([written(1, 0, 'aborted'), markerOf, written(1, 2, 'next'), marker(1, 3, true)])
    const { records, position } = visibleRecords({
      ...at,
      fetchOffset: 0,
      batches,
      aborted: [{ producerId: 1, firstOffset: 0 }],
      lent: undefined,
      onUndecodable: 'skip',
    })
    expect([records.map(({ value }) => String(value)), position]).toEqual([['next'], 4])
  })

  it('that was a part of an aborted transaction does not end it: what follows of it stays hidden', () => {
    const part = written(1, 1, 'aborted', 'too')
    part.writeUInt8(part.readUInt8(part.length - 3) ^ 1, part.length - 3)
    const batches = Buffer.concat([written(1, 0, 'aborted'), part, written(1, 3, 'aborted'), marker(1, 4, false)])
    const { records, undecodable, position } = visibleRecords({
      ...at,
      fetchOffset: 0,
      batches,
      aborted: [{ producerId: 1, firstOffset: 0 }],
      lent: undefined,
      onUndecodable: 'skip',
    })
    expect([records, undecodable.length, position]).toEqual([[], 1, 5])
  })

  it('is skipped by a reader of all records, too', () => {
    const { records, undecodable, position } = visibleRecords({
      ...at,
      isolation: 'read_uncommitted',
      fetchOffset: 2,
      batches: Buffer.concat([changed(good, poisoned), batch(4, ['after'])]),
      aborted: [],
      lent: undefined,
      onUndecodable: 'skip',
    })
    expect([records.map(({ value }) => String(value)), undecodable.length, position]).toEqual([['after'], 1, 5])
  })

  it('that would become more records and headers than there is memory for is one, before they are made', () => {
    const header: readonly [string, null] = ['', null]
    const withHeaders = (count: number) => {
      const headers = Array.from({ length: count }, () => header)
      return encodeBatch({ records: [{ timestamp, key: null, value: null, headers }], compression: 'zstd' })
    }
    expect(skipped(withHeaders(999_999), 0, 1).records).toHaveLength(1)
    const { records, undecodable } = skipped(withHeaders(1_000_000), 0, 1)
    expect([records, undecodable[0]?.error.message]).toEqual([[], 'a batch of more than 1000000 records and headers'])
  })

  it('of any bytes never keeps a reader: each read throws nothing and moves on', () => {
    const changes = fc.array(fc.tuple(fc.integer({ min: 8, max: good.length - 1 }), fc.nat({ max: 255 })), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(changes, fc.boolean(), (bytes, isSealed) => {
        const edit = (copy: Buffer) => {
          for (const [place, value] of bytes) copy.writeUInt8(value, place)
        }
        const poison = Buffer.from(good)
        edit(poison)
        const { position, records, undecodable } = skipped(isSealed ? changed(good, edit) : poison, 2, 4)
        expect(position).toBeGreaterThan(2)
        if (undecodable.length > 0) expect(position).toBeLessThanOrEqual(4)
        for (const { offset } of records) expect(offset).toBeLessThan(position)
      }),
      { numRuns: 2_000 },
    )
  })
})
