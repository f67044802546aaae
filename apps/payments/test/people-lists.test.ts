/** The people whom a person has blocked, and their favourites: two lists of one kind. */
import { defaultRequestLimits, headerNames, problemTypePrefix, topicNames } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { PaymentsWorld } from './support/payments-world.ts'

const type = (slug: string) => `${problemTypePrefix}${slug}`

const lists = [
  {
    name: 'blocked people',
    topic: topicNames.blockedPeople,
    limits: { requests: { ...defaultRequestLimits, maxBlocked: 2 } },
    full: 'too-many-people-blocked',
    value: { blocker: 'ann', blocked: 'bea' },
    put: (world: PaymentsWorld, owner: string, person: string) => world.block(owner, person),
    take: (world: PaymentsWorld, owner: string, person: string) => world.unblock(owner, person),
  },
  {
    name: 'favourites',
    topic: topicNames.favouritePeople,
    limits: { maxFavourites: 2 },
    full: 'too-many-favourites',
    value: { owner: 'ann', favourite: 'bea' },
    put: (world: PaymentsWorld, owner: string, person: string) => world.favour(owner, person),
    take: (world: PaymentsWorld, owner: string, person: string) => world.unfavour(owner, person),
  },
] as const

describe.each(lists)('the list of $name', ({ topic, limits, full, value, put, take }) => {
  it('has each change once on its topic, with its owner on the tombstone, too', () => {
    const world = new PaymentsWorld().register('ann')
    const answers = [put, put, take, take].map((change) => change(world, 'ann', 'bea'))
    expect(answers.map(({ status, body }) => [status, body])).toEqual(Array(4).fill([200, { userId: 'bea' }]))
    const told = world.driver.records(topic)
    expect(told.map(({ key, json }) => [key, json])).toEqual([
      ['3:annbea', { id: '3:annbea', ...value, at: world.driver.now }],
      ['3:annbea', null],
    ])
    expect(told.map(({ headers }) => headers[headerNames.identity])).toEqual(['ann', 'ann'])
  })

  it('is bounded for each person, and who is on it already counts once, also after a restart', () => {
    const world = new PaymentsWorld({ limits }).register('ann', 'bea')
    expect(['x', 'x', 'y'].map((id) => put(world, 'ann', id).status)).toEqual([200, 200, 200])
    expect(put(world, 'ann', 'z')).toMatchObject({
      status: 429,
      body: { type: type(full), detail: expect.stringMatching(/ 2 (people|favourites), which is the limit/) },
    })
    expect(put(world, 'ann', 'y').status).toBe(200)
    expect(put(world, 'bea', 'z').status).toBe(200)
    take(world, 'ann', 'x')
    world.driver.restart()
    expect(put(world, 'ann', 'z').status).toBe(200)
  })

  it.each([
    ['oneself', 'ann', 422, 'own-account'],
    ['the system', 'streampay:treasury', 422, 'reserved-recipient'],
    ['what looks like the system', 'ＳtreamPay:x', 422, 'reserved-recipient'],
    ['an id that no key of a record can be', 'a\ud800', 400, 'malformed-body'],
  ])('refuses %s', (_, person, status, slug) => {
    const world = new PaymentsWorld().register('ann')
    expect(put(world, 'ann', person)).toMatchObject({ status, body: { type: type(slug) } })
  })
})

it('a favourite may be blocked, and a favourite who is blocked may still not ask', () => {
  const world = new PaymentsWorld().register('ann', 'bea')
  world.favour('ann', 'bea')
  world.block('ann', 'bea')
  expect(world.request('bea', { userId: 'ann', amount: 1 }).status).toBe(403)
  world.unblock('ann', 'bea')
  expect(world.driver.records(topicNames.favouritePeople)).toHaveLength(1)
})
