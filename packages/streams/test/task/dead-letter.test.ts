import type { Headers, ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { encodeBatch } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { deadLetterOf, readDeadLetter } from '../../src/task/dead-letter.ts'
import { dataBytes, recordBytes } from '../../src/task/record-size.ts'

const maxBytes = 1_000_000

function record(change: Partial<ReceivedRecord> = {}): ReceivedRecord {
  const place = { topic: 'commands', partition: 3, offset: 17, timestamp: 5 }
  return { ...place, key: Buffer.from('ann'), value: Buffer.from('{'), headers: [], ...change }
}

const letterOf = (original: ReceivedRecord, error: unknown = new Error('no'), unanswered?: unknown) =>
  deadLetterOf(original, { topic: 'dead-letters', error, maxBytes, unanswered })

function manyHeaders(count: number): Headers {
  return Array.from({ length: count }, (_, index) => [`h${index.toString(36)}`, Buffer.from('xxxx')])
}

/** The letter as a consumer gets it. */
function received({ key, value, headers = {}, timestamp = 0 }: RecordToSend): ReceivedRecord {
  const wire: Headers = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])
  const bytes = (content: Buffer | string | null) => (content === null ? null : Buffer.from(content))
  const place = { topic: 'dead-letters', partition: 0, offset: 0 }
  return { ...place, timestamp, key: bytes(key), value: bytes(value), headers: wire }
}

/** Of the batch that the producer makes of it. */
function sizeOf(letter: RecordToSend): number {
  return encodeBatch({ records: [received(letter)] }).length
}

const batchHeaderBytes = 61

describe('a dead letter', () => {
  it('can be taken apart into the record as it was, its place, and what went wrong, and where', () => {
    const headers: Headers = [
      ['idempotency-key', Buffer.from('k')],
      ['raw', Buffer.from([0xff, 0])],
    ]
    const letter = received(letterOf(record({ headers }), new TypeError('amount is undefined')))
    expect([letter.key?.toString(), letter.value?.toString(), letter.timestamp]).toEqual(['ann', '{', 5])
    const read = readDeadLetter(letter)
    expect(read).toMatchObject({
      origin: { topic: 'commands', partition: 3, offset: 17 },
      reason: 'amount is undefined',
      truncatedFromBytes: undefined,
    })
    expect(read?.headers).toEqual({ 'idempotency-key': Buffer.from('k'), raw: Buffer.from([0xff, 0]) })
    expect(read?.stack).toMatch(/^TypeError: amount is undefined\n\s+at .*dead-letter\.test\.ts/)
  })

  it('has the causes too, but no stack if the thrown value is no Error', () => {
    const cause = new SyntaxError('unexpected }')
    const told = readDeadLetter(received(letterOf(record(), new Error('undecodable', { cause }))))
    expect(told?.stack).toContain('caused by: SyntaxError: unexpected }')
    const untold = readDeadLetter(received(letterOf(record(), 'a text')))
    expect([untold?.reason, untold?.stack]).toEqual(['a text', undefined])
  })

  it('ends with causes that form a cycle', () => {
    const error = new Error('round')
    error.cause = error
    expect(sizeOf(letterOf(record(), error))).toBeLessThan(10_000)
  })

  it('has none of the record’s content in its reason', () => {
    const forged: Headers = ['origin', 'reason', 'stack', 'truncated', '__proto__'].map((name) => [
      name,
      Buffer.from('x'),
    ])
    const read = readDeadLetter(received(letterOf(record({ headers: forged }), 'really')))
    expect(read).toMatchObject({ reason: 'really', stack: undefined, truncatedFromBytes: undefined })
    expect(Object.keys(read?.headers ?? {})).toEqual(['__proto__'])
  })

  it.each([
    ['value', { value: Buffer.alloc(2_000_000) }],
    ['key', { key: Buffer.alloc(2_000_000) }],
    ['headers', { headers: [['h', Buffer.alloc(2_000_000)]] satisfies Headers }],
    ['number of headers', { headers: manyHeaders(400_000) }],
    ['names of headers', { headers: [[' '.repeat(2_000_000), null]] satisfies Headers }],
    ['parts together', { key: Buffer.alloc(700_000), value: Buffer.alloc(700_000), headers: manyHeaders(200_000) }],
  ])('stays within what a record may be, whatever the %s, the message and the stack are', (_what, change) => {
    const error = new Error('\u{20ac}'.repeat(100_000))
    error.stack = '\u{10ffff}'.repeat(100_000)
    const place = {
      topic: 't'.repeat(249),
      partition: 0x7fff_ffff,
      offset: Number.MAX_SAFE_INTEGER,
      timestamp: 2 ** 52,
    }
    const letter = letterOf(record({ ...place, ...change }), error, error)
    expect(sizeOf(letter)).toBeLessThanOrEqual(maxBytes + batchHeaderBytes)
    expect(readDeadLetter(received(letter))?.truncatedFromBytes).toBeGreaterThan(2_000_000)
  })

  // A command of 1,048,400 bytes with 40,000 headers became a letter larger than max.message.bytes: its lengths of headers,
  // which the encoder writes as varints, were not counted, so payments could not commit it, at any start.
  it('keeps key and value of a record with very many headers, and says how many are missing', () => {
    const original = record({ value: Buffer.from('{"amount":1}'), headers: manyHeaders(400_000) })
    const letter = letterOf(original)
    expect(sizeOf(letter)).toBeLessThanOrEqual(maxBytes + batchHeaderBytes)
    expect(letter.value?.toString()).toBe('{"amount":1}')
    const read = readDeadLetter(received(letter))
    const kept = Object.keys(read?.headers ?? {}).length
    expect(kept).toBeGreaterThan(80_000)
    expect(read?.cut).toBe(`${400_000 - kept} of 400000 headers`)
  })

  it('is cut at exactly the limit: a record that just fits is kept completely', () => {
    const error = 'no'
    const own = { origin: 'commands/3/17', reason: 'no' }
    const room = maxBytes - recordBytes({ key: null, value: null, headers: own }) - 512 - dataBytes('ann')
    const fitting = readDeadLetter(received(letterOf(record({ value: Buffer.alloc(room - 3) }), error)))
    expect([fitting?.truncatedFromBytes, fitting?.cut]).toEqual([undefined, undefined])
    const cut = readDeadLetter(received(letterOf(record({ value: Buffer.alloc(room - 2) }), error)))
    expect(cut?.truncatedFromBytes).toBe(room - 2 + 3)
    expect(cut?.cut).toBe(`the value behind its first ${room - 5} of ${room - 2} bytes`)
  })

  it('says which of repeated headers it lacks', () => {
    const headers: Headers = ['1', '2', '3'].map((value) => ['twice', Buffer.from(value)])
    const read = readDeadLetter(received(letterOf(record({ headers }))))
    expect([read?.headers.twice?.toString(), read?.cut, read?.truncatedFromBytes]).toEqual([
      '3',
      '2 headers whose names come again later',
      undefined,
    ])
  })

  it('is no dead letter without an origin', () => {
    expect(readDeadLetter(record({ headers: [['origin', Buffer.from('nowhere')]] }))).toBeUndefined()
  })
})
