/** The bounds of answers to clients, on invented calls with violations, which correct code never gives in a history. */
import type { ReceivedRecord } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import { checkClients } from './client-bounds.ts'
import type { Call } from './clients.ts'

const record: ReceivedRecord = {
  topic: 'replies',
  partition: 0,
  offset: 0,
  timestamp: 0,
  key: null,
  value: null,
  headers: [],
}

type Payment = {
  readonly number: number
  readonly key: string
  readonly amount: number
  readonly balance: number
  readonly transferId: string
  readonly replayed?: boolean
  readonly era?: number
  readonly answeredIn?: number
}

/** A payment of ann to bob that was answered before the next one is made. */
function paid({
  number,
  key,
  amount,
  balance,
  transferId,
  replayed = false,
  era = 0,
  answeredIn = era,
}: Payment): Call {
  const body = { transferId, balance }
  return {
    item: { kind: 'command', number, by: 'ann', model: 'PayCommand', key, to: 'bob', amount, after: 'own' },
    correlationId: `c${number}`,
    requestId: undefined,
    body: { userId: 'bob', amount },
    invokedAt: number * 10,
    era,
    written: [record],
    answers: [{ status: 200, body, replayed, at: number * 10 + 5, record }],
    answeredAt: number * 10 + 5,
    answeredIn,
  }
}

const first = { number: 1, key: 'a', amount: 10_000, balance: 40_000, transferId: 't0-1' }
const second = { number: 2, key: 'b', amount: 10_000, balance: 30_000, transferId: 't0-2' }
/** Written before the clock was set forward, and answered afterwards. */
const straddling = { number: 9, key: 'z', amount: 1, balance: 29_999, transferId: 't0-9', era: 0, answeredIn: 1 }

describe('the bounds of answers to clients', () => {
  it('accept correct answers', () => {
    expect(checkClients([paid(first), paid(second), paid(straddling)])).toEqual([])
  })

  it('accept a repeated answer under a key that is kept, and another one after a day', () => {
    const again = paid({ ...first, number: 3, replayed: true })
    const aDayLater = paid({ ...first, number: 4, balance: 20_000, transferId: 't0-4', era: 1 })
    expect(checkClients([paid(first), paid(second), again, aDayLater])).toEqual([])
  })

  it('treat a payment with public visibility as a repeat of one without a visibility', () => {
    const repeated = paid({ ...first, number: 3, replayed: true })
    const isPublic = { ...repeated, body: { ...repeated.body, visibility: 'public' } }
    expect(checkClients([paid(first), isPublic])).toEqual([])
  })

  it('find a key that stands for a public payment and a private one', () => {
    const repeated = paid({ ...first, number: 3, replayed: true })
    const isPrivate = { ...repeated, body: { ...repeated.body, visibility: 'private' } }
    expect(checkClients([paid(first), isPrivate]).join('\n')).toContain('ask for different things')
  })

  it.each([
    ['a transfer id told twice', { transferId: 't0-1' }, 'were both told t0-1'],
    ['a payment that is forgotten', { balance: 40_000 }, 'there were at most 40000'],
    ['money that is gone', { balance: 20_000 }, 'there were at least 40000'],
    ['a key that stands for two payments', { key: 'a', amount: 9_999 }, 'ask for different things'],
  ])('find %s, also when another call was answered in another era', (_, change: Partial<Payment>, words) => {
    const findings = checkClients([paid(first), paid({ ...second, ...change }), paid(straddling)])
    expect(findings.join('\n')).toContain(words)
  })

  it('accept either answer of a call during which a day has passed: it may be repeated or new', () => {
    const late = { ...first, number: 3, era: 0, answeredIn: 1 }
    expect(checkClients([paid(first), paid(second), paid({ ...late, replayed: true })])).toEqual([])
    expect(checkClients([paid(first), paid(second), paid({ ...late, balance: 20_000, transferId: 't0-3' })])).toEqual(
      [],
    )
  })
})
