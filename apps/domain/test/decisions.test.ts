import { describe, expect, it } from 'vitest'
import {
  decideCancel,
  decideDecline,
  decidePayment,
  decideRequest,
  defaultRequestLimits,
  type PayFacts,
  type PaymentRequest,
  type Refusal,
  treasuryFloorCents,
  treasuryId,
} from '../src/index.ts'

const open: PaymentRequest = { id: 'r0-1', requester: 'bea', debtor: 'ann', amount: 300, status: 'open', createdAt: 1 }
const settles = { body: { userId: 'bea', amount: 300, requestId: 'r0-1' } }
const at = 7

type Facts = Omit<PayFacts, 'recipient'> & { readonly recipientKnown: boolean }

function refusalOfPayment({ recipientKnown, ...facts }: Facts): Refusal | undefined {
  return refusalIn(decidePayment<never>({ ...facts, recipient: () => (recipientKnown ? 'known' : 'unknown') }))
}

function refusalIn(decision: { readonly kind: string; readonly refusal?: Refusal }): Refusal | undefined {
  return decision.refusal
}

const plain: Facts = {
  payer: 'ann',
  body: { userId: 'bea', amount: 300 },
  request: undefined,
  recipientKnown: true,
  balance: 300,
}

describe('a payment', () => {
  // Each row is also refused for the reasons of the rows below it: the order of the rows is the order in which refusals
  // win.
  const everythingWrong: Partial<Facts> = { recipientKnown: false, balance: 0 }
  it.each<[string, Partial<Facts>, object]>([
    ['to oneself', { ...everythingWrong, body: { userId: 'ann', amount: 300 } }, { slug: 'own-account' }],
    [
      'to the treasury',
      { ...everythingWrong, body: { userId: treasuryId, amount: 1 } },
      { slug: 'reserved-recipient' },
    ],
    [
      'to a reserved name',
      { ...everythingWrong, body: { userId: 'streampay:', amount: 1 } },
      { slug: 'reserved-recipient' },
    ],
    ['of an unknown request', { ...everythingWrong, ...settles }, { slug: 'unknown-request' }],
    [
      'of a closed request of somebody else',
      { ...settles, request: { ...open, debtor: 'cleo', status: 'paid' }, balance: 0 },
      { slug: 'unknown-request' },
    ],
    [
      'of a paid request for another amount',
      { ...settles, request: { ...open, status: 'paid', amount: 1 }, balance: 0 },
      { slug: 'request-closed', requestStatus: 'paid' },
    ],
    [
      'of a declined request',
      { ...settles, request: { ...open, status: 'declined' } },
      { slug: 'request-closed', requestStatus: 'declined' },
    ],
    [
      'of a cancelled request',
      { ...settles, request: { ...open, status: 'cancelled' } },
      { slug: 'request-closed', requestStatus: 'cancelled' },
    ],
    [
      'of a request that the recipient did not make, for another amount',
      { ...settles, request: { ...open, requester: 'cleo', amount: 1 }, balance: 0 },
      { slug: 'recipient-differs' },
    ],
    [
      'of a cent less than the request',
      { ...settles, request: { ...open, amount: 301 }, balance: 0 },
      { slug: 'amount-differs', expected: 301 },
    ],
    [
      'of a cent more than the request',
      { ...settles, request: { ...open, amount: 299 } },
      { slug: 'amount-differs', expected: 299 },
    ],
    ['to somebody unknown', { recipientKnown: false, balance: 0 }, { slug: 'unknown-recipient' }],
    ['of a cent more than the balance', { balance: 299 }, { slug: 'insufficient-funds', available: 299 }],
    [
      'of a request of a cent more than the balance',
      { ...settles, request: open, balance: 299 },
      { slug: 'insufficient-funds', available: 299 },
    ],
    [
      'from the treasury at its floor',
      { payer: treasuryId, balance: treasuryFloorCents + 299 },
      { slug: 'treasury-exhausted' },
    ],
  ])('is refused %s', (_, facts, refusal) => {
    expect(refusalOfPayment({ ...plain, ...facts })).toEqual(refusal)
  })

  it.each<[string, Partial<Facts>]>([
    ['of the whole balance', {}],
    ['of a request that is open, mine, and for this amount', { ...settles, request: open }],
    ['of a request whose maker is not in the directory', { ...settles, request: open, recipientKnown: false }],
    ['from the treasury, which has nothing', { payer: treasuryId, balance: 0 }],
    ['from the treasury down to its floor', { payer: treasuryId, balance: treasuryFloorCents + 300 }],
  ])('goes through %s', (_, facts) => {
    expect(refusalOfPayment({ ...plain, ...facts })).toBeUndefined()
  })
})

describe('the directory', () => {
  const later = { isLater: true } as const

  it('is not asked if something else refuses, and decides what it cannot tell yet to be for later', () => {
    let asked = 0
    const recipient = () => {
      asked += 1
      return later
    }
    const facts = { ...plain, recipient }
    expect(decidePayment({ ...facts, body: { userId: 'ann', amount: 1 } })).toMatchObject({ kind: 'refused' })
    expect(decidePayment({ ...facts, ...settles, request: open })).toEqual({ kind: 'pay', settles: open })
    expect(asked).toBe(0)
    expect(decidePayment({ ...facts, balance: 0 })).toBe(later)
    const asks = { requester: 'ann', body: { userId: 'bea', amount: 1 }, debtor: recipient }
    expect(decideRequest({ ...asks, openOfRequester: 200 }, defaultRequestLimits)).toMatchObject({ kind: 'refused' })
    expect(asked).toBe(1)
    expect(decideRequest({ ...asks, openOfRequester: 199 }, defaultRequestLimits)).toBe(later)
  })
})

describe('a request for money', () => {
  it.each<[string, string, string, boolean, string | undefined]>([
    ['to oneself', 'ann', 'ann', false, 'own-account'],
    ['to the treasury', 'ann', treasuryId, false, 'reserved-recipient'],
    ['by the treasury', treasuryId, 'ann', false, 'reserved-identity'],
    ['to somebody unknown', 'ann', 'nobody', false, 'unknown-recipient'],
    ['to somebody known', 'ann', 'bea', true, undefined],
  ])('is decided %s', (_, requester, userId, known, slug) => {
    const debtor = () => (known ? 'known' : 'unknown')
    const facts = { requester, body: { userId, amount: 1 }, debtor, openOfRequester: 0 } as const
    expect(refusalIn(decideRequest<never>(facts, defaultRequestLimits))?.slug).toBe(slug)
  })
})

describe('closing a request', () => {
  it.each<[string, PaymentRequest | undefined, string, string | undefined]>([
    ['that is unknown', undefined, 'bea', 'unknown-request'],
    ['of somebody else, closed', { ...open, status: 'paid' }, 'cleo', 'unknown-request'],
    ['as the debtor', open, 'ann', 'unknown-request'],
    ['that is closed', { ...open, status: 'paid' }, 'bea', 'request-closed'],
    ['that is open and mine', open, 'bea', undefined],
  ])('by cancelling one %s', (_, request, identity, slug) => {
    expect(refusalIn(decideCancel(request, { identity, at }))?.slug).toBe(slug)
  })

  it.each<[string, PaymentRequest | undefined, string, string | undefined]>([
    ['that is unknown', undefined, 'ann', 'unknown-request'],
    ['as the requester, closed', { ...open, status: 'paid' }, 'bea', 'unknown-request'],
    ['that is closed', { ...open, status: 'cancelled' }, 'ann', 'request-closed'],
    ['that is open and addressed to me', open, 'ann', undefined],
  ])('by declining one %s', (_, request, identity, slug) => {
    expect(refusalIn(decideDecline(request, { identity, at }))?.slug).toBe(slug)
  })
})
