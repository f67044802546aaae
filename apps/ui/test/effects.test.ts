import { describe, expect, it } from 'vitest'
import { effectsOf, type Ledger, looksLike } from '../src/api/effects.ts'
import type { Intent } from '../src/api/intents.ts'
import type { Entry, PaymentRequest } from '../src/api/types.ts'

const start = Date.UTC(2026, 10, 23)
const nothing: Ledger = { entries: [], sent: [], incoming: [] }

function intentOf(more: Partial<Intent> = {}): Intent {
  return {
    key: 'k1',
    kind: 'pay',
    identity: 'ada',
    path: '/pay',
    body: { userId: 'grace', amount: 500 },
    label: 'Payment',
    startedAt: start,
    state: 'unknown',
    before: [],
    ...more,
  }
}

function entryOf(id: string, more: Partial<Entry> = {}): Entry {
  return {
    transferId: id,
    account: 'ada',
    counterparty: 'grace',
    amount: -500,
    kind: 'payment',
    commandPartition: 0,
    commandOffset: 1,
    applied: 'writer',
    at: start + 50,
    ...more,
  }
}

function requestOf(id: string, more: Partial<PaymentRequest> = {}): PaymentRequest {
  return { id, requester: 'ada', debtor: 'grace', amount: 500, status: 'open', createdAt: start + 50, ...more }
}

const seen = (intents: readonly Intent[], ledger: Partial<Ledger>, known: readonly string[] = []) =>
  [...effectsOf(intents, { ...nothing, ...ledger }, known)].map(([{ key }, { id }]) => `${key} ${id}`)

describe('the effect of a payment whose answer was lost', () => {
  it('is the entry with the same content', () => {
    expect(seen([intentOf()], { entries: [entryOf('t0-1')] })).toEqual(['k1 t0-1'])
  })

  it.each([
    ['goes to somebody else', entryOf('t0-1', { counterparty: 'alan' })],
    ['has another amount', entryOf('t0-1', { amount: -501 })],
    ['came in instead', entryOf('t0-1', { amount: 500 })],
    ['has a note', entryOf('t0-1', { notes: 'Lunch' })],
    ['settles a request', entryOf('t0-1', { requestId: 'r0-1' })],
    ['is private', entryOf('t0-1', { visibility: 'private' })],
    ['is older than the intent', entryOf('t0-1', { at: start - 11 * 60_000 })],
    ['is no payment', entryOf('t0-1', { kind: 'topUp' })],
  ])('is no entry that %s', (_what, entry) => {
    expect(seen([intentOf()], { entries: [entry] })).toEqual([])
  })

  // Of two payments with the same content within a minute, the entry of the older one must not be taken for the newer
  // one's.
  it('is no entry that was there before it was begun, though the clock would allow it', () => {
    const ledger = { ...nothing, entries: [entryOf('t0-1', { at: start - 1_000 })] }
    const before = looksLike(intentOf(), ledger)
    expect(before).toEqual(['t0-1'])
    expect(seen([intentOf({ before })], ledger)).toEqual([])
    expect(seen([intentOf({ before })], { entries: [...ledger.entries, entryOf('t0-2')] })).toEqual(['k1 t0-2'])
  })

  it('is no entry that another intent is known to have made', () => {
    expect(seen([intentOf()], { entries: [entryOf('t0-1')] }, ['t0-1'])).toEqual([])
  })

  it('is one entry for each of two with the same content, the first for the first', () => {
    const both = [intentOf(), intentOf({ key: 'k2', startedAt: start + 10 })]
    expect(seen(both, { entries: [entryOf('t0-1')] })).toEqual(['k1 t0-1'])
    expect(seen(both, { entries: [entryOf('t0-2', { at: start + 60 }), entryOf('t0-1')] })).toEqual([
      'k1 t0-1',
      'k2 t0-2',
    ])
  })

  it('is the entry of the request that it paid, with any note', () => {
    const paying = intentOf({ body: { userId: 'grace', amount: 500, requestId: 'r0-1' } })
    const entries = [entryOf('t0-1', { requestId: 'r0-1', notes: 'Cinema' })]
    expect(seen([paying], { entries })).toEqual(['k1 t0-1'])
    expect(seen([paying], { entries: [entryOf('t0-2')] })).toEqual([])
  })
})

describe('the effect of a request', () => {
  const asking = intentOf({ kind: 'request', path: '/request' })

  it('is the new one with the same content', () => {
    expect(seen([asking], { sent: [requestOf('r0-1')] })).toEqual(['k1 r0-1'])
    expect(seen([{ ...asking, before: ['r0-1'] }], { sent: [requestOf('r0-1')] })).toEqual([])
    expect(seen([asking], { sent: [requestOf('r0-1', { amount: 1 })] })).toEqual([])
    expect(seen([asking], { incoming: [requestOf('r0-1')] })).toEqual([])
  })

  it('that is answered is its own answer, not another one', () => {
    const declining = intentOf({ kind: 'decline', path: '/payment-requests/r0-1/decline', body: {} })
    const cancelling = intentOf({ kind: 'cancel', path: '/payment-requests/r0-1/cancel', body: {} })
    expect(seen([declining], { incoming: [requestOf('r0-1', { status: 'declined' })] })).toEqual(['k1 r0-1'])
    expect(seen([declining], { incoming: [requestOf('r0-1', { status: 'paid' })] })).toEqual([])
    expect(seen([declining], { incoming: [requestOf('r0-1')] })).toEqual([])
    expect(seen([cancelling], { sent: [requestOf('r0-1', { status: 'cancelled' })] })).toEqual(['k1 r0-1'])
  })

  it('that is reminded of is the reminder, and not that of another day', () => {
    const reminding = intentOf({ kind: 'remind', path: '/payment-requests/r0-1/remind', body: {} })
    const reminded = (at: number) => ({ sent: [requestOf('r0-1', { remindedAt: at, reminders: 1 })] })
    expect(seen([reminding], reminded(start + 5))).toEqual(['k1 r0-1'])
    expect(seen([reminding], reminded(start - 24 * 3_600_000))).toEqual([])
    expect(seen([reminding], { sent: [requestOf('r0-1')] })).toEqual([])
  })
})
