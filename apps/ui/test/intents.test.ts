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
  before: [],
} as const

describe('intents', () => {
  it('gives each new intent a key of its own', () => {
    const { intents } = setUp()
    expect(intents.begin(payment).key).not.toBe(intents.begin(payment).key)
  })

  // Once a second payment of the same amount to the same person silently had the key of the first one: nothing was paid.
  it('gives a second payment a key of its own, while the outcome of the first one is unknown too', () => {
    const { intents } = setUp()
    const first = intents.begin(payment)
    intents.keep({ ...first, state: 'unknown' })
    expect(intents.begin(payment).key).not.toBe(first.key)
    expect(intents.similar(payment)).toEqual([{ ...first, state: 'unknown' }])
    expect(intents.similar({ ...payment, body: { ...payment.body, notes: 'Lunch' } })).toHaveLength(1)
  })

  it('finds nothing similar in another amount, person, kind, identity, or in what was not taken', () => {
    const { intents } = setUp()
    intents.keep({ ...intents.begin(payment), state: 'unknown' })
    intents.keep({ ...intents.begin({ ...payment, body: { userId: 'grace', amount: 700 } }), state: 'notTaken' })
    for (const other of [
      { ...payment, body: { userId: 'grace', amount: 501 } },
      { ...payment, body: { userId: 'alan', amount: 500 } },
      { ...payment, kind: 'request' as const },
      { ...payment, identity: 'alan' },
      { ...payment, body: { userId: 'grace', amount: 700 } },
      { ...payment, body: { ...payment.body, requestId: 'r0-1' } },
    ])
      expect(intents.similar(other)).toEqual([])
  })

  it.each([
    ['declining a request', { kind: 'decline', path: '/payment-requests/r0-1/decline', body: {} }],
    ['withdrawing one', { kind: 'cancel', path: '/payment-requests/r0-1/cancel', body: {} }],
    ['paying one', { kind: 'pay', path: '/pay', body: { userId: 'grace', amount: 500, requestId: 'r0-1' } }],
  ] as const)('goes on under the same key with %s, which can only be done once', (_what, what) => {
    const { intents, storage } = setUp()
    const first = intents.begin({ ...payment, ...what })
    intents.keep({ ...first, state: 'unknown' })
    const reordered = Object.fromEntries(Object.entries(what.body).reverse())
    // Over a reload of the page too.
    expect(setUp(storage).intents.begin({ ...payment, ...what, body: reordered }).key).toBe(first.key)
  })

  it('goes on under the same key with what was surely not taken', () => {
    const { intents } = setUp()
    const first = intents.begin(payment)
    intents.keep({ ...first, state: 'notTaken' })
    expect(intents.begin({ ...payment, body: { amount: 500, userId: 'grace' } }).key).toBe(first.key)
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
    intents.keep({ ...first, state: 'unknown' })
    pass(23 * hourMs - 1)
    expect(intents.unsettled('ada').map(({ key }) => key)).toEqual([first.key])
    pass(1)
    expect(intents.unsettled('ada')).toEqual([])
  })

  it('does not show what another person at the same browser began', () => {
    const { intents } = setUp()
    intents.keep(intents.begin(payment))
    expect(intents.kept('alan')).toEqual([])
  })

  it('keeps at most twenty', () => {
    const { intents } = setUp()
    const { intents: many } = setUp()
    for (let n = 0; n < 250; n += 1) many.settle(many.begin(payment), `t0-${n}`)
    expect(many.effects()).toHaveLength(200)
    for (let amount = 1; amount <= 25; amount += 1) intents.keep(intents.begin({ ...payment, body: { amount } }))
    expect(intents.kept('ada').map(({ body }) => body.amount)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 6),
    )
  })

  it('starts empty when the stored intents were damaged', () => {
    const { intents, storage } = setUp()
    for (const damaged of ['{', '{"a":1}', '[1,null,{"key":"k"}]']) {
      storage.setItem('streampay.intents', damaged)
      expect(intents.kept('ada')).toEqual([])
    }
  })
})
