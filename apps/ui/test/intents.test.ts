import { describe, expect, it } from 'vitest'
import { createIntents } from '../src/api/intents.ts'
import { memoryStorage } from './support/memory-storage.ts'

const hourMs = 3_600_000

function setUp(storage = memoryStorage()) {
  let time = 1_000
  let made = 0
  const intents = createIntents({ storage, now: () => time, newKey: () => `key-${++made}` })
  return { intents, storage, pass: (ms: number) => (time += ms) }
}

const payment = {
  kind: 'pay',
  identity: 'ada',
  path: '/pay',
  body: { userId: 'grace', amount: 500 },
  label: 'Payment',
} as const

describe('intents', () => {
  it('gives each new intent a key of its own', () => {
    const { intents } = setUp()
    expect(intents.begin(payment).key).not.toBe(intents.begin(payment).key)
  })

  it('gives the same key again while the outcome is unknown, whatever the order of the fields', () => {
    const { intents } = setUp()
    const first = intents.begin(payment)
    intents.keep({ ...first, state: 'unknown' })
    expect(intents.begin({ ...payment, body: { amount: 500, userId: 'grace' } }).key).toBe(first.key)
  })

  it('keeps the key over a reload of the page', () => {
    const { intents, storage } = setUp()
    const first = intents.begin(payment)
    intents.keep({ ...first, state: 'sent' })
    expect(setUp(storage).intents.begin(payment).key).toBe(first.key)
  })

  it.each([
    ['another amount', { ...payment, body: { userId: 'grace', amount: 501 } }],
    ['another recipient', { ...payment, body: { userId: 'alan', amount: 500 } }],
    ['a note', { ...payment, body: { ...payment.body, notes: 'Lunch' } }],
    ['another command', { ...payment, kind: 'request', path: '/request' } as const],
    ['another person', { ...payment, identity: 'alan' }],
  ])('makes a new key for %s', (_what, wanted) => {
    const { intents } = setUp()
    const first = intents.begin(payment)
    intents.keep(first)
    expect(intents.begin(wanted).key).not.toBe(first.key)
  })

  it('forgets a key once the outcome is known', () => {
    const { intents } = setUp()
    const first = intents.begin(payment)
    intents.keep(first)
    intents.settle(first)
    expect(intents.kept('ada')).toEqual([])
    expect(intents.begin(payment).key).not.toBe(first.key)
  })

  it('lets a key go before the ledger forgets it after 24 hours', () => {
    const { intents, pass } = setUp()
    const first = intents.begin(payment)
    intents.keep(first)
    pass(23 * hourMs - 1)
    expect(intents.begin(payment).key).toBe(first.key)
    pass(1)
    expect(intents.begin(payment).key).not.toBe(first.key)
  })

  it('shows nobody what somebody else at the same browser began', () => {
    const { intents } = setUp()
    intents.keep(intents.begin(payment))
    expect(intents.kept('alan')).toEqual([])
  })

  it('keeps at most twenty', () => {
    const { intents } = setUp()
    for (let amount = 1; amount <= 25; amount += 1) intents.keep(intents.begin({ ...payment, body: { amount } }))
    expect(intents.kept('ada').map(({ body }) => body.amount)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 6),
    )
  })

  it('starts anew when what is stored was damaged', () => {
    const { intents, storage } = setUp()
    for (const damaged of ['{', '{"a":1}', '[1,null,{"key":"k"}]']) {
      storage.setItem('streampay.intents', damaged)
      expect(intents.kept('ada')).toEqual([])
    }
  })
})
