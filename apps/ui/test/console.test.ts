import { describe, expect, it } from 'vitest'
import type { TopicRecord } from '../src/api/types.ts'
import { isParsedExactly, isTombstone, rawText, valueText } from '../src/console/raw-text.ts'
import { matchesAll as all, type FilterField, textMatcher } from '../src/console/record-matcher.ts'
import {
  emptyTail,
  isFull,
  maxKept,
  maxShown,
  maxWaiting,
  pause,
  refilter,
  resume,
  take,
} from '../src/console/record-tail.ts'
import { retentionWords } from '../src/console/retention-words.ts'
import {
  type Followed,
  followTrace,
  mostLooked,
  type ReadPage,
  startOfTrace,
  type Trace,
} from '../src/console/trace.ts'

const containing = (text: string, field: FilterField = 'any') => textMatcher({ text, field })
/** A record as the gateway shows it: what was written, and what can be read from it. */
function record(offset: number, more: Partial<TopicRecord> = {}): TopicRecord {
  const shown = {
    topic: 'commands',
    partition: 0,
    offset,
    timestamp: 1_000 + offset,
    key: 'ada' as string | null,
    headers: {} as Readonly<Record<string, string | null>>,
    value: { amount: offset } as unknown,
    size: 10,
    ...more,
  }
  const text = (written: string | null) => (written === null ? null : { text: written })
  const raw = {
    key: text(shown.key),
    headers: Object.entries(shown.headers).map(([name, value]) => ({ name, value: text(value) })),
    value: text(shown.value === null ? null : JSON.stringify(shown.value)),
  }
  return { raw, ...shown }
}
const records = (count: number, from = 0) => Array.from({ length: count }, (_, index) => record(from + index))
const offsets = (list: readonly TopicRecord[]) => list.map(({ offset }) => offset)

describe('the tail of a topic', () => {
  it('shows the newest on top, and no more than its bound', () => {
    const tail = take(take(emptyTail, records(maxShown), all), records(2, maxShown), all)
    expect(tail.seen).toBe(maxShown + 2)
    expect(offsets(tail.shown).slice(0, 2)).toEqual([maxShown + 1, maxShown])
    expect(tail.shown).toHaveLength(maxShown)
  })

  it('loses nothing while it is paused', () => {
    const paused = take(pause(take(emptyTail, records(1), all)), records(3, 1), all)
    expect(offsets(paused.shown)).toEqual([0])
    expect(offsets(resume(paused, all).shown)).toEqual([3, 2, 1, 0])
  })

  it('says when it can take no more while paused', () => {
    const paused = pause(emptyTail)
    expect(isFull(take(paused, records(maxWaiting - 1), all))).toBe(false)
    expect(isFull(take(paused, records(maxWaiting), all))).toBe(true)
  })

  it('applies a new filter to what it has read already', () => {
    const tail = take(emptyTail, records(5), all)
    expect(offsets(refilter(tail, containing('"amount":3')).shown)).toEqual([3])
    expect(offsets(refilter(tail, all).shown)).toEqual([4, 3, 2, 1, 0])
  })

  it('says of how many its matches are the count', () => {
    // "475 match" stood beside 10,000 read, though only the newest 2,000 had been looked at.
    const filter = containing('ada')
    const read = take(emptyTail, records(maxKept + 500), all)
    expect([read.seen, read.matched, read.looked]).toEqual([maxKept + 500, maxKept + 500, maxKept + 500])
    const filtered = refilter(read, filter)
    expect([filtered.seen, filtered.matched, filtered.looked]).toEqual([maxKept + 500, maxKept, maxKept])
    const later = take(filtered, [record(9_000), record(9_001, { key: 'bob' })], filter)
    expect([later.seen, later.matched, later.looked]).toEqual([maxKept + 502, maxKept + 1, maxKept + 2])
  })

  it('counts matches in records that it no longer keeps', () => {
    const filter = containing('"amount":7}')
    const tail = take(take(emptyTail, records(10), filter), records(maxKept, 10), filter)
    expect(offsets(tail.shown)).toEqual([7])
    expect(tail.kept).toHaveLength(maxKept)
  })
})

describe('filtering records', () => {
  const found = record(1, {
    key: 'Grace',
    headers: { 'zilla:identity': 'ada', empty: null },
    value: { notes: 'Lunch' },
  })
  it.each([
    ['grace', 'any', true],
    ['grace', 'key', true],
    ['grace', 'value', false],
    ['lunch', 'value', true],
    ['lunch', 'header', false],
    ['zilla:identity: ada', 'header', true],
    ['identity', 'header', true],
    ['nobody', 'any', false],
  ] as const)('"%s" in %s: %s', (text, field, isFound) => {
    expect(containing(text, field)(found)).toBe(isFound)
  })

  it('finds tombstones by their key', () => {
    expect(containing('ada')(record(1, { value: null }))).toBe(true)
    expect(containing('ada')(record(1, { value: null, key: null }))).toBe(false)
  })
})

describe('the content of a record', () => {
  const written = (text: string) =>
    record(1, { value: JSON.parse(text), raw: { key: null, headers: [], value: { text } } })

  it.each([
    ['{"a":1,"b":"x y"}', true],
    ['{ "a": [1, 2],\n "b": "x  y" }', true],
    ['{"n":9007199254740993}', false],
    ['{"n":1.10}', false],
    ['{"a":1,"a":1}', false],
    ['null', true],
  ])('is all in what was read from %s: %s', (text, isExact) => {
    expect(isParsedExactly(written(text))).toBe(isExact)
  })

  it('tells a tombstone from a null, and bytes from text', () => {
    expect([isTombstone(record(1, { value: null })), isTombstone(written('null'))]).toEqual([true, false])
    expect([rawText(null), rawText({ base64: '//4=' }), rawText({ text: '' })]).toEqual([undefined, 'base64://4=', ''])
    const bytes = record(1, { raw: { key: { base64: '//4=' }, headers: [], value: { base64: 'AAE=' } } })
    expect(containing('base64://4', 'key')(bytes)).toBe(true)
    expect(valueText(bytes)).toBe('base64:AAE=')
  })

  it('is found by each of the headers of one name', () => {
    const value = { text: '2' }
    const repeated = record(1, {
      raw: {
        key: null,
        headers: [
          { name: 'h', value: { text: '1' } },
          { name: 'h', value },
        ],
        value,
      },
    })
    for (const text of ['h: 1', 'h: 2']) expect(containing(text, 'header')(repeated)).toBe(true)
  })

  it('is described for a batch that cannot be decoded', () => {
    const undecodable = { lastOffset: 9, reason: 'a wrong checksum', bytes: { base64: 'AAE=' } }
    const batch = record(5, { value: null, undecodable })
    expect([isTombstone(batch), valueText(batch)]).toEqual([
      false,
      'offsets 5 to 9 cannot be decoded: a wrong checksum',
    ])
  })
})

describe('following an id', () => {
  const correlationId = '019a1b2c-3d4e-7f60-8a1b-2c3d4e5f6071'

  it.each([
    ['t3-41', { kind: 'command', partition: 3, offset: 41 }],
    [' r0-7 ', { kind: 'command', partition: 0, offset: 7 }],
    [correlationId.toUpperCase(), { kind: 'correlation', id: correlationId, at: 0x019a1b2c3d4e }],
    ['ada', undefined],
    ['opening:ada', undefined],
    // A UUID of version 4 has no time in it.
    ['019a1b2c-3d4e-4f60-8a1b-2c3d4e5f6071', undefined],
  ])('reads %s', (typed, start) => {
    expect(startOfTrace(typed)).toEqual(start)
  })

  it('finds the command, its reply and what it caused, and nothing else', async () => {
    const headers = { 'zilla:correlation-id': correlationId }
    const command = record(41, { partition: 3, headers })
    const log: Readonly<Record<string, readonly TopicRecord[]>> = {
      commands: [record(40), command],
      replies: [
        record(9, { topic: 'replies', key: correlationId, timestamp: 1_060 }),
        record(10, { topic: 'replies', key: 'another' }),
      ],
      transactions: [
        record(1, { topic: 'transactions', value: { transferId: 't3-41', amount: -5 }, timestamp: 1_050 }),
        record(2, { topic: 'transactions', value: { transferId: 't3-4', amount: -5 } }),
      ],
      activities: [record(3, { topic: 'activities', value: { id: 't3-41', type: 'payment' }, timestamp: 1_070 })],
    }
    const read: ReadPage = async (topic) => ({ items: log[topic] ?? [], next: undefined })
    const byCorrelation = traceOf(await followTrace({ kind: 'correlation', id: correlationId, at: 1_000 }, read))
    expect(byCorrelation?.records.map(({ topic, offset }) => `${topic} ${offset}`)).toEqual([
      'commands 41',
      'transactions 1',
      'replies 9',
      'activities 3',
    ])
    const byCoordinates = await followTrace({ kind: 'command', partition: 3, offset: 41 }, read)
    expect(traceOf(byCoordinates)).toEqual(byCorrelation)
  })

  it('says that the command is not on the log', async () => {
    const nothing: ReadPage = async () => ({ items: [], next: undefined })
    const followed = await followTrace({ kind: 'command', partition: 0, offset: 1 }, nothing)
    expect(followed).toMatchObject({ kind: 'nothing', covered: { topic: 'commands', looked: 0, isComplete: true } })
  })

  /** A topic with this many commands, one each millisecond from `at` on. */
  function commandsFrom(at: number, count: number): ReadPage {
    return async (topic, { after = '0', limit }) => {
      if (topic !== 'commands') return { items: [], next: undefined }
      const first = Number(after)
      const items = records(Math.min(limit, count - first), first).map((each) => ({
        ...each,
        timestamp: at + each.offset,
        headers: each.offset === count - 1 ? { 'zilla:correlation-id': correlationId } : {},
      }))
      return { items, next: first + limit < count ? String(first + limit) : undefined }
    }
  }

  it('goes on beyond the first thousand commands of that moment', async () => {
    // It said "not on the log" once a thousand other commands lay in the two seconds around.
    const followed = await followTrace({ kind: 'correlation', id: correlationId, at: 0 }, commandsFrom(0, 4_500))
    expect(traceOf(followed)?.command.offset).toBe(4_499)
  })

  it('says how far it looked when there is more than it looks at', async () => {
    const followed = await followTrace(
      { kind: 'correlation', id: correlationId, at: 0 },
      commandsFrom(0, mostLooked + 1),
    )
    const covered = { topic: 'commands', looked: mostLooked, from: 0, to: mostLooked - 1, isComplete: false }
    expect(followed).toEqual({ kind: 'nothing', covered })
  })

  it('stops a minute after the time of the id, since its command is not later', async () => {
    const read: ReadPage = async () => ({ items: [record(1, { timestamp: 61_000 })], next: 'more' })
    const followed = await followTrace({ kind: 'correlation', id: correlationId, at: 0 }, read)
    expect(followed).toMatchObject({ kind: 'nothing', covered: { looked: 1, isComplete: true } })
  })

  function traceOf(followed: Followed): Trace | undefined {
    return followed.kind === 'found' ? followed.trace : undefined
  }
})

describe('how long a topic keeps records', () => {
  it.each([
    [{ 'cleanup.policy': 'compact' }, 'latest of each key'],
    [{ 'cleanup.policy': 'delete', 'retention.ms': '-1' }, 'for ever'],
    [{ 'retention.ms': '604800000' }, '7 days'],
    [{ 'retention.ms': '3600000' }, '1 hour'],
    [{ 'retention.ms': '1500' }, '1500 ms'],
    [{}, 'by default'],
  ])('%o: %s', (config, words) => {
    expect(retentionWords(config as Record<string, string>)).toBe(words)
  })
})
