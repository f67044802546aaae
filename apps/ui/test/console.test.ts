import { describe, expect, it } from 'vitest'
import type { TopicRecord } from '../src/api/types.ts'
import { matchesRecord } from '../src/console/record-filter.ts'
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
import { followTrace, type ReadPage, startOfTrace } from '../src/console/trace.ts'

const all = { text: '', field: 'any', partition: undefined } as const
function record(offset: number, more: Partial<TopicRecord> = {}): TopicRecord {
  return {
    topic: 'commands',
    partition: 0,
    offset,
    timestamp: 1_000 + offset,
    key: 'ada',
    headers: {},
    value: { amount: offset },
    size: 10,
    ...more,
  }
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
    expect(offsets(refilter(tail, { ...all, text: '"amount":3' }).shown)).toEqual([3])
    expect(offsets(refilter(tail, all).shown)).toEqual([4, 3, 2, 1, 0])
  })

  it('goes on finding matches long after it has let go of what it read', () => {
    const filter = { ...all, text: '"amount":7}' }
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
    partition: 2,
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
    expect(matchesRecord(found, { text, field, partition: undefined })).toBe(isFound)
  })

  it('keeps to one partition', () => {
    expect(matchesRecord(found, { ...all, partition: 2 })).toBe(true)
    expect(matchesRecord(found, { ...all, partition: 1 })).toBe(false)
  })

  it('finds tombstones by their key', () => {
    expect(matchesRecord(record(1, { value: null }), { ...all, text: 'ada' })).toBe(true)
    expect(matchesRecord(record(1, { value: null, key: null }), { ...all, text: 'ada' })).toBe(false)
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
    // Version 4 holds no time.
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
    const read: ReadPage = async (topic) => log[topic] ?? []
    const byCorrelation = await followTrace({ kind: 'correlation', id: correlationId, at: 1_000 }, read)
    expect(byCorrelation?.records.map(({ topic, offset }) => `${topic} ${offset}`)).toEqual([
      'commands 41',
      'transactions 1',
      'replies 9',
      'activities 3',
    ])
    expect(await followTrace({ kind: 'command', partition: 3, offset: 41 }, read)).toEqual(byCorrelation)
  })

  it('says when the command is not on the log', async () => {
    expect(await followTrace({ kind: 'command', partition: 0, offset: 1 }, async () => [])).toBeUndefined()
  })
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
