import { isVirtual, type PaymentRequest } from '@streampay/domain'
import { expect, test } from 'vitest'
import { observeAnswer, observeUser, openCrowd } from '../src/crowd.ts'
import { CrowdClock } from '../src/crowd-clock.ts'
import { decide } from '../src/decide.ts'
import { openRandom } from '../src/random.ts'
import { openLedger } from './support/ledger.ts'

const hour = 3_600_000
const grant = 50_000
const ways = ['pays', 'declines', 'ignores'] as const

function openTown(speed: number, seed = 'town') {
  const clock = new CrowdClock(speed)
  const crowd = openCrowd({ random: openRandom(seed), firstUsers: 100, maxUsers: 100, userEveryMs: 8000, clock })
  const ledger = openLedger(crowd)
  observeUser(crowd, 'ada', 0)
  ledger.setBalance('ada', grant, 0)
  return { crowd, ledger, clock }
}

/** An hour of the world's time, in which Ada does one thing with every request to her; reports her balance after each step. */
function liveAnHour({ speed, way }: { speed: number; way: (typeof ways)[number] }) {
  const town = openTown(speed)
  const stepMs = 250 * Math.min(speed, 20)
  const balances: number[] = []
  const answer = (request: PaymentRequest, now: number) => {
    if (way === 'pays') town.ledger.settle(request, now)
    else town.ledger.decline(request, now)
  }
  const seen = new Set<string>()
  for (let now = 0; now < hour * speed; now += stepMs) {
    town.ledger.run({ from: now, to: now + stepMs, stepMs })
    for (const { intent } of town.ledger.events.splice(0)) {
      if (visits(intent, town.ledger.requests)) times.push({ way, speed, at: town.clock.worldTime(now) })
    }
    if (way !== 'ignores') {
      for (const [id, request] of town.ledger.requests) {
        if (request.debtor !== 'ada' || request.status !== 'open' || seen.has(id)) continue
        seen.add(id)
        answer(request, now)
      }
    }
    // Closed requests have no further effect here, and would be visited at each step.
    for (const [id, request] of town.ledger.requests) if (request.status !== 'open') town.ledger.requests.delete(id)
    balances.push(town.ledger.balances.get('ada') ?? 0)
  }
  return balances
}

const times: { way: string; speed: number; at: number }[] = []

function visits(intent: { type: string; to?: string; requestId?: string }, requests: Map<string, PaymentRequest>) {
  if (intent.type === 'pay' || intent.type === 'request') return intent.to === 'ada'
  if (intent.type !== 'cancel') return false
  return requests.get(intent.requestId ?? '')?.debtor === 'ada'
}

test.each([0.1, 1, 10].flatMap((speed) => ways.map((way) => ({ speed, way }))))(
  'an hour at speed $speed leaves a person who $way about as rich as before, and in peace',
  ({ speed, way }) => {
    times.length = 0
    const balances = liveAnHour({ speed, way })
    expect(Math.max(...balances)).toBeLessThanOrEqual(grant + 6_000)
    expect(Math.min(...balances)).toBeGreaterThanOrEqual(grant - 6_000)
    const gaps = times.slice(1).map(({ at }, index) => at - (times[index]?.at ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15_000)
    // It is a demonstration, so something has to happen. A person who ignores three requests gets no more visits once all is given.
    if (way === 'pays') expect(times.length).toBeGreaterThan(speed < 1 ? 5 : 50)
  },
)

test('money that a person asked for and got is asked back in time', () => {
  const { crowd, ledger } = openTown(1)
  ledger.run({ from: 0, to: 20_000, stepMs: 250 })
  const id = 'of-ada'
  ledger.put(
    { id, requester: 'ada', debtor: 'virtual-0002', amount: 20_000, status: 'open', createdAt: 20_000 },
    20_000,
  )
  let peak = 0
  for (let now = 20_000; now < hour; now += 250) {
    ledger.run({ from: now, to: now + 250, stepMs: 250 })
    peak = Math.max(peak, ledger.balances.get('ada') ?? 0)
    for (const request of ledger.requests.values())
      if (request.debtor === 'ada' && request.status === 'open') ledger.settle(request, now)
  }
  expect(peak).toBeGreaterThanOrEqual(grant + 14_000)
  expect(Math.abs((ledger.balances.get('ada') ?? 0) - grant)).toBeLessThanOrEqual(6_000)
  expect(crowd.real.get('ada')?.received).toBe((ledger.balances.get('ada') ?? 0) - grant)
})

test.each([
  ['public', {}],
  ['private', { visibility: 'private' } as const],
])('the payer of a %s request asks for as much in return, a quarter of a minute later', (_, visibility) => {
  const { ledger } = openTown(1)
  ledger.run({ from: 0, to: 20_000, stepMs: 250 })
  ledger.events.length = 0
  const asked = { requester: 'ada', debtor: 'virtual-0002', amount: 1_250, status: 'open', createdAt: 20_000 } as const
  ledger.put({ id: 'of-ada', ...asked, ...visibility }, 20_000)
  ledger.run({ from: 20_000, to: 60_000, stepMs: 250 })
  const events = ledger.events.filter(({ intent }) => 'to' in intent && intent.to === 'ada')
  expect(events.slice(0, 2).map(({ intent }) => intent)).toMatchObject([
    { type: 'settle', from: 'virtual-0002', amount: 1_250 },
    { type: 'request', from: 'virtual-0002', amount: 1_250, ...visibility },
  ])
  // A public one has no visibility.
  expect(events.slice(0, 2).map(({ intent }) => 'visibility' in intent)).toEqual([false, 'visibility' in visibility])
  const [paid, inReturn] = events
  expect((inReturn?.at ?? 0) - (paid?.at ?? 0)).toBeGreaterThanOrEqual(15_000)
  expect((inReturn?.at ?? 0) - (paid?.at ?? 0)).toBeLessThan(16_000)
})

test('a request that could not be paid after all is no favour', () => {
  const { crowd, ledger } = openTown(1)
  ledger.run({ from: 0, to: 20_000, stepMs: 250 })
  const asked = { requester: 'ada', debtor: 'virtual-0002', amount: 1_250, status: 'open', createdAt: 20_000 } as const
  ledger.put({ id: 'of-ada', ...asked }, 20_000)
  const person = crowd.real.get('ada')
  for (let now = 20_000; now < 30_000; now += 250) {
    const intent = decide(crowd, now, 1_000).find(({ type }) => type === 'settle')
    if (intent === undefined) continue
    expect(person?.favour).toEqual({ from: 'virtual-0002', amount: 1_250 })
    observeAnswer(crowd, intent, { status: 409, body: { available: 0 } }, now)
    expect(person?.favour).toBeUndefined()
    return
  }
  throw new Error('nobody paid the request')
})

test('a person is asked for no more than their balance on the log', () => {
  const { ledger } = openTown(1)
  ledger.setBalance('ada', 120, 0)
  for (let now = 0; now < hour; now += 250) {
    ledger.run({ from: now, to: now + 250, stepMs: 250 })
    for (const { intent } of ledger.events.splice(0)) {
      if (intent.type === 'request' && intent.to === 'ada')
        expect(intent.amount).toBeLessThanOrEqual(ledger.balances.get('ada') ?? 0)
    }
  }
})

test('a refused payment does not count as given', () => {
  const { crowd, ledger } = openTown(1)
  ledger.run({ from: 0, to: 1, stepMs: 1 })
  const person = crowd.real.get('ada')
  for (let now = 1; now < hour; now += 250) {
    for (const intent of decide(crowd, now, 100)) {
      if (intent.type !== 'pay' || intent.to !== 'ada') continue
      expect(person?.received).toBeGreaterThan(0)
      observeAnswer(crowd, intent, { status: 409, body: { available: 0 } }, now)
      expect(person?.received).toBe(0)
      return
    }
  }
  throw new Error('nobody paid')
})

test('the crowd’s clock does not jump when its speed changes', () => {
  const clock = new CrowdClock(2, 1_000)
  expect(clock.crowdTime(2_000)).toBe(2_000)
  clock.setSpeed(0.5, 2_000)
  expect(clock.crowdTime(2_000)).toBe(2_000)
  expect(clock.crowdTime(4_000)).toBe(3_000)
  expect(clock.worldTime(3_000)).toBe(4_000)
})

test('virtual people are recognized by their id', () => {
  expect(isVirtual('virtual-0001')).toBe(true)
  expect(isVirtual('virtual-1')).toBe(false)
})
