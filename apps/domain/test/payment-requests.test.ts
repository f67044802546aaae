/** What becomes of a request for money: who may change it, when its time is up, and how long its end is known. */
import { describe, expect, it } from 'vitest'
import {
  closedRequestsKeptMs,
  closeRequest,
  decideCancel,
  decideDecline,
  decideReminder,
  defaultRequestLimits,
  expiresAt,
  forgettableAt,
  idempotencyKeptMs,
  isForgotten,
  type PaymentRequest,
  refusalOfArrival,
  reminderPauseMs,
  requestAt,
  requestStatuses,
} from '../src/index.ts'

const createdAt = 1000
const open: PaymentRequest = { id: 'r0-1', requester: 'bea', debtor: 'ann', amount: 300, status: 'open', createdAt }
const at = 5000
const blocked = { slug: 'requests-not-accepted' }

describe('a request that is closed', () => {
  it('says by whom and when, and has no transfer', () => {
    const declined = { kind: 'closed', request: { ...open, status: 'declined', closedAt: at } }
    expect(decideDecline(open, { identity: 'ann', at })).toStrictEqual(declined)
    const cancelled = { kind: 'closed', request: { ...open, status: 'cancelled', closedAt: at } }
    expect(decideCancel(open, { identity: 'bea', at })).toStrictEqual(cancelled)
  })

  it('has the transfer that paid it', () => {
    const paid = { ...open, status: 'paid', closedAt: at, transferId: 't0-1' }
    expect(closeRequest(open, { status: 'paid', at, transferId: 't0-1' })).toStrictEqual(paid)
  })

  it.each(requestStatuses.filter((status) => status !== 'open'))(
    'is not closed again when it is %s (INV-5)',
    (status) => {
      expect(() => closeRequest({ ...open, status }, { status: 'declined', at })).toThrow(
        `is ${status} and cannot be closed again`,
      )
    },
  )

  it('is known for 90 days, and an open one always; a day later its tombstone is due', () => {
    const forgottenAt = at + closedRequestsKeptMs
    const paid = { ...open, status: 'paid', closedAt: at } as const
    expect(isForgotten(open, Number.MAX_SAFE_INTEGER)).toBe(false)
    expect([isForgotten(paid, forgottenAt - 1), isForgotten(paid, forgottenAt)]).toEqual([false, true])
    expect(forgettableAt(at)).toBe(forgottenAt + idempotencyKeptMs)
  })
})

describe('a reminder', () => {
  const asks = { identity: 'bea', isBlocked: false, at }

  it('is noted on its request, and counted', () => {
    const first = { ...open, remindedAt: at, reminders: 1 }
    expect(decideReminder(open, asks)).toStrictEqual({ kind: 'reminded', request: first })
    const later = at + reminderPauseMs
    expect(decideReminder(first, { ...asks, at: later })).toStrictEqual({
      kind: 'reminded',
      request: { ...open, remindedAt: later, reminders: 2 },
    })
  })

  it('is refused until a day after the last one, and says when it may be', () => {
    const reminded = { ...open, remindedAt: at, reminders: 1 }
    const possibleAt = at + reminderPauseMs
    for (const [now, inSeconds] of [
      [at, reminderPauseMs / 1000],
      [possibleAt - 1, 1],
    ] as const) {
      expect(decideReminder(reminded, { ...asks, at: now })).toStrictEqual({
        kind: 'refused',
        refusal: { slug: 'reminded-recently', possibleAt, inSeconds },
      })
    }
  })

  // Each row is also refused for the reasons of the rows below it.
  it.each<[string, PaymentRequest | undefined, object, object]>([
    ['of an unknown request', undefined, {}, { slug: 'unknown-request' }],
    ['by its debtor', { ...open, status: 'paid' }, { identity: 'ann' }, { slug: 'unknown-request' }],
    ['of a closed one', { ...open, status: 'paid' }, {}, { slug: 'request-closed', requestStatus: 'paid' }],
    ['of somebody whom the debtor has blocked', { ...open, remindedAt: at, reminders: 1 }, {}, blocked],
  ])('is refused %s', (_, request, change, refusal) => {
    expect(decideReminder(request, { ...asks, isBlocked: true, ...change })).toStrictEqual({ kind: 'refused', refusal })
  })
})

describe('a request that arrives at its debtor', () => {
  const { maxOpenOfPair, maxOpenForDebtor } = defaultRequestLimits
  const most = { isBlocked: false, openOfPair: maxOpenOfPair - 1, openForDebtor: maxOpenForDebtor - 1 }
  const ofPair = { slug: 'too-many-requests-open', of: 'pair', limit: maxOpenOfPair }
  const ofDebtor = { slug: 'too-many-requests-open', of: 'debtor', limit: maxOpenForDebtor }

  it.each([
    ['is accepted as the last one that may be open', {}, undefined],
    ['is refused from somebody who is blocked, whatever else is wrong', { isBlocked: true, openOfPair: 99 }, blocked],
    [
      'is refused as one too many of one person, before one too many of all',
      { openOfPair: maxOpenOfPair, openForDebtor: maxOpenForDebtor },
      ofPair,
    ],
    ['is refused as one too many of all', { openForDebtor: maxOpenForDebtor }, ofDebtor],
  ])('%s', (_, change, refusal) => {
    expect(refusalOfArrival({ ...most, ...change }, defaultRequestLimits)).toStrictEqual(refusal)
  })
})

describe('the time of an open request', () => {
  const limits = { ...defaultRequestLimits, openMs: 60 }

  it('is up as long after its beginning as the limits say, and it is expired since then', () => {
    expect(expiresAt(open, limits)).toBe(createdAt + 60)
    expect(requestAt(open, createdAt + 59, limits)).toBe(open)
    const expired = { ...open, status: 'expired', closedAt: createdAt + 60 }
    expect(requestAt(open, createdAt + 60, limits)).toStrictEqual(expired)
    expect(requestAt(open, createdAt + 5000, limits)).toStrictEqual(expired)
  })

  it('does not matter once it is closed', () => {
    const paid: PaymentRequest = { ...open, status: 'paid', closedAt: createdAt + 1 }
    expect(requestAt(paid, createdAt + 5000, limits)).toBe(paid)
  })
})
