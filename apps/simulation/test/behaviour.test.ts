import { isVirtual, type PaymentRequest, treasuryId, userFault } from '@streampay/domain'
import { expect, test } from 'vitest'
import { type Intent, observeAnswer, observeBalance, observeRequest, observeUser, openCrowd } from '../src/crowd.ts'
import { CrowdClock } from '../src/crowd-clock.ts'
import { decide } from '../src/decide.ts'
import { virtualUser } from '../src/people.ts'
import { openRandom } from '../src/random.ts'
import { openLedger } from './support/ledger.ts'

const minutes = 60_000

function crowdOf(options: { seed?: string; firstUsers?: number; maxUsers?: number; speed?: number } = {}) {
  const { seed = 'test', firstUsers = 20, maxUsers = 100, speed = 1 } = options
  const clock = new CrowdClock(speed)
  return openCrowd({ random: openRandom(seed), firstUsers, maxUsers, userEveryMs: 8000, clock })
}

function request(fields: Partial<PaymentRequest>): PaymentRequest {
  return { id: 'r1', requester: 'ada', debtor: 'virtual-0001', amount: 100, status: 'open', createdAt: 0, ...fields }
}

/** A crowd of one person, with money, and a request to them. */
function crowdWithRequest({ balance, ...fields }: Partial<PaymentRequest> & { balance: number }) {
  const crowd = crowdOf({ firstUsers: 0, maxUsers: 0 })
  observeUser(crowd, 'virtual-0001', 1_000_000)
  observeBalance(crowd, 'virtual-0001', balance, 0)
  observeRequest(crowd, 'r1', request(fields), 0)
  return crowd
}

function firstIntent(crowd: ReturnType<typeof crowdOf>, until: number): { intent: Intent; at: number } | undefined {
  for (let now = 0; now <= until; now += 100) {
    const [intent] = decide(crowd, now, 1)
    if (intent !== undefined) return { intent, at: now }
  }
  return undefined
}

test('twenty people register at once, then one every eight seconds, up to the limit', () => {
  const crowd = crowdOf({ maxUsers: 23 })
  const register = (now: number) => {
    const intents = decide(crowd, now, 1000).filter((intent) => intent.type === 'register')
    for (const { user } of intents) observeUser(crowd, user.id, now)
    return intents.length
  }
  expect(register(0)).toBe(20)
  expect(register(7_999)).toBe(0)
  expect(register(8_000)).toBe(1)
  expect(register(15_999)).toBe(0)
  expect(register(16_000)).toBe(1)
  expect(register(60_000)).toBe(1)
  expect(register(600_000)).toBe(0)
})

test('people found in the directory count, so a restart registers no person twice', () => {
  const crowd = crowdOf()
  for (let number = 1; number <= 20; number += 1) observeUser(crowd, virtualUser(number).id, 0)
  const [intent] = decide(crowd, 0, 1)
  expect(intent).toMatchObject({ type: 'register', user: { id: 'virtual-0021' } })
})

test('a registration that never reached the log is tried again', () => {
  const crowd = crowdOf({ firstUsers: 1, maxUsers: 1 })
  const [intent] = decide(crowd, 0, 10)
  expect(decide(crowd, 1, 10)).toEqual([])
  if (intent === undefined) throw new Error('nobody registered')
  observeAnswer(crowd, intent, 'none', 2)
  expect(decide(crowd, 3, 10)).toEqual([intent])
})

test('no one spends before the balance is known; after a while the treasury is asked, whose money makes it known', () => {
  const crowd = crowdOf({ firstUsers: 2, maxUsers: 2 })
  for (const number of [1, 2]) observeUser(crowd, virtualUser(number).id, 0)
  const intents: { intent: Intent; at: number }[] = []
  for (let at = 0; at <= 5 * minutes; at += 100)
    intents.push(...decide(crowd, at, 10).map((intent) => ({ intent, at })))
  expect(new Set(intents.map(({ intent }) => intent.type))).toEqual(new Set(['topUp']))
  expect(intents[0]?.at).toBeGreaterThanOrEqual(30_000)
  // Each person at most once a minute.
  expect(intents.length).toBeLessThanOrEqual(10)
})

test('a person with a balance is known; the treasury is not one', () => {
  const crowd = crowdOf({ firstUsers: 1, maxUsers: 1 })
  observeBalance(crowd, 'virtual-0001', 500, 0)
  observeBalance(crowd, 'ada', 500, 0)
  observeBalance(crowd, treasuryId, -1_000, 0)
  expect(crowd.virtual.get('virtual-0001')).toMatchObject({ balance: 500 })
  expect([...crowd.real]).toMatchObject([['ada', { balance: 500 }]])
  expect(decide(crowd, 0, 10)).toEqual([])
})

test('a real person’s request is paid within seconds when the funds are there', () => {
  const found = firstIntent(crowdWithRequest({ balance: 100 }), minutes)
  expect(found?.intent).toEqual({ type: 'settle', from: 'virtual-0001', to: 'ada', amount: 100, requestId: 'r1' })
  expect(found?.at).toBeLessThanOrEqual(4_000)
})

test('a request that can’t be paid is answered by a top-up or a refusal, and in the end declined', () => {
  const crowd = crowdWithRequest({ balance: 99 })
  const types: string[] = []
  for (let now = 0; now < 3 * minutes; now += 100) types.push(...decide(crowd, now, 10).map(({ type }) => type))
  expect(types).toContain('decline')
  expect(types).not.toContain('settle')
})

test('a debtor who lacks the money decides again later', () => {
  const crowd = crowdWithRequest({ balance: 100 })
  const found = firstIntent(crowd, minutes)
  if (found === undefined) throw new Error('nothing was decided')
  observeAnswer(crowd, found.intent, { status: 409, body: { available: 20 } }, found.at)
  observeBalance(crowd, 'virtual-0001', 500, 0)
  const types: string[] = []
  for (let now = found.at; now < found.at + 20_000; now += 100)
    types.push(...decide(crowd, now, 10).map(({ type }) => type))
  expect(types).toContain('settle')
})

test.each(['paid', 'declined', 'cancelled'] as const)('a request that was %s meanwhile is left alone', (status) => {
  const crowd = crowdWithRequest({ balance: 100 })
  observeRequest(crowd, 'r1', request({ status }), 1)
  expect(firstIntent(crowd, minutes)).toBeUndefined()
  expect(crowd.requests.size).toBe(0)
})

test('requests between real people are ignored', () => {
  const crowd = crowdOf({ firstUsers: 0, maxUsers: 0 })
  observeRequest(crowd, 'r1', request({ debtor: 'grace' }), 0)
  expect(crowd.requests.size).toBe(0)
})

test('never has more than three open requests to one real person', () => {
  const crowd = crowdOf()
  observeUser(crowd, 'ada', 0)
  const ledger = openLedger(crowd)
  ledger.run({ from: 0, to: 60 * minutes, stepMs: 500 })
  const toAda = [...ledger.requests.values()].filter(({ debtor }) => debtor === 'ada')
  expect(toAda.length).toBeGreaterThan(2)
  expect(toAda.filter(({ status }) => status === 'open').length).toBeLessThanOrEqual(3)
  expect(ledger.balances.get('ada')).toBeGreaterThan(0)
})

test('a minute at fifty times the speed has events of every kind', () => {
  const crowd = crowdOf()
  const ledger = openLedger(crowd)
  ledger.run({ from: 0, to: 50 * minutes, stepMs: 1250 })
  expect(ledger.done.registered).toBe(100)
  const payments = (ledger.done['pay 200'] ?? 0) + (ledger.done['settle 200'] ?? 0)
  expect(payments).toBeGreaterThan(4_000)
  const closed = (status: string) => [...ledger.requests.values()].filter((one) => one.status === status).length
  for (const status of ['paid', 'declined', 'cancelled']) expect(closed(status), status).toBeGreaterThan(200)
  expect(ledger.done['topUp 200']).toBeGreaterThan(10)
  expect(Math.min(...ledger.balances.values())).toBeGreaterThanOrEqual(0)
})

test('the same seed makes the same choices, another seed different ones', () => {
  const choices = (seed: string) => {
    const ledger = openLedger(crowdOf({ seed }))
    ledger.run({ from: 0, to: 5 * minutes, stepMs: 100 })
    return JSON.stringify([...ledger.balances])
  }
  expect(choices('a')).toBe(choices('a'))
  expect(choices('a')).not.toBe(choices('b'))
})

test('no more commands are decided than may be sent, and the others stay due', () => {
  const crowd = crowdOf()
  expect(decide(crowd, 0, 0)).toEqual([])
  expect(decide(crowd, 0, 7)).toHaveLength(7)
  expect(decide(crowd, 0, 100)).toHaveLength(13)
})

test('the first ten thousand people have different names', () => {
  const people = Array.from({ length: 10_000 }, (_, index) => virtualUser(index + 1))
  expect(new Set(people.map(({ name }) => name)).size).toBe(10_000)
  expect(people.every(({ id }) => isVirtual(id))).toBe(true)
  expect(people.filter((user) => userFault({ key: user.id, identity: user.id, value: user }) !== undefined)).toEqual([])
  expect(people[0]).toEqual({ id: 'virtual-0001', name: 'Bjorn Lopez', username: 'bjorn.lopez' })
  expect(isVirtual('ada')).toBe(false)
})
