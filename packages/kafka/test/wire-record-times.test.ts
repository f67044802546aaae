/** A record has a time of its own, as a difference to that of its batch: the log checks it, and every client shows it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRecords, encodeBatch, MalformedError, visitRecords, walkRecords } from '../src/wire/index.ts'
import { rawBatch, rawRecord } from './support/raw-batch.ts'

const limits = { maxItems: 10, maxUnpackedBytes: 10_000 }
/** Where a number needs a byte more, and the ends of what JavaScript tells exactly. */
const edges = [1, 63, 64, 65, 8191, 8192, 8193, 2 ** 31, 2 ** 32, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 1, 2 ** 53 - 1]
const deltas = [0, ...edges, ...edges.map((one) => -one)]

function written(delta: number): Buffer {
  return encodeBatch({ records: [0, delta].map((timestamp) => ({ timestamp, key: null, value: null })) })
}

describe('the time of a record', () => {
  // Beyond 2^52 ms before its batch, a record was shown as much later, and the log counted it a millisecond off.
  it.each(deltas)('that is %i ms from the time of its batch is the one that was sent', (delta) => {
    const sent = rawBatch({ baseTimestamp: 0n, records: rawRecord({ timestampDelta: BigInt(delta) }) })
    const walked: number[] = []
    walkRecords(sent, limits, (_index, timestampDelta) => walked.push(timestampDelta))
    const visited: number[] = []
    visitRecords(sent, (_offset, timestamp) => visited.push(timestamp))
    expect([...walked, ...visited]).toEqual([delta, delta])
    expect(decodeRecords(written(delta)).map(({ timestamp }) => timestamp)).toEqual([0, delta])
    // All other bytes of the record are told from the length of its time.
    walkRecords(written(delta), limits, () => undefined)
  })

  it('is the one that was sent, whatever it is', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (delta) => {
        expect(decodeRecords(written(delta))[1]?.timestamp).toBe(delta)
      }),
    )
  })

  it.each([2n ** 53n, -(2n ** 53n), 2n ** 62n, -(2n ** 63n)])(
    'is refused by a reader if it is off by %i ms',
    (delta) => {
      const sent = rawBatch({ baseTimestamp: 0n, records: rawRecord({ timestampDelta: delta }) })
      expect(() => decodeRecords(sent)).toThrow(MalformedError)
    },
  )

  it('has at most ten bytes', () => {
    const timed = (time: string) => {
      const [attributes, rest] = ['00', '00' + '01' + '01' + '00']
      const record = Buffer.from(attributes + time + rest, 'hex')
      return rawBatch({ baseTimestamp: 0n, records: Buffer.concat([Buffer.from([record.length * 2]), record]) })
    }
    const longest = timed(`82${'80'.repeat(8)}00`)
    expect(decodeRecords(longest)[0]?.timestamp).toBe(1)
    walkRecords(longest, limits, (_index, delta) => expect(delta).toBe(1))
    const tooLong = timed(`82${'80'.repeat(9)}00`)
    expect(() => decodeRecords(tooLong)).toThrow(MalformedError)
    expect(() => walkRecords(tooLong, limits, () => undefined)).toThrow(MalformedError)
  })
})
