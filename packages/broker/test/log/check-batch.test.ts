/** Which batches of a client enter a log. The list of bytes is that which Apache Kafka has answered, too. */
import { readBatchHeader, verifyCrc } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { batchCases } from '../../../kafka/test/cases/batch-cases.ts'
import { type RawBatch, rawBatch, rawRecord, rawRecords, rawTime } from '../../../kafka/test/support/raw-batch.ts'
import { ApiError } from '../../src/log/api-error.ts'
import { type BatchRules, checkBatch, clientBatchOf } from '../../src/log/check-batch.ts'
import { logSettings } from '../../src/topics/topic-config.ts'
import { refusalIn } from '../support/refusals.ts'

const rules: BatchRules = { origin: 'client', settings: logSettings({}), now: Number(rawTime) }
const compacted: BatchRules = { ...rules, settings: logSettings({ 'cleanup.policy': 'compact' }) }
const written: BatchRules = { ...rules, origin: 'coordinator' }
const whole = (change: Partial<RawBatch> = {}) => rawBatch({ records: rawRecord(), ...change })
const overheadBytes = 12

function taken(bytes: Buffer, by = rules): Buffer {
  const batch = clientBatchOf(bytes).bytes
  checkBatch(batch, by)
  return batch
}

describe('a batch of a client', () => {
  it.each(batchCases.map((one) => [one.what, one] as const))('is answered as by Kafka: %s', (_, one) => {
    const bytes = Buffer.from(one.bytes)
    const { code, wrong } = refusalIn(() => taken(bytes, one.compacted ? compacted : rules))
    const expected = one.ours?.code ?? one.kafka
    // Transactions are looked at in between: here such a batch is one that no client may write.
    expect(code).toBe(expected === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' ? 'INVALID_RECORD' : expected)
    if (one.wrong) expect(wrong).toEqual(one.wrong)
  })

  it('is the first of the bytes, as a view on them', () => {
    const bytes = Buffer.concat([whole(), whole().subarray(0, -1)])
    const { header, bytes: batch } = clientBatchOf(bytes)
    expect(header).toEqual(readBatchHeader(whole()))
    expect(batch).toEqual(whole())
    expect(batch.buffer).toBe(bytes.buffer)
  })

  const behind = (bytes: number, { length = 14, magic = 2 } = {}) => {
    const rest = Buffer.alloc(Math.max(bytes, 17))
    rest.writeInt32BE(length, 8)
    rest[16] = magic
    return Buffer.concat([whole(), rest.subarray(0, bytes)])
  }

  it.each([
    ['11 bytes', behind(11, { length: 0 })],
    ['16 bytes, which have no format yet', behind(16, { magic: 9 })],
    ['25 bytes of the least batch', behind(25)],
    ['a whole header of a batch that is cut off', behind(61, { length: 50 })],
  ])('may have behind it %s', (_, bytes) => {
    expect(taken(bytes)).toEqual(whole())
  })

  it.each([
    ['12 bytes with a length below the least', behind(12, { length: 13 }), 'CORRUPT_MESSAGE'],
    ['17 bytes of an unknown format', behind(17, { magic: 3 }), 'CORRUPT_MESSAGE'],
    ['17 bytes of a negative format', behind(17, { magic: 0xff }), 'CORRUPT_MESSAGE'],
    ['26 bytes, the least batch', behind(26), 'INVALID_RECORD'],
    ['26 bytes of the oldest format', behind(26, { magic: 0 }), 'INVALID_RECORD'],
  ])('has nothing else behind it: %s', (_, bytes, code) => {
    expect(refusalIn(() => taken(bytes)).code).toBe(code)
  })

  it.each([26, 40, 60])('is refused without a whole header, although it has the %i bytes that it says', (bytes) => {
    const short = whole().subarray(0, bytes)
    short.writeInt32BE(bytes - overheadBytes, 8)
    expect(refusalIn(() => taken(short)).code).toBe('CORRUPT_MESSAGE')
  })

  it('is refused in another format than the broker writes', () => {
    expect(refusalIn(() => checkBatch(whole({ magic: 1 }), rules)).code).toBe('CORRUPT_MESSAGE')
    expect(refusalIn(() => checkBatch(whole({ magic: 3 }), written)).code).toBe('CORRUPT_MESSAGE')
  })

  // A batch without records would end before it begins.
  it.each([0, -1])('is refused with %i records, although its last offset agrees', (count) => {
    expect(refusalIn(() => taken(rawBatch({ records: Buffer.alloc(0), count }))).code).toBe('INVALID_RECORD')
  })

  it('is refused with more or fewer bytes than it says', () => {
    const longer = Buffer.concat([whole(), Buffer.alloc(1)])
    expect(refusalIn(() => checkBatch(longer, rules)).code).toBe('CORRUPT_MESSAGE')
    expect(refusalIn(() => checkBatch(whole().subarray(0, -1), rules)).code).toBe('CORRUPT_MESSAGE')
  })

  it('has at most the bytes that its topic takes', () => {
    const bytes = whole()
    const limit = (most: number) => ({ ...rules, settings: { ...rules.settings, maxMessageBytes: most } })
    expect(refusalIn(() => checkBatch(bytes, limit(bytes.length))).code).toBe('NONE')
    expect(refusalIn(() => checkBatch(bytes, limit(bytes.length - 1))).code).toBe('MESSAGE_TOO_LARGE')
  })

  it.each<[string, Partial<RawBatch>, string]>([
    ['the last number before the largest', { producerId: 2n ** 53n - 2n, baseSequence: 0, producerEpoch: 0 }, 'NONE'],
    ['a producer of 2^53 - 1', { producerId: 2n ** 53n - 1n, baseSequence: 0, producerEpoch: 0 }, 'INVALID_RECORD'],
    ['a largest time of 2^53 - 1', { maxTimestamp: 2n ** 53n - 1n }, 'INVALID_TIMESTAMP'],
    ['a largest time of 2^53', { maxTimestamp: 2n ** 53n }, 'INVALID_TIMESTAMP'],
    ['a largest time of 2^53 - 2', { maxTimestamp: 2n ** 53n - 2n }, 'NONE'],
    ['a producer 0', { producerId: 0n, baseSequence: 0, producerEpoch: 0 }, 'NONE'],
    ['a producer 0 in a transaction', { producerId: 0n, baseSequence: 0, producerEpoch: 0, attributes: 0x10 }, 'NONE'],
    ['a producer 0 without a sequence', { producerId: 0n, producerEpoch: 0 }, 'INVALID_RECORD'],
    ['a producer 0 without an epoch', { producerId: 0n, baseSequence: 0 }, 'INVALID_RECORD'],
  ])('is answered as its numbers are: %s', (_, change, code) => {
    expect(refusalIn(() => taken(whole(change))).code).toBe(code)
  })
})

describe('the times of a batch', () => {
  const three = [5n, -4n, 3n].map((timestampDelta, offsetDelta) => rawRecord({ timestampDelta, offsetDelta }))
  const raw = { records: Buffer.concat(three), count: 3 }
  const latest = rawTime + 5n

  it.each([
    ['too early a largest time', { maxTimestamp: rawTime }],
    ['too late a largest time', { maxTimestamp: rawTime + 6n }],
    ['the bit of the log’s time', { maxTimestamp: latest, attributes: 0x08 }],
    ['the bit of the delete horizon', { maxTimestamp: latest, attributes: 0x40 }],
  ])('are set right, with the checksum: %s', (_, change) => {
    const bytes = rawBatch({ ...raw, ...change })
    const header = checkBatch(bytes, rules)
    expect(bytes).toEqual(rawBatch({ ...raw, maxTimestamp: latest }))
    expect(header).toEqual(readBatchHeader(bytes))
    expect(verifyCrc(bytes)).toBe(true)
  })

  it('stay as they are if they are right', () => {
    const bytes = rawBatch({ ...raw, maxTimestamp: latest })
    expect(checkBatch(bytes, rules)).toEqual(readBatchHeader(bytes))
    expect(bytes).toEqual(rawBatch({ ...raw, maxTimestamp: latest }))
  })
})

describe('a batch of the broker', () => {
  it('may be a marker, stand at any offset and be larger than clients may write', () => {
    const settings = { ...rules.settings, maxMessageBytes: 1 }
    const marker = whole({ attributes: 0x30, baseOffset: 9n, maxTimestamp: 1n })
    expect(checkBatch(marker, { ...written, settings })).toEqual(readBatchHeader(marker))
    expect(readBatchHeader(marker)).toMatchObject({ isControl: true, maxTimestamp: 1 })
  })

  it('is refused with a wrong length or checksum', () => {
    expect(refusalIn(() => checkBatch(whole({ crcOff: 1 }), written)).code).toBe('CORRUPT_MESSAGE')
    expect(refusalIn(() => checkBatch(whole().subarray(0, -1), written)).code).toBe('CORRUPT_MESSAGE')
  })
})

describe('a compressed batch', () => {
  const mebibyte = 2 ** 20
  const packed = (value: Buffer) => rawBatch({ records: rawRecord({ value }), compression: 'zstd' })
  /** Bytes that cannot be compressed, before many that can. */
  const mixed = (incompressible: number, zeros: number) => {
    const noise = Buffer.alloc(incompressible)
    for (let at = 0, state = 1; at < incompressible; at++) {
      state = (state * 48_271) % 0x7fff_ffff
      noise[at] = state >> 8
    }
    return packed(Buffer.concat([noise, Buffer.alloc(zeros)]))
  }

  it.each([
    ['small and unpacks to just below 4 MiB', 0, 4 * mebibyte - 100, 'NONE'],
    ['small and unpacks to more than 4 MiB', 0, 4 * mebibyte, 'MESSAGE_TOO_LARGE'],
    ['a thousandth of what it unpacks to', 20_000, 10 * mebibyte, 'NONE'],
    ['less than that', 5_000, 10 * mebibyte, 'MESSAGE_TOO_LARGE'],
    ['large and unpacks to more than 64 MiB', 100_000, 64 * mebibyte, 'MESSAGE_TOO_LARGE'],
  ])('is taken or not if it is %s', (_, incompressible, zeros, code) => {
    expect(refusalIn(() => taken(mixed(incompressible, zeros))).code).toBe(code)
  })

  it('has at most a million records and headers', () => {
    const headers = (count: number) => Buffer.alloc(2 * count, Buffer.from([0, 1]))
    const headed = (headerCount: number) =>
      rawBatch({ records: rawRecord({ headerCount, headers: headers(headerCount) }), compression: 'gzip' })
    expect(refusalIn(() => taken(headed(999_999))).code).toBe('NONE')
    expect(refusalIn(() => taken(headed(1_000_000))).code).toBe('MESSAGE_TOO_LARGE')
  })

  it('is refused with the reason for which it cannot be read', () => {
    const cut = rawBatch({ records: rawRecords(2), count: 3, compression: 'gzip' })
    expect(() => taken(cut)).toThrow(ApiError)
    expect(() => taken(cut)).toThrow('The record batch cannot be read')
  })
})
