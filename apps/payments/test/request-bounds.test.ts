/** How many requests may be open, and the effect of a block on them: at each bound, just past it, and for others meanwhile. */
import { defaultRequestLimits, headerNames, problemTypePrefix, type RequestLimits, topicNames } from '@streampay/domain'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../src/limits.ts'
import { paymentsTopology } from '../src/payments-topology.ts'
import { PaymentsWorld } from './support/payments-world.ts'

const type = (slug: string) => `${problemTypePrefix}${slug}`

function worldOf(requests: Partial<RequestLimits>, ...people: string[]): PaymentsWorld {
  return new PaymentsWorld({ limits: { requests: { ...defaultRequestLimits, ...requests } } }).register(...people)
}

/** The content of the stores of counts, over all tasks. */
function countsOf(world: PaymentsWorld): Record<string, number> {
  const entries = [0, 1, 2, 3].flatMap((task) => [...world.driver.store<number>('counts', task).entries()])
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('keys:')).sort())
}

describe('open requests', () => {
  // 20,000 requests to one person froze that person's page, and there was no way to stop their sender.
  it('of one person to another are bounded; others may still ask, and be asked', () => {
    const world = worldOf({ maxOpenOfPair: 3, maxOpenForDebtor: 5 }, 'ann', 'bea', 'cleo')
    const ids = [1, 2, 3].map((amount) => world.requested('bea', { userId: 'ann', amount }))
    const refused = world.request('bea', { userId: 'ann', amount: 4 }, { key: 'k' })
    expect(refused).toMatchObject({
      status: 429,
      body: {
        type: type('too-many-requests-open'),
        detail: expect.stringContaining('3 open payment requests to "ann"'),
      },
      headers: { [headerNames.retryAfter]: '3600', [headerNames.replyIdentity]: 'bea' },
    })
    expect(world.request('bea', { userId: 'cleo', amount: 4 }).status).toBe(201)
    expect(world.request('cleo', { userId: 'ann', amount: 4 }).status).toBe(201)
    world.decline('ann', ids[1] ?? '')
    expect(world.request('bea', { userId: 'ann', amount: 4 }, { key: 'k' }).status).toBe(201)
  })

  it('for one person are bounded, and no single person can fill that bound', () => {
    const world = worldOf({ maxOpenOfPair: 2, maxOpenForDebtor: 3 }, 'ann', 'bea', 'cleo', 'dan')
    const ask = (by: string) => world.request(by, { userId: 'ann', amount: 1 }).status
    expect([ask('bea'), ask('bea'), ask('bea'), ask('cleo'), ask('cleo'), ask('dan')]).toEqual([
      201, 201, 429, 201, 429, 429,
    ])
    expect(world.request('dan', { userId: 'bea', amount: 1 }).status).toBe(201)
    const requests = { ...defaultRequestLimits, maxOpenOfPair: 5, maxOpenForDebtor: 5 }
    expect(() => paymentsTopology({ ...defaultLimits, requests })).toThrow('one could fill it alone')
  })

  it('of one person are bounded, for any debtor, and counted from the moment of asking', () => {
    const world = worldOf({ maxOpenOfRequester: 2 }, 'ann', 'bea', 'cleo', 'dan')
    const ask = (by: string, userId: string) => world.command('RequestCommand', by, { userId, amount: 1 })
    const answers = world.runAll([ask('bea', 'ann'), ask('bea', 'cleo'), ask('bea', 'dan'), ask('cleo', 'ann')])
    const byIdentity = answers.map(({ status, headers }) => [headers[headerNames.replyIdentity], status])
    expect(byIdentity.sort()).toEqual([
      ['bea', 201],
      ['bea', 201],
      ['bea', 429],
      ['cleo', 201],
    ])
  })

  it('are refused in one order where several bounds are reached: the requester’s, a block, the pair’s, the debtor’s', () => {
    const world = worldOf({ maxOpenOfRequester: 2, maxOpenOfPair: 1, maxOpenForDebtor: 2 }, 'ann', 'bea', 'cleo', 'dan')
    world.requested('bea', { userId: 'ann', amount: 1 })
    world.requested('cleo', { userId: 'ann', amount: 1 })
    const told = (by: string) => (world.request(by, { userId: 'ann', amount: 1 }).body as { detail: string }).detail
    expect(told('dan')).toContain('"ann" has 2 open')
    expect(told('bea')).toContain('You have 1 open payment requests to "ann"')
    world.block('ann', 'bea')
    expect(told('bea')).toContain('accepts no payment requests')
    world.requested('bea', { userId: 'dan', amount: 1 })
    expect(told('bea')).toContain('You have 2 open payment requests, which is the limit')
  })

  it.each([
    ['paid', (world: PaymentsWorld, id: string) => world.pay('ann', { userId: 'bea', amount: 7, requestId: id })],
    ['declined', (world: PaymentsWorld, id: string) => world.decline('ann', id)],
    ['cancelled', (world: PaymentsWorld, id: string) => world.cancel('bea', id)],
  ])('make room again once one is %s, also after an abort and a restart', (_, close) => {
    const world = worldOf({ maxOpenOfRequester: 1 }, 'ann', 'bea')
    const id = world.requested('bea', { userId: 'ann', amount: 7 })
    world.runAll([world.command('RequestCommand', 'bea', { userId: 'ann', amount: 1 })], { abort: true })
    world.driver.restart()
    expect(world.request('bea', { userId: 'ann', amount: 1 }).status).toBe(429)
    expect(close(world, id).status).toBe(200)
    world.driver.restart()
    expect(countsOf(world)).toEqual({})
    expect(world.request('bea', { userId: 'ann', amount: 1 }).status).toBe(201)
  })

  it('leave no trace where they were refused, of the key neither', () => {
    const world = worldOf({ maxOpenOfPair: 1 }, 'ann', 'bea')
    world.requested('bea', { userId: 'ann', amount: 1 })
    const before = countsOf(world)
    const task = world.driver.taskOf('bea')
    const keys = () => [
      world.driver.store('idempotency-keys', task).size,
      world.driver.store('counts', task).get('keys:bea'),
    ]
    const keysBefore = keys()
    const repeats = [1, 2, 3].map(() =>
      world.command('RequestCommand', 'bea', { userId: 'ann', amount: 9 }, { key: 'k' }),
    )
    expect(world.runAll(repeats).map(({ status }) => status)).toEqual([429, 429, 429])
    expect(countsOf(world)).toEqual(before)
    expect(keys()).toEqual(keysBefore)
    expect([world.driver.store('pending', task).size, world.driver.store('sent-requests', task).size]).toEqual([0, 1])
    expect(world.driver.records(topicNames.paymentRequests)).toHaveLength(1)
  })

  it('have counts that equal what is open, whatever was asked and answered', () => {
    const people = ['ann', 'bea', 'cleo']
    const person = fc.constantFrom(...people)
    const step = fc.record({ by: person, to: person, kind: fc.constantFrom('ask', 'pay', 'decline', 'cancel', 'pass') })
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const world = worldOf({ maxOpenOfRequester: 3, maxOpenOfPair: 2, maxOpenForDebtor: 3 }, ...people)
        const ids: string[] = []
        for (const [index, { by, to, kind }] of steps.entries()) {
          const id = ids[index % Math.max(1, ids.length)] ?? 'r0-0'
          if (kind === 'ask') {
            const { status, body } = world.request(by, { userId: to, amount: 1 })
            if (status === 201) ids.push((body as { id: string }).id)
          } else if (kind === 'pay') world.pay(by, { userId: to, amount: 1, requestId: id })
          else if (kind === 'decline') world.decline(by, id)
          else if (kind === 'cancel') world.cancel(by, id)
          else world.pass(20 * 24 * 60 * 60 * 1000, ...people)
        }
        expect(countsOf(world)).toEqual(countedFrom(world))
      }),
      { numRuns: 60 },
    )
  })
})

/** The expected counts, from the requests alone. */
function countedFrom(world: PaymentsWorld): Record<string, number> {
  const counts: Record<string, number> = {}
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  for (const { requester, debtor, status } of world.requests()) {
    if (status !== 'open') continue
    for (const name of [`sent:${requester}`, `owed:${debtor}`, `pair:${debtor.length}:${debtor}${requester}`])
      count(name)
  }
  return Object.fromEntries(Object.entries(counts).sort())
}

describe('blocking', () => {
  it('refuses requests of the blocked person with words, and of no other person', () => {
    const world = new PaymentsWorld().register('ann', 'bea', 'cleo')
    expect(world.block('ann', 'bea')).toMatchObject({ status: 200, body: { userId: 'bea' } })
    expect(world.request('bea', { userId: 'ann', amount: 1 })).toMatchObject({
      status: 403,
      body: { type: type('requests-not-accepted'), detail: '"ann" accepts no payment requests from you.' },
    })
    expect(world.request('cleo', { userId: 'ann', amount: 1 }).status).toBe(201)
    expect(world.request('ann', { userId: 'bea', amount: 1 }).status).toBe(201)
    expect(world.pay('bea', { userId: 'ann', amount: 1 }).status).toBe(200)
    expect(world.unblock('ann', 'bea')).toMatchObject({ status: 200, body: { userId: 'bea' } })
    expect(world.request('bea', { userId: 'ann', amount: 1 }).status).toBe(201)
  })
})
