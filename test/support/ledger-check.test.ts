/** The comparison of clients' answers with the log, on invented histories. */
import type { Located, LogCut } from '@streampay/audit'
import type { Entry, PaymentRequest } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { type Intent, newIntent, type Told } from './intent.ts'
import { compareIntents, compareProfiles } from './ledger-check.ts'

function located<T>(value: T): Located<T> {
  return { topic: 't', partition: 0, offset: 0, timestamp: 0, key: 'k', value }
}

function cutOf({ entries = [], requests = [] }: { entries?: readonly Entry[]; requests?: readonly PaymentRequest[] }) {
  return {
    transactions: entries.map(located),
    requests: new Map(requests.map((request) => [request.id, located(request)])),
  } as unknown as LogCut
}

function intent(path: string, body: Intent['body'], told?: Pick<Told, 'status' | 'body'>): Intent {
  const made = newIntent({ identity: 'ada', method: 'POST', path, body })
  made.answer = told === undefined ? undefined : { replayed: false, ...told }
  return made
}

const payBody = { userId: 'bob', amount: 5 }
const paid = { status: 200, body: { transferId: 't0-1', balance: 1 } }
const refused = { status: 409, body: {} }

function entryOf({ key }: Intent, changes: Partial<Entry> = {}): Entry {
  const own = { transferId: 't0-1', account: 'ada', counterparty: 'bob', amount: -5, kind: 'payment' as const }
  const cause = { commandPartition: 0, commandOffset: 1, applied: 'writer' as const, at: 0 }
  return { ...own, ...cause, notes: key, ...changes }
}

function requestOf({ key }: Intent, changes: Partial<PaymentRequest> = {}): PaymentRequest {
  const own = { id: 'r0-1', requester: 'ada', debtor: 'bob', amount: 5, createdAt: 0 }
  return { ...own, status: 'open', notes: key, ...changes }
}

describe('a payment', () => {
  it('that was acknowledged is there once, as in its answer', () => {
    const payment = intent('/pay', payBody, paid)
    expect(compareIntents(cutOf({ entries: [entryOf(payment)] }), [payment])).toEqual([])
    expect(compareIntents(cutOf({}), [payment]).join()).toContain('on the ledger 0 times')
    const twice = [entryOf(payment), entryOf(payment, { transferId: 't0-2' })]
    expect(compareIntents(cutOf({ entries: twice }), [payment]).join()).toContain('on the ledger 2 times')
  })

  it.each<Partial<Entry>>([{ amount: -6 }, { counterparty: 'eve' }, { account: 'eve' }, { transferId: 't9-9' }])(
    'that was acknowledged must not stand there with %o',
    (changes) => {
      const payment = intent('/pay', payBody, paid)
      const eve = intent('/decline', {})
      const people = [payment, { ...eve, identity: 'eve' }]
      expect(compareIntents(cutOf({ entries: [entryOf(payment, changes)] }), people)).toHaveLength(1)
    },
  )

  it('that was refused is not there', () => {
    const payment = intent('/pay', payBody, refused)
    expect(compareIntents(cutOf({}), [payment])).toEqual([])
    expect(compareIntents(cutOf({ entries: [entryOf(payment)] }), [payment]).join()).toContain('on the ledger 1 times')
  })

  it('without an answer is there once at most, and never if it was surely not done', () => {
    const payment = intent('/pay', payBody)
    payment.mayBeDone = true
    const once = [entryOf(payment)]
    const twice = [entryOf(payment), entryOf(payment, { transferId: 't0-2' })]
    expect(compareIntents(cutOf({}), [payment])).toEqual([])
    expect(compareIntents(cutOf({ entries: once }), [payment])).toEqual([])
    expect(compareIntents(cutOf({ entries: twice }), [payment]).join()).toContain('on the ledger 2 times')
    payment.mayBeDone = false
    expect(compareIntents(cutOf({ entries: once }), [payment]).join()).toContain('on the ledger 1 times')
  })

  it('that no client sent is found', () => {
    const payment = intent('/pay', payBody, refused)
    const unasked = entryOf(payment, { notes: 'of nobody' })
    expect(compareIntents(cutOf({ entries: [unasked] }), [payment]).join()).toContain('no client of this run asked for')
  })
})

describe('a request', () => {
  it('is there as in its answer', () => {
    const asked = intent('/request', payBody, { status: 201, body: { id: 'r0-1' } })
    expect(compareIntents(cutOf({ requests: [requestOf(asked)] }), [asked])).toEqual([])
    expect(compareIntents(cutOf({}), [asked]).join()).toContain('on the log 0 times')
    expect(compareIntents(cutOf({ requests: [requestOf(asked, { amount: 6 })] }), [asked]).join()).toContain('amount 6')
    const twice = [requestOf(asked), requestOf(asked, { id: 'r0-2' })]
    expect(compareIntents(cutOf({ requests: twice }), [asked]).join()).toContain('on the log 2 times')
  })

  it.each([
    ['decline', 'declined'],
    ['cancel', 'cancelled'],
  ] as const)('whose %s was acknowledged is %s', (how, status) => {
    const closed = intent(`/payment-requests/r0-1/${how}`, {}, { status: 200, body: {} })
    expect(compareIntents(cutOf({ requests: [requestOf(closed, { status })] }), [closed])).toEqual([])
    expect(compareIntents(cutOf({ requests: [requestOf(closed)] }), [closed]).join()).toContain('is open')
    expect(compareIntents(cutOf({}), [closed]).join()).toContain('is not there')
  })
})

describe('a profile', () => {
  const save = (name: string, status: number | undefined) =>
    intent('/current-user', { name, username: 'ada' }, status === undefined ? undefined : { status, body: {} })
  const users = (name: string) => new Map([['ada', { id: 'ada', name, username: 'ada' }]])

  it('that was acknowledged last is the one on the log', () => {
    const saved = [save('Ada', 200), save('Ada L.', 200)]
    expect(compareProfiles(users('Ada L.'), saved)).toEqual([])
    expect(compareProfiles(users('Ada'), saved)).toEqual([expect.stringContaining('"Ada"')])
    expect(compareProfiles(new Map(), saved)).toEqual([expect.stringContaining('undefined')])
    expect(compareProfiles(new Map([['ada', null]]), saved)).toEqual([expect.stringContaining('null')])
  })

  it('without an answer may be there or not', () => {
    const saved = [save('Ada', 200), save('Ada L.', undefined)]
    expect(compareProfiles(users('Ada'), saved)).toEqual([])
    expect(compareProfiles(users('Ada L.'), saved)).toEqual([])
  })
})
