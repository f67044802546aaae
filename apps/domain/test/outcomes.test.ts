import { describe, expect, it } from 'vitest'
import {
  decodeOutcome,
  encodeOutcome,
  matches,
  type Outcome,
  problem,
  problemDetails,
  problems,
  replyTo,
  retryAfterSeconds,
  slugOf,
} from '../src/index.ts'

const largest = Number.MAX_SAFE_INTEGER
const asked = { userId: 'bea', amount: 300, requestId: 'r0-1' }

const outcomes: [Outcome, number, object][] = [
  [{ kind: 'paid', transferId: `t${largest}-${largest}`, balance: -largest }, 200, { balance: -largest }],
  [{ kind: 'requested', id: `r${largest}-${largest}` }, 201, { id: `r${largest}-${largest}` }],
  [{ kind: 'closed', status: 'cancelled' }, 200, { id: 'r0-1', status: 'cancelled' }],
  [{ kind: 'refused', refusal: { slug: 'unknown-recipient' } }, 404, { detail: 'There is no user "bea".' }],
  [{ kind: 'refused', refusal: { slug: 'unknown-request' } }, 404, {}],
  [{ kind: 'reminded', at: largest }, 200, { id: 'r0-1', remindedAt: largest }],
  [{ kind: 'blocked' }, 200, { userId: 'bea' }],
  [{ kind: 'favoured' }, 200, { userId: 'bea' }],
  [{ kind: 'refused', refusal: { slug: 'requests-not-accepted' } }, 403, {}],
  [{ kind: 'refused', refusal: { slug: 'too-many-requests-open', of: 'requester', limit: largest } }, 429, {}],
  [{ kind: 'refused', refusal: { slug: 'too-many-requests-open', of: 'pair', limit: largest } }, 429, {}],
  [{ kind: 'refused', refusal: { slug: 'too-many-requests-open', of: 'debtor', limit: largest } }, 429, {}],
  [{ kind: 'refused', refusal: { slug: 'too-many-people-blocked', limit: largest } }, 429, {}],
  [{ kind: 'refused', refusal: { slug: 'too-many-favourites', limit: largest } }, 429, {}],
  [
    { kind: 'refused', refusal: { slug: 'reminded-recently', possibleAt: largest, inSeconds: 86_400 } },
    429,
    { possibleAt: largest, detail: expect.stringContaining('possible in 86400 s') },
  ],
  [{ kind: 'refused', refusal: { slug: 'too-many-commands', limit: largest } }, 429, {}],
  [{ kind: 'refused', refusal: { slug: 'recipient-differs' } }, 422, {}],
  [
    { kind: 'refused', refusal: { slug: 'own-account' } },
    422,
    { title: 'This is your own account', detail: 'You cannot pay, ask, block or favour yourself.' },
  ],
  [{ kind: 'refused', refusal: { slug: 'reserved-recipient' } }, 422, {}],
  [{ kind: 'refused', refusal: { slug: 'reserved-identity' } }, 403, {}],
  [{ kind: 'refused', refusal: { slug: 'treasury-exhausted' } }, 409, {}],
  [{ kind: 'refused', refusal: { slug: 'insufficient-funds', available: largest } }, 409, { available: largest }],
  [{ kind: 'refused', refusal: { slug: 'amount-differs', expected: largest } }, 422, { expected: largest }],
  [
    { kind: 'refused', refusal: { slug: 'request-closed', requestStatus: 'cancelled' } },
    409,
    { requestStatus: 'cancelled' },
  ],
]

describe('an outcome', () => {
  it.each(outcomes)('takes at most 150 bytes and makes the same reply again: %j', (outcome, status, body) => {
    const encoded = encodeOutcome(outcome)
    expect(Buffer.byteLength(encoded)).toBeLessThanOrEqual(150)
    const reply = replyTo(decodeOutcome(encoded), asked)
    expect(reply).toEqual(replyTo(outcome, asked))
    expect(reply).toMatchObject({ status, body })
    const pause = encoded.includes('inSeconds') ? 86_400 : retryAfterSeconds
    expect(reply.retryAfterSeconds).toBe(status === 429 ? pause : undefined)
    if (status >= 400) expect(matches(problemDetails, reply.body)).toBe(true)
  })

  it('that was forwarded is not answered here, and a large one is a bug', () => {
    expect(() => replyTo({ kind: 'forwarded', intent: '0-1' }, asked)).toThrow('debtor')
    expect(() => encodeOutcome({ kind: 'requested', id: 'x'.repeat(150) })).toThrow('150 bytes')
  })
})

describe('a problem', () => {
  it.each(Object.keys(problems) as (keyof typeof problems)[])('of type %s is known by its type', (slug) => {
    expect(slugOf(problem(slug, 'why').type)).toBe(slug)
  })

  it.each(['urn:streampay:problem:constructor', 'about:blank', ''])('of type %j is not ours', (type) => {
    expect(slugOf(type)).toBeUndefined()
  })
})
