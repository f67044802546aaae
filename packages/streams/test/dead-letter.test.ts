import type { Headers, ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import { deadLetterOf, readDeadLetter } from '../src/dead-letter.ts'

const maxBytes = 1_000_000

function record(change: Partial<ReceivedRecord> = {}): ReceivedRecord {
  const place = { topic: 'commands', partition: 3, offset: 17, timestamp: 5 }
  return { ...place, key: Buffer.from('ann'), value: Buffer.from('{'), headers: [], ...change }
}

const letterOf = (original: ReceivedRecord, error: unknown = new Error('no')) =>
  deadLetterOf(original, { topic: 'dead-letters', error, maxBytes })

/** The letter as a consumer gets it. */
function received({ key, value, headers = {}, timestamp = 0 }: RecordToSend): ReceivedRecord {
  const wire: Headers = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])
  const bytes = (content: Buffer | string | null) => (content === null ? null : Buffer.from(content))
  const place = { topic: 'dead-letters', partition: 0, offset: 0 }
  return { ...place, timestamp, key: bytes(key), value: bytes(value), headers: wire }
}

function sizeOf({ key, value, headers = {} }: RecordToSend): number {
  const parts = [key ?? '', value ?? '', ...Object.keys(headers), ...Object.values(headers)]
  return parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0)
}

describe('a dead letter', () => {
  it('can be taken apart into the record as it was, its place, and what went wrong where', () => {
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

  it('tells of the causes too, but of no stack if what was thrown is no Error', () => {
    const cause = new SyntaxError('unexpected }')
    const told = readDeadLetter(received(letterOf(record(), new Error('undecodable', { cause }))))
    expect(told?.stack).toContain('caused by: SyntaxError: unexpected }')
    const untold = readDeadLetter(received(letterOf(record(), 'a text')))
    expect([untold?.reason, untold?.stack]).toEqual(['a text', undefined])
  })

  it('ends with causes that go round in a circle', () => {
    const error = new Error('round')
    error.cause = error
    expect(sizeOf(letterOf(record(), error))).toBeLessThan(10_000)
  })

  it('says nothing of itself in the words of the record', () => {
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
  ])('stays within what a record may be, whatever the %s, the message and the stack are', (_what, change) => {
    const error = new Error('\u{20ac}'.repeat(100_000))
    error.stack = '\u{10ffff}'.repeat(100_000)
    const letter = letterOf(record({ topic: 't'.repeat(249), offset: Number.MAX_SAFE_INTEGER, ...change }), error)
    expect(sizeOf(letter)).toBeLessThanOrEqual(maxBytes)
    expect(readDeadLetter(received(letter))?.truncatedFromBytes).toBeGreaterThan(2_000_000)
  })

  it('is no dead letter without an origin', () => {
    expect(readDeadLetter(record({ headers: [['origin', Buffer.from('nowhere')]] }))).toBeUndefined()
  })
})
