import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { visibleRecords } from '../src/reader/committed-records.ts'
import type { UndecodableBatch } from '../src/types.ts'
import { encodeBatch } from '../src/wire/index.ts'
import { at, batch, marker, timestamp, written } from './support/written-batches.ts'

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
