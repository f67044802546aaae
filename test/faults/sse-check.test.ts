/** The checks of streams on invented histories: each rule accepts correct ones and finds its violation. */
import { topicNames } from '@streampay/domain'
import { partitionForKey } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import type { LogRecord, TopicContents } from '../support/committed-log.ts'
import { checkSnapshot, checkWitness, type Witness } from './sse-check.ts'
import { digestOf, type SeenRecord } from './sse-client.ts'
import { watchedViews } from './watched-views.ts'

const partitions = 2
const viewAt = (path: string) => watchedViews.find((view) => view.path === path)!
const partitionOf = (key: string) => partitionForKey(key, partitions)

function contentsOf(...records: readonly LogRecord[]): TopicContents {
  const byPartition = Array.from({ length: partitions }, (_, partition) =>
    records.filter((record) => record.partition === partition),
  )
  return { records: byPartition, ends: byPartition.map((list) => (list.at(-1)?.offset ?? -1) + 2) }
}

function record(key: string, offset: number, value: object | null): LogRecord {
  return { partition: partitionOf(key), offset, key, value: value === null ? null : JSON.stringify(value) }
}

function seen(record: LogRecord, gone = false): SeenRecord {
  const { partition, offset, key, value } = record
  return { partition, offset, gone, digest: digestOf(gone ? key : (value ?? '')) }
}

describe('a stream of a topic that keeps everything', () => {
  const mine = [1, 2, 5].map((offset) => record('ada', offset, { account: 'ada', offset }))
  const [first, second, third] = mine as [LogRecord, LogRecord, LogRecord]
  const others = record('bob', partitionOf('bob') === partitionOf('ada') ? 3 : 1, { account: 'bob' })
  const contents = contentsOf(...[...mine, others].sort((left, right) => left.offset - right.offset))
  const witness = (...lists: readonly SeenRecord[][]): Witness => ({
    name: 'ada',
    view: viewAt('/transactions'),
    identity: 'ada',
    seen: lists,
    state: new Map(),
  })

  it('is correct with every matching record once, in order', () => {
    expect(checkWitness(witness(mine.map((one) => seen(one))), contents)).toEqual([])
  })

  it.each([
    ['one is missing', [seen(first), seen(third)], 'never told'],
    ['the last one is missing', [seen(first), seen(second)], 'never told'],
    ['one came twice', [seen(first), seen(first), seen(second), seen(third)], 'twice in a row'],
    ['an earlier one came again', [seen(first), seen(second), seen(first), seen(third)], 'came after'],
    ['two are exchanged', [seen(second), seen(first), seen(third)], 'came after'],
    ["somebody else's was told", [seen(first), seen(second), seen(others), seen(third)], 'told as there'],
    [
      'one was told that was aborted',
      [seen(first), seen(second), seen({ ...first, offset: 4 }), seen(third)],
      'no committed record',
    ],
    [
      'one was told with other contents',
      [seen(first), { ...seen(second), digest: 'x' }, seen(third)],
      'other contents',
    ],
  ])('is wrong when %s', (_, list, fault) => {
    expect(checkWitness(witness(list), contents).join('\n')).toContain(fault)
  })

  it('begins again after a reset, and then must be complete', () => {
    const whole = mine.map((one) => seen(one))
    expect(checkWitness(witness([seen(first)], whole), contents)).toEqual([])
    expect(checkWitness(witness(whole, [seen(first), seen(second)]), contents).join('\n')).toContain('never told')
    expect(checkWitness(witness([seen(third)], whole), contents).join('\n')).toContain('never told')
  })
})

describe('a stream of a compacted topic', () => {
  const open = { debtor: 'ada', requester: 'bob', status: 'open' }
  const [one, other] = ['r1', 'r2']
  const opened = record(one!, 1, { id: one, ...open })
  const paid = record(one!, 4, { id: one, ...open, status: 'paid' })
  const still = record(other!, 6, { id: other, ...open })
  const contents = contentsOf(opened, paid, still)
  const witness = (list: readonly SeenRecord[], state: readonly LogRecord[] = [still]): Witness => ({
    name: 'ada',
    view: viewAt('/payment-requests?status=open'),
    identity: 'ada',
    seen: [list],
    state: new Map(state.map(({ key, value }) => [key, value ?? ''])),
  })

  it('is correct with changes in order and the newest state at the end', () => {
    expect(checkWitness(witness([seen(opened), seen(paid, true), seen(still)]), contents)).toEqual([])
  })

  it('may skip versions, and show one that compaction has removed since', () => {
    expect(checkWitness(witness([seen(still)]), contents)).toEqual([])
    const removed = record(one!, 0, { id: one, ...open })
    expect(checkWitness(witness([seen(removed), seen(still)]), contents)).toEqual([])
  })

  it.each([
    ['a version was repeated', [seen(opened), seen(opened), seen(still)], 'twice in a row'],
    ['an older version came later', [seen(paid, true), seen(opened), seen(still)], 'came after'],
    ['what has left is told as there', [seen(opened), seen(paid), seen(still)], 'told as there'],
    ['what is there is told as gone', [seen(opened, true), seen(still)], 'told as gone'],
    ['a version is past the end', [seen(still), seen({ ...still, offset: 60 })], 'the log ends before'],
  ])('is wrong when %s', (_, list, fault) => {
    expect(checkWitness(witness(list), contents).join('\n')).toContain(fault)
  })

  it.each([
    ['an item is missing', [], 'r2 is missing'],
    ['an item should have gone', [opened, still], 'r1 should not be there'],
    ['an item is not the newest', [{ ...still, value: opened.value }], 'r2 is '],
  ])('is wrong at the end when %s', (_, state, fault) => {
    expect(checkWitness(witness([seen(still)], state), contents).join('\n')).toContain(fault)
  })

  it('must equal a snapshot', () => {
    const item = JSON.parse(still.value ?? '') as object
    expect(checkSnapshot(witness([]), [item], 'gateway 0')).toEqual([])
    expect(checkSnapshot(witness([]), [], 'gateway 0').join()).toContain('should not be there')
    expect(checkSnapshot(witness([]), [item, { ...item, id: 'r3' }], 'gateway 0').join()).toContain('r3 is missing')
    expect(checkSnapshot(witness([]), [{ ...item, amount: 1 }], 'gateway 0').join()).toContain('r2 is ')
  })
})

it('has a rule for every topic that it follows', () => {
  const deleted: readonly string[] = [topicNames.transactions, topicNames.balanceHistories, topicNames.activities]
  for (const { kind, topic } of watchedViews) expect(kind === 'delete').toBe(deleted.includes(topic))
})
