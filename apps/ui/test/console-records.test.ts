import { topicsFromOutside } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { configWords } from '../src/console/config-words.ts'
import { csvOf, jsonLinesOf } from '../src/console/export-records.ts'
import { bytesOf, hexDump } from '../src/console/hex-dump.ts'
import { headersFrom, letterHas, letterOf, writableTopics } from '../src/console/letters.ts'
import { compileExpression, maxExpressionLength } from '../src/console/record-expression.ts'
import { placeOf, queryOf } from '../src/console/record-place.ts'
import { countRates, noRates, rateNow, rateSeconds } from '../src/console/record-rates.ts'
import { sentenceOf } from '../src/console/record-sentence.ts'
import { emptyTail, take } from '../src/console/record-tail.ts'
import { differencesOf, earlierVersions } from '../src/console/record-versions.ts'
import type { ReadPage } from '../src/console/trace.ts'
import { heldLong, holderWords } from '../src/console/transaction-words.ts'
import { wordsOfReturn } from '../src/console/use-letter-return.ts'
import { nameOf, plain, record } from './support/console-record.ts'

describe('an expression', () => {
  const headers = { 'zilla:domain-model': 'PayCommand', 'zilla:identity': 'ada' }
  const payment = record('commands', { amount: 1_250, notes: 'Lunch', tags: ['a', 'b'] }, { headers })
  const outcomeOf = (text: string, of = payment) => {
    const compiled = compileExpression(text)
    return 'fault' in compiled ? compiled.fault : compiled.matches(of)
  }

  it.each([
    ['value.amount >= 1250 && key == "ada"', true],
    ['value.amount > 1250.5', false],
    ['header["zilla:identity"] == "ada" || false', true],
    ['kind == "PayCommand" && value.notes.contains("Lun")', true],
    ['value.tags.exists(tag, tag == "b") && !has(value.requestId)', true],
    ['partition == 1 && offset == 5 && size < 11', true],
    ['time > timestamp("2026-11-30T09:00:00Z")', false],
    ['value == null', false],
  ])('%s: %s', (text, isMatch) => {
    expect(outcomeOf(text)).toBe(isMatch)
  })

  it.each([
    ['value.amount >', 'Something is missing at the end.', 14],
    ['amount > 3', 'Unknown variable: amount', 0],
    ['key == "ada" && size', 'requires bool operands, got', 0],
    ['offset', 'This is int, not true or false', 0],
    ['key.matches("(a+)+$")', 'Regular expressions are not taken', 0],
    ['value.a.all(x, value.a.all(y, x == y))', 'within another such call', 15],
    [`${'('.repeat(40)}true${')'.repeat(40)}`, 'maxDepth', 24],
    ['a'.repeat(maxExpressionLength + 1), 'at most 500 characters', maxExpressionLength],
  ])('%s has a mistake, and its place is told', (text, message, start) => {
    const fault = outcomeOf(text) as { message: string; start: number; end: number }
    expect([fault.message, fault.start]).toEqual([expect.stringContaining(message), start])
    expect(fault.end).toBeGreaterThan(fault.start)
  })

  it('has no answer for a record without the member, and the count says so', () => {
    const compiled = compileExpression('value.amount > 1')
    if ('fault' in compiled) throw new Error(compiled.fault.message)
    const others = [record('commands', {}), record('commands', 'text'), record('commands', null), payment]
    const tail = take(emptyTail, others, compiled.matches)
    expect([tail.looked, tail.matched, tail.faulty]).toEqual([4, 1, 3])
    expect(tail.fault).toMatch(/amount|overload/)
  })

  it('has an answer in bounded time, for a record of any size', () => {
    const large = record('commands', { list: Array.from({ length: 100_000 }, (_, n) => n) })
    expect(outcomeOf('value.list.all(n, n >= 0)', large)).toBe(true)
  })
})

describe('the place on a topic', () => {
  const first = { from: 'newest', partition: undefined, field: 'any', text: '', record: undefined }

  it('is in the address, and the first one is the plain address', () => {
    const place = {
      from: 'time:5',
      partition: 2,
      field: 'expression',
      text: 'size > 5',
      record: { partition: 1, offset: 7 },
    } as const
    expect(queryOf(place)).toEqual({ from: 'time:5', partition: '2', in: 'expression', q: 'size > 5', record: '1:7' })
    expect(placeOf(queryOf(place) as Record<string, string>)).toEqual(place)
    expect([placeOf({}), queryOf(placeOf({}))]).toEqual([first, {}])
  })

  it('is the first one if the address is not understood', () => {
    expect(placeOf({ from: 'offset:', partition: '-1', in: 'all', q: ['a', 'b'], record: '1' })).toEqual(first)
    expect(placeOf({ from: 'newest:5000', partition: '1e3', record: `1:${'9'.repeat(16)}` })).toEqual(first)
  })
})

describe('how much comes a second', () => {
  it('is counted by the second, for a minute', () => {
    let rates = countRates(noRates(10_000), [{ size: 5 }, { size: 7 }], 10_100)
    rates = countRates(rates, [{ size: 1 }], 11_000)
    expect([rateNow(rates.counts), rateNow(rates.bytes), rates.counts.at(-1)]).toEqual([2, 12, 1])
    rates = countRates(rates, [], 10_000 + rateSeconds * 1_000)
    expect(rates.counts.filter((count) => count > 0)).toEqual([1])
    expect(countRates(rates, [], 10_000_000).counts).toEqual(noRates(0).counts)
    // A clock that was set back.
    expect(countRates(rates, [{ size: 1 }], 0).counts.at(-1)).toBe(1)
  })
})

describe('bytes', () => {
  it('are shown eight a line, as numbers and as ASCII characters', () => {
    expect(hexDump(bytesOf({ text: '{"a":"é"}' }))).toBe(
      '0000  7b 22 61 22 3a 22 c3 a9  {"a":"..\n0008  22 7d                    "}',
    )
    expect(hexDump(bytesOf({ base64: '//4=' }))).toBe('0000  ff fe                    ..')
    expect([hexDump(bytesOf(null)), hexDump(new Uint8Array(5_000)).split('\n').length]).toEqual(['', 512])
  })
})

describe('versions of a key', () => {
  /** A partition with a record of another key at each offset but some. */
  const reading =
    (own: readonly number[], log: { asked: number } = { asked: 0 }): ReadPage =>
    async (topic, { from, after, limit }) => {
      log.asked += 1
      const start = Number(after ?? from.split(':')[1])
      const items = Array.from({ length: limit / 2 }, (_, index) => start + index).map((offset) =>
        record(topic, {}, { offset, key: own.includes(offset) ? 'ada' : 'other' }),
      )
      return { items, next: String(start + limit / 2) }
    }
  const newest = record('balances', {}, { offset: 50_000 })

  it('are found before it, the newest first, within bounds', async () => {
    const near = await earlierVersions(newest, newest.offset, reading([49_100, 49_200, 50_000]))
    expect([near.versions.map(({ offset }) => offset), near.from]).toEqual([[49_200, 49_100], 49_000])
    const log = { asked: 0 }
    expect(await earlierVersions(newest, newest.offset, reading([39_999], log))).toEqual({ versions: [], from: 40_000 })
    expect(log.asked).toBe(20)
    expect((await earlierVersions(newest, 40_000, reading([39_999]))).versions).toHaveLength(1)
    expect(await earlierVersions(newest, 10, reading([]))).toEqual({ versions: [], from: 0 })
  })

  it('differ member by member', () => {
    const before = record('balances', { balance: 1, list: [1, { deep: 'x' }], gone: null, same: {} })
    const after = record('balances', { balance: 2, list: [1, { deep: 'y' }], same: {}, 'a b': true })
    expect(differencesOf(before, after)).toEqual([
      { path: 'balance', before: '1', after: '2' },
      { path: 'list[1].deep', before: '"x"', after: '"y"' },
      { path: '["a b"]', before: undefined, after: 'true' },
      { path: 'gone', before: 'null', after: undefined },
    ])
    expect(differencesOf(before, before)).toEqual([])
    expect(differencesOf(record('t', null), record('t', 'text'))).toEqual([
      { path: 'value', before: undefined, after: '"text"' },
    ])
  })
})

describe('an export', () => {
  const headers = { 'zilla:domain-model': 'PayCommand', 'zilla:identity': 'greta' }
  const paid = record('commands', { userId: 'ada', amount: 1_250, notes: '=1+1' }, { key: 'greta', headers })

  it('has each record whole as a line of JSON', () => {
    expect(
      jsonLinesOf([paid, paid])
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([paid, paid])
  })

  it('has what the page shows as a table, and nothing in it is a formula', () => {
    const [head, line] = csvOf([paid], nameOf).trimEnd().split('\r\n')
    expect(head).toMatch(/^\uFEFF"Time \(UTC\)","Topic",/)
    expect(line).toContain('"2026-11-30T08:00:00.000Z","commands",1,5,"PayCommand","Greta pays Ada $12.50, “')
    expect(line).not.toMatch(/[\u2068\u2069]/)
    expect(csvOf([record('users', '=cmd()')], nameOf)).toContain('"\'=cmd()"')
  })
})

describe('a configuration in words', () => {
  const words = (config: Record<string, string>) => configWords(config).map((setting) => setting.words)

  it.each([
    [
      { 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'retention.bytes': '-1' },
      'Records are kept for 7 days.',
    ],
    [{ 'retention.ms': '-1' }, 'Records are kept however old they are.'],
    [
      { 'retention.ms': '3600000', 'retention.bytes': '5000000' },
      'Records are kept for 1 hour, as long as a partition has at most 5.0 MB.',
    ],
    [
      { 'cleanup.policy': 'compact', 'retention.ms': '5' },
      'Of each key the latest record is kept, earlier ones are removed in time.',
    ],
    [
      { 'cleanup.policy': 'compact,delete', 'retention.ms': '86400000' },
      'Of each key the latest record is kept, earlier ones are removed in time. Records are kept for 1 day.',
    ],
    [{ 'min.insync.replicas': '1' }, 'A record that must be safe is taken only while at least 1 replica is in sync.'],
    [{ 'max.message.bytes': '1048588' }, 'A batch of records has at most 1.0 MB.'],
    [
      { 'unclean.leader.election.enable': 'true' },
      'A replica that lacks records may become the leader: what was acknowledged can be lost.',
    ],
    [{ 'compression.type': 'zstd' }, 'Records are compressed with zstd.'],
  ])('of %o', (config, sentence) => {
    expect(words(config as Record<string, string>)).toEqual([sentence])
  })

  it('omits settings that it has no words for', () => {
    expect(words({ 'flush.ms': '1', 'delete.retention.ms': '1', 'max.message.bytes': 'many' })).toEqual([])
  })
})

describe('a partition that is held back', () => {
  const holder = {
    producerId: 7,
    producerEpoch: 1,
    offset: 5,
    lastTimestamp: 400,
    transactionalId: 'pay-0',
    startedAt: 1_000,
  }
  const held = (holders: (typeof holder | (Omit<typeof holder, 'startedAt'> & { startedAt: null }))[] | null) =>
    ({ topic: 't', partition: 0, lastStableOffset: 5, highWatermark: 9, holders }) as const

  it('is shown with the transaction that holds it and for how long, as far as the log tells', () => {
    const told = (one: Parameters<typeof holderWords>[0]) => holderWords(one, 15_000)
    expect(told(held([holder, holder]))).toBe(
      'By pay-0 (producer 7, epoch 1), from offset 5 on, for 14 s, and 1 more behind it.',
    )
    expect(told(held([{ ...holder, startedAt: null, lastTimestamp: -1 }]))).toContain('since a time that is not known')
    expect([told(held(null)), told(held([]))]).toEqual([
      'The log doesn’t tell by whom.',
      'By a transaction that has just ended.',
    ])
  })

  it('is one of a second and more, or one of an unknown time', () => {
    const answer = (at: number) => ({ at, open: [], held: [held([holder]), held(null)], missing: [] })
    expect([heldLong(answer(1_999)).length, heldLong(answer(2_000)).length]).toEqual([1, 2])
  })
})

describe('a dead letter', () => {
  const headers = { origin: 'commands/1/7', reason: 'no JSON', stack: 'at x', 'zilla:domain-model': 'PayCommand' }
  const letter = letterOf(record('dead-letters', { userId: 'ada', amount: 1_250 }, { key: 'greta', headers }))

  it('is shown with its origin and reason, and its record is read as one of its first topic', () => {
    expect(letter).toMatchObject({
      id: '1/5',
      origin: 'commands/1/7',
      reason: 'no JSON',
      stack: 'at x',
      cut: undefined,
    })
    expect(letter && plain(sentenceOf(letter.record, nameOf))).toBe('Greta pays Ada $12.50')
    expect(letterOf(record('dead-letters', {}, { headers: { origin: 'nowhere' } }))).toBeUndefined()
  })

  it.each([
    ['COMMANDS/1', true],
    ['json', true],
    ['greta', true],
    ['ada', false],
  ])('has %s: %s', (text, isIn) => {
    expect(letter && letterHas(letter, text)).toBe(isIn)
  })

  it.each([
    [
      { kind: 'written', place: 'commands/1/9', answer: { status: 200 } },
      'It is commands/1/9 now, and was answered with 200.',
    ],
    [{ kind: 'written', place: 'users/1/9' }, 'It is users/1/9 now. No answer has come yet.'],
    [
      { kind: 'written', place: 'commands/1/9', answer: { status: 409, detail: 'Too little.' } },
      'It is commands/1/9 now, and was answered with 409: Too little.',
    ],
    [{ kind: 'refused', refusal: 'it is old' }, 'Not written: it is old.'],
    [
      { kind: 'failed', fault: 'perhaps written' },
      'The log did not confirm it (perhaps written). Look at the topic before you try again.',
    ],
  ] as const)('put back, %o', (outcome, words) => {
    expect(wordsOfReturn(outcome)).toBe(words)
  })
})

describe('a record by hand', () => {
  it('can go to the topics that the domain names as written from outside', () => {
    expect(writableTopics).toEqual(topicsFromOutside)
  })

  it('has headers as they are typed, one a line', () => {
    const text = 'zilla:domain-model: PayCommand\n\n  a: b: c \nempty: '
    expect(headersFrom(text)).toEqual({
      headers: [
        { name: 'zilla:domain-model', value: 'PayCommand' },
        { name: 'a', value: 'b: c' },
        { name: 'empty', value: '' },
      ],
    })
    expect(headersFrom('a: b\nzilla:identity\n')).toEqual({ badLine: 2 })
    expect(headersFrom('')).toEqual({ headers: [] })
  })
})
