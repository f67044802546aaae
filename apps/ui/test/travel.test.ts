import type { Span } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import type { TopicRecord } from '../src/api/types.ts'
import { isWhole, spanWords, traceOf, travelOf } from '../src/travel/travel.ts'

const traceId = 'a'.repeat(32)
const span = (service: string, topic: string, steps: Record<string, number>, more: Partial<Span> = {}): Span => ({
  traceId,
  service,
  source: { topic, partition: 1, offset: 5 },
  steps: Object.entries(steps).map(([step, at]) => ({ step, at }) as Span['steps'][number]),
  ...more,
})
const gateway = span('gateway:1', 'commands', { received: 100, acknowledged: 104, replied: 112, answered: 113 })
const payments = span(
  'streampay-payments-slot-0',
  'commands',
  { read: 103, processed: 105, written: 109, committed: 114 },
  { records: 9 },
)
const statistics = span('streampay-statistics-slot-0', 'transactions', { read: 120, processed: 121, committed: 130 })
const shown = span('gateway:1', 'balance-histories', { shown: 115 })
const record = (topic: string, offset: number, value: object = {}) =>
  ({
    topic,
    partition: 0,
    offset,
    timestamp: 102,
    key: null,
    headers: {},
    value,
    size: 1,
    raw: {},
  }) as unknown as TopicRecord

describe('the way of a payment', () => {
  const records = [
    record('commands', 5),
    record('transactions', 1, { amount: -5 }),
    record('transactions', 2, { amount: 5 }),
    record('replies', 3),
    record('activities', 4),
  ]
  const travel = travelOf({ spans: [statistics, shown, payments, gateway], records })

  it('has each step at its own time, in the order of their beginnings', () => {
    const told = travel?.hops.map(({ lane, from, to, records: open }) => [lane, from, to, open.length])
    expect(told).toEqual([
      ['gateway', 100, 104, 0],
      ['commands', 103, 103, 1],
      ['payments', 103, 105, 0],
      ['gateway', 104, 112, 0],
      ['payments', 105, 109, 0],
      ['payments', 109, 114, 0],
      // The gateway had the reply before payments got the answer that its transaction was committed.
      ['transactions', 112, 112, 2],
      ['replies', 112, 112, 1],
      ['gateway', 112, 113, 0],
      ['views', 115, 115, 0],
      ['statistics', 120, 130, 0],
      ['activities', 130, 130, 1],
    ])
    expect([travel?.from, travel?.to, travel?.isMeasured]).toEqual([100, 130, true])
  })

  it('has lanes only for what took part, services and topics in the order of the way', () => {
    expect(travel?.lanes.map(({ id }) => id)).toEqual([
      'gateway',
      'commands',
      'payments',
      'transactions',
      'replies',
      'statistics',
      'activities',
      'views',
    ])
  })

  it('shows the recipient’s balance with the transaction that credited it, when that is a transaction of its own', () => {
    const credit = span('streampay-payments-slot-1', 'transactions', { read: 116, processed: 117, committed: 119 })
    const balances = [record('balances', 1, { amount: -5 }), record('balance-histories', 2, { amount: 5 })]
    const hops = travelOf({ spans: [gateway, payments, credit], records: balances })?.hops ?? []
    expect(hops.find(({ lane }) => lane === 'other-side')).toMatchObject({ from: 116, to: 119 })
    expect(hops.find(({ lane }) => lane === 'balance-histories')?.from).toBe(119)
    expect(hops.find(({ lane }) => lane === 'balances')?.from).toBe(112)
  })

  it('of a command without measurements is made of the log’s times', () => {
    const logged = travelOf({ spans: [], records })
    expect([logged?.isMeasured, logged?.hops.map(({ lane }) => lane)]).toEqual([false, ['commands', 'replies']])
    expect(travelOf({ spans: [], records: [] })).toBeUndefined()
  })
})

describe('the browser’s own times', () => {
  const ofBrowser = (sentAt: number, answeredAt: number) =>
    travelOf({ spans: [gateway], records: [], own: { sentAt, answeredAt } })?.hops.find(
      ({ lane }) => lane === 'browser',
    )

  it('are shown as noted if the clocks agree', () => {
    expect(ofBrowser(98, 115)).toMatchObject({ from: 98, to: 115 })
  })

  it('are moved around the gateway’s times if they differ, and the picture says so', () => {
    const moved = ofBrowser(5_098, 5_115)
    expect(moved).toMatchObject({ from: 98, to: 115 })
    expect(moved?.words).toContain('moved to fit')
  })

  it('are left out without the gateway’s times', () => {
    expect(travelOf({ spans: [payments], records: [], own: { sentAt: 98, answeredAt: 115 } })?.lanes).toEqual([
      expect.objectContaining({ id: 'payments' }),
    ])
  })
})

describe('spans', () => {
  it('are complete once the command is answered, committed and shown', () => {
    expect(isWhole([gateway, payments, shown])).toBe(true)
    expect([isWhole([payments, shown]), isWhole([gateway, shown]), isWhole([gateway, payments])]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('of one command have its trace', () => {
    expect(traceOf([shown, gateway], { partition: 1, offset: 5 })).toBe(traceId)
    expect(traceOf([shown, gateway], { partition: 1, offset: 6 })).toBeUndefined()
    expect(traceOf([shown], { partition: 1, offset: 5 })).toBeUndefined()
  })

  it.each([
    [0.04, '0.0 ms'],
    [9.94, '9.9 ms'],
    [12.4, '12 ms'],
    [1_260, '1.3 s'],
  ])('%s ms are told as %s', (ms, words) => {
    expect(spanWords(ms)).toBe(words)
  })
})
