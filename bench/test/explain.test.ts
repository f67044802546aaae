import { topicNames } from '@streampay/domain'
import { apis } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import type { Stamped } from '../explain/moments-of.ts'
import { costsOf, spreadsOf, steps, waysOf } from '../explain/ways.ts'

const payments = 'streampay-payments-slot-0'
const statistics = 'streampay-statistics-slot-0'
const batch = { partition: 1, records: 1, bytes: 100 }

/** One payment that begins at `start`, each step a millisecond, among moments of others. */
function payment(id: string, { start, offset }: { start: number; offset: number }): Stamped[] {
  const command = { topic: topicNames.commands, partition: 1 }
  const other = { topic: topicNames.commands, partition: 2 }
  return [
    { at: start, step: 'asked', id },
    { at: start + 1, step: 'appended', ...command, ...batch, offset },
    { at: start + 1.5, step: 'durable', ...other, offset: offset + 1 },
    { at: start + 2, step: 'durable', ...command, offset: offset + 1 },
    { at: start + 2.2, step: 'acknowledged', id, ...command, offset },
    { at: start + 2.5, step: 'decided', id: statistics, records: 3 },
    { at: start + 2.6, step: 'read', ...command, offset },
    { at: start + 3, step: 'read', ...command, offset: offset + 1 },
    { at: start + 4, step: 'decided', id: payments, records: 9 },
    { at: start + 5, step: 'appended', topic: topicNames.replies, ...batch, offset },
    { at: start + 5.5, step: 'written', id: statistics, records: 3 },
    { at: start + 6, step: 'written', id: payments, records: 9 },
    { at: start + 7, step: 'positioned', id: payments, records: 9 },
    { at: start + 7.5, step: 'ended', id: statistics, isCommit: true },
    { at: start + 8, step: 'ended', id: payments, isCommit: true },
    { at: start + 8.5, step: 'replied', id: 'of another' },
    { at: start + 9, step: 'replied', id },
    { at: start + 10, step: 'answered', id },
  ]
}

describe('the steps of payments', () => {
  it('have the end of each step, with any other moments', () => {
    const ways = waysOf([...payment('a', { start: 100, offset: 7 }), ...payment('b', { start: 200, offset: 8 })])
    expect(ways.map(({ id, asked, answered }) => [id, asked, answered])).toEqual([
      ['a', 100, 110],
      ['b', 200, 210],
    ])
    const { steps: spreads, all } = spreadsOf(ways)
    expect(spreads.map(({ p50Ms }) => p50Ms)).toEqual(steps.map(() => 1))
    expect(all).toMatchObject({ p50Ms: 10, p99Ms: 10 })
  })

  it('leave out a payment that lacks a step, or has them in another order', () => {
    const lacking = payment('a', { start: 100, offset: 7 }).filter(({ step }) => step !== 'ended')
    const swapped = payment('b', { start: 200, offset: 8 }).map((moment) =>
      moment.step === 'ended' && moment.id === payments ? { ...moment, at: moment.at + 1.5 } : moment,
    )
    const whole = payment('c', { start: 300, offset: 9 })
    expect(waysOf([...lacking, ...swapped.sort((a, b) => a.at - b.at), ...whole]).map(({ id }) => id)).toEqual(['c'])
  })
})

it('counts the cost of a payment, and each part of it', () => {
  const moments: Stamped[] = [
    ...payment('a', { start: 0, offset: 0 }),
    ...payment('b', { start: 20, offset: 1 }),
    { at: 41, step: 'request', api: apis.produce.key, bytes: 1_000 },
    { at: 42, step: 'marked', topic: topicNames.replies, partition: 1, bytes: 78 },
    { at: 43, step: 'synced', bytes: 500 },
    { at: 44, step: 'woken' },
  ]
  const costs = new Map(
    costsOf(moments, 2).map(({ what, number, parts }) => [what, [number, Object.fromEntries(parts)]]),
  )
  expect(Object.fromEntries(costs)).toEqual({
    transactions: [2, { [payments]: 1, [statistics]: 1 }],
    records: [2, { [topicNames.commands]: 1, [topicNames.replies]: 1 }],
    batches: [2, {}],
    'bytes of batches': [200, {}],
    markers: [0.5, {}],
    'bytes of markers': [39, {}],
    syncs: [0.5, {}],
    'bytes of the journal': [250, {}],
    'requests to the log': [0.5, { Produce: 0.5 }],
    'fetches woken': [0.5, {}],
  })
})
