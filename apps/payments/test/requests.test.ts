import { closedRequestsKeptMs, headerNames, idempotencyKeptMs, problemTypePrefix, topicNames } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { PaymentsWorld } from './support/payments-world.ts'

const type = (slug: string) => `${problemTypePrefix}${slug}`

/** bea asks ann for 300; the two are in different partitions, and so is cleo. */
function asked() {
  const world = new PaymentsWorld().register('ann', 'bea', 'cleo')
  const id = world.requested('bea', { userId: 'ann', amount: 300, notes: 'rent' })
  return { world, id }
}

describe('asking for money', () => {
  it('answers with the id of the request, which the debtor then has', () => {
    const { world, id } = asked()
    expect(new Set(['ann', 'bea'].map((person) => world.driver.taskOf(person))).size).toBe(2)
    expect(id).toBe(`r${world.driver.taskOf('bea')}-0`)
    expect(world.requestVersions(id)).toEqual([
      { id, requester: 'bea', debtor: 'ann', amount: 300, notes: 'rent', status: 'open', createdAt: world.driver.now },
    ])
    const [record] = world.driver.records(topicNames.paymentRequests)
    expect(record?.headers).toEqual({
      'content-type': 'application/json',
      [headerNames.identity]: 'ann',
      [headerNames.requester]: 'bea',
      [headerNames.requestStatus]: 'open',
    })
  })

  it.each([
    ['oneself', 'ann', 422, 'own-account'],
    ['the treasury', 'streampay:treasury', 422, 'reserved-recipient'],
    ['somebody unknown', 'nobody', 404, 'unknown-recipient'],
  ])('refuses asking %s', (_, userId, status, slug) => {
    const { world } = asked()
    expect(world.request('ann', { userId, amount: 1 })).toMatchObject({ status, body: { type: type(slug) } })
    expect(world.request('ann', { userId, amount: 0 })).toMatchObject({ status: 400 })
  })

  it('makes one request for one intent', () => {
    const { world } = asked()
    const first = world.request('bea', { userId: 'ann', amount: 1 }, { key: 'k' })
    const again = world.request('bea', { userId: 'ann', amount: 1 }, { key: 'k' })
    expect(again).toMatchObject({
      status: 201,
      body: first.body as object,
      headers: { [headerNames.replayed]: 'true' },
    })
    expect(world.driver.records(topicNames.paymentRequests)).toHaveLength(2)
  })
})

describe('paying a request', () => {
  it('settles it with the transfer that pays it', () => {
    const { world, id } = asked()
    const { body } = world.pay('ann', { userId: 'bea', amount: 300, requestId: id })
    const { transferId } = body as { transferId: string }
    expect(world.requestVersions(id).at(-1)).toMatchObject({ status: 'paid', transferId, closedAt: world.driver.now })
    expect(
      world
        .entries()
        .filter((entry) => entry.requestId === id)
        .map((entry) => entry.amount),
    ).toEqual([-300, 300])
    expect([world.balance('ann'), world.balance('bea')]).toEqual([49_700, 50_300])
  })

  it.each([
    ['twice', 'ann', {}, 409, 'request-closed', true],
    ['by somebody else', 'cleo', {}, 404, 'unknown-request', false],
    ['by who made it', 'bea', { userId: 'ann' }, 404, 'unknown-request', false],
    ['with a cent less', 'ann', { amount: 299 }, 422, 'amount-differs', false],
    ['with a cent more', 'ann', { amount: 301 }, 422, 'amount-differs', false],
    ['to somebody else', 'ann', { userId: 'cleo' }, 422, 'recipient-differs', false],
    ['that is unknown', 'ann', { requestId: 'r3-99' }, 404, 'unknown-request', false],
  ])('is refused %s', (_, payer, change, status, slug, isPaid) => {
    const { world, id } = asked()
    const settlement = { userId: 'bea', amount: 300, requestId: id }
    if (isPaid) expect(world.pay('ann', settlement).status).toBe(200)
    const before = world.entries().length
    expect(world.pay(payer, { ...settlement, ...change })).toMatchObject({ status, body: { type: type(slug) } })
    expect(world.entries()).toHaveLength(before)
  })

  it('is refused without the money, and the request stays open', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const id = world.requested('bea', { userId: 'ann', amount: 50_001 })
    expect(world.pay('ann', { userId: 'bea', amount: 50_001, requestId: id }).status).toBe(409)
    expect(world.requestVersions(id)).toHaveLength(1)
  })

  it('happens once when two payments of it come in one batch', () => {
    const { world, id } = asked()
    const pay = () => world.command('PayCommand', 'ann', { userId: 'bea', amount: 300, requestId: id })
    expect(world.runAll([pay(), pay()]).map((answer) => answer.status)).toEqual([200, 409])
    expect(world.balance('ann')).toBe(49_700)
  })

  it('works for a requester who is not in the directory', () => {
    const world = new PaymentsWorld().register('ann')
    const id = world.requested('dan', { userId: 'ann', amount: 5 })
    expect(world.pay('ann', { userId: 'dan', amount: 5, requestId: id }).status).toBe(200)
    expect(world.balance('dan')).toBe(50_005)
  })
})

describe('declining', () => {
  it('closes the request', () => {
    const { world, id } = asked()
    expect(world.decline('ann', id)).toMatchObject({ status: 200, body: { id, status: 'declined' } })
    expect(world.requestVersions(id).at(-1)).toMatchObject({ status: 'declined', closedAt: world.driver.now })
    expect(world.pay('ann', { userId: 'bea', amount: 300, requestId: id })).toMatchObject({
      status: 409,
      body: { requestStatus: 'declined' },
    })
  })

  it.each([
    ['by who made it', 'bea', 404],
    ['by somebody else', 'cleo', 404],
  ])('is refused %s', (_, identity, status) => {
    const { world, id } = asked()
    expect(world.decline(identity, id).status).toBe(status)
    expect(world.requestVersions(id)).toHaveLength(1)
  })

  it('is refused for an unknown request, twice, and repeated for one intent', () => {
    const { world, id } = asked()
    expect(world.decline('ann', 'r9-9').status).toBe(404)
    expect(world.decline('ann', id, { key: 'k' }).status).toBe(200)
    expect(world.decline('ann', id).status).toBe(409)
    expect(world.decline('ann', id, { key: 'k' })).toMatchObject({
      status: 200,
      headers: { [headerNames.replayed]: 'true' },
    })
  })

  it('needs no body', () => {
    const { world, id } = asked()
    expect(world.run(world.command('DeclineCommand', 'ann', null, { requestId: id })).status).toBe(200)
  })

  it('refuses a body with members', () => {
    const { world, id } = asked()
    expect(world.run(world.command('DeclineCommand', 'ann', { reason: 'no' }, { requestId: id })).status).toBe(400)
  })
})

describe('cancelling', () => {
  it('is decided by the debtor task and answered to the requester', () => {
    const { world, id } = asked()
    const answer = world.cancel('bea', id, { key: 'k' })
    expect(answer).toMatchObject({ status: 200, body: { id, status: 'cancelled' } })
    expect(answer.headers).toMatchObject({ [headerNames.replyIdentity]: 'bea', [headerNames.idempotencyKey]: 'k' })
    expect(world.requestVersions(id).at(-1)).toMatchObject({ status: 'cancelled' })
  })

  it('is repeated by the task that decided it', () => {
    const { world, id } = asked()
    const commands = [1, 2].map(() => world.command('CancelCommand', 'bea', {}, { key: 'k', requestId: id }))
    const answers = [...world.runAll(commands), world.cancel('bea', id, { key: 'k' })]
    expect(answers.map((answer) => [answer.status, answer.headers[headerNames.replayed]])).toEqual([
      [200, undefined],
      [200, 'true'],
      [200, 'true'],
    ])
    expect(world.requestVersions(id)).toHaveLength(2)
  })

  it('is refused alike to all copies that waited for it, and to none as something that was there before', () => {
    const { world, id } = asked()
    world.decline('ann', id)
    const commands = [1, 2].map(() => world.command('CancelCommand', 'bea', {}, { key: 'k', requestId: id }))
    const answers = [...world.runAll(commands), world.cancel('bea', id, { key: 'k' })]
    expect(answers.map(({ status, headers }) => [status, headers[headerNames.replayed]])).toEqual(
      Array(3).fill([409, undefined]),
    )
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  })

  it('is refused for a key that was used for something else', () => {
    const { world, id } = asked()
    world.pay('bea', { userId: 'ann', amount: 1 }, { key: 'k' })
    expect(world.cancel('bea', id, { key: 'k' }).status).toBe(422)
    expect(world.requestVersions(id)).toHaveLength(1)
  })

  it.each([
    ['by the debtor', 'ann', 404],
    ['by somebody else', 'cleo', 404],
  ])('is refused %s', (_, identity, status) => {
    const { world, id } = asked()
    expect(world.cancel(identity, id).status).toBe(status)
    expect(world.requestVersions(id)).toHaveLength(1)
  })

  it('is refused for an unknown or a closed request', () => {
    const { world, id } = asked()
    expect(world.cancel('bea', 'r9-9').status).toBe(404)
    world.decline('ann', id)
    expect(world.cancel('bea', id)).toMatchObject({ status: 409, body: { requestStatus: 'declined' } })
  })

  it.each([
    ['cancel first', 0],
    ['pay first', 1],
  ])('races with paying, and exactly one wins: %s', (_, order) => {
    const { world, id } = asked()
    const race = [
      world.command('CancelCommand', 'bea', {}, { requestId: id }),
      world.command('PayCommand', 'ann', { userId: 'bea', amount: 300, requestId: id }),
    ]
    const answers = world.runAll(order === 0 ? race : race.reverse())
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409])
    expect(world.requestVersions(id)).toHaveLength(2)
  })
})

describe('reminding', () => {
  const day = 24 * 3_600_000

  it('shows in the request, for both, and is answered to the requester', () => {
    const { world, id } = asked()
    world.driver.now += 5_000
    const answer = world.remind('bea', id, { key: 'k' })
    expect(answer).toMatchObject({ status: 200, body: { id, remindedAt: world.driver.now } })
    expect(answer.headers).toMatchObject({ [headerNames.replyIdentity]: 'bea', [headerNames.idempotencyKey]: 'k' })
    const [first, second] = world.requestVersions(id)
    expect(second).toEqual({ ...first, remindedAt: world.driver.now, reminders: 1 })
    const record = world.driver.records(topicNames.paymentRequests).at(-1)
    expect(record?.headers).toMatchObject({ [headerNames.identity]: 'ann', [headerNames.requestStatus]: 'open' })
  })

  it('is possible again after 24 hours, and not a millisecond before', () => {
    const { world, id } = asked()
    world.remind('bea', id)
    const possibleAt = world.driver.now + day
    world.driver.now = possibleAt - 1
    expect(world.remind('bea', id)).toMatchObject({
      status: 429,
      body: { type: type('reminded-recently'), possibleAt },
      headers: { [headerNames.retryAfter]: '1' },
    })
    expect(world.requestVersions(id)).toHaveLength(2)
    world.driver.now = possibleAt
    expect(world.remind('bea', id).status).toBe(200)
    expect(world.requestVersions(id).at(-1)).toMatchObject({ remindedAt: possibleAt, reminders: 2 })
    world.pay('ann', { userId: 'bea', amount: 300, requestId: id })
    expect(world.requestVersions(id).at(-1)).toMatchObject({ status: 'paid', remindedAt: possibleAt, reminders: 2 })
  })

  it('happens once for one intent, and once for two that come together, also after an abort and a restart', () => {
    const { world, id } = asked()
    const remind = (key: string) => world.command('RemindCommand', 'bea', {}, { key, requestId: id })
    const first = world.runAll([remind('a'), remind('b')], { abort: true })
    world.driver.restart()
    const answers = [...first, ...world.runAll([remind('a'), remind('a')]), world.remind('bea', id, { key: 'a' })]
    const told = answers.map(({ status, headers }) => `${status} ${headers[headerNames.replayed] ?? ''}`.trim())
    expect(told.sort()).toEqual(['200', '200 true', '200 true', '200 true', '429'])
    expect(world.requestVersions(id)).toHaveLength(2)
  })

  it('neither moves the time at which the request expires, nor counts as another open one', () => {
    const { world, id } = asked()
    world.pass(29 * day, 'ann', 'bea')
    expect(world.remind('bea', id).status).toBe(200)
    world.pass(day, 'ann', 'bea')
    expect(world.remind('bea', id)).toMatchObject({ status: 409, body: { requestStatus: 'expired' } })
  })

  it.each<[string, (world: PaymentsWorld, id: string) => { status: number; body: unknown }, number, string]>([
    ['by the debtor', (world, id) => world.remind('ann', id), 404, 'unknown-request'],
    ['by somebody else', (world, id) => world.remind('cleo', id), 404, 'unknown-request'],
    ['of an unknown request', (world) => world.remind('bea', 'r9-9'), 404, 'unknown-request'],
    [
      'once it is closed',
      (world, id) => {
        world.decline('ann', id)
        return world.remind('bea', id)
      },
      409,
      'request-closed',
    ],
    [
      'by whom the debtor has blocked since',
      (world, id) => {
        world.block('ann', 'bea')
        return world.remind('bea', id)
      },
      403,
      'requests-not-accepted',
    ],
  ])('is refused %s', (_, act, status, slug) => {
    const { world, id } = asked()
    expect(act(world, id)).toMatchObject({ status, body: { type: type(slug) } })
    expect(world.requestVersions(id).some(({ remindedAt }) => remindedAt !== undefined)).toBe(false)
  })
})

// The answer revealed whether others had asked each other for money: 404 for an unknown request, 403 for one of other people.
describe('a request between others', () => {
  it.each<[string, (world: PaymentsWorld, id: string) => { status: number; body: unknown }]>([
    ['paid', (world, id) => world.pay('cleo', { userId: 'bea', amount: 300, requestId: id })],
    ['declined', (world, id) => world.decline('cleo', id)],
    ['cancelled', (world, id) => world.cancel('cleo', id)],
    ['reminded of', (world, id) => world.remind('cleo', id)],
  ])('is told as an unknown one when it is to be %s, also by the task that has it', (_, act) => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea', 'cleo')
    const id = world.requested('bea', { userId: 'ann', amount: 300 })
    const [own, unknown] = [id, 'r0-999'].map((asked) => {
      const { status, body } = act(world, asked)
      return { status, body: JSON.stringify(body).replaceAll(asked, '<id>') }
    })
    expect(own).toEqual(unknown)
    expect(own?.status).toBe(404)
    expect(world.requestVersions(id)).toHaveLength(1)
  })
})

describe('a closed request', () => {
  it('counts as unknown after 90 days, for both sides', () => {
    const { world, id } = asked()
    world.decline('ann', id)
    world.driver.now += closedRequestsKeptMs
    world.register('ann', 'bea')
    expect(world.decline('ann', id).status).toBe(404)
    expect(world.cancel('bea', id).status).toBe(404)
    expect(world.pay('ann', { userId: 'bea', amount: 300, requestId: id }).status).toBe(404)
    expect(world.requestVersions(id)).toHaveLength(2)
  })

  it('is removed after 91 days, by a tombstone that still has its two people, and deleted for the requester too', () => {
    const { world, id } = asked()
    world.decline('ann', id)
    const pass = (ms: number) => {
      world.driver.now += ms
      // One record brings the time, the next the punctuators.
      world.register('ann', 'bea').register('ann', 'bea')
    }
    pass(closedRequestsKeptMs + idempotencyKeptMs - 1)
    expect(world.requestVersions(id)).toHaveLength(2)
    pass(20 * 60 * 1000)
    const last = world.driver.records(topicNames.paymentRequests).at(-1)
    expect(last).toMatchObject({
      key: id,
      value: null,
      headers: {
        [headerNames.identity]: 'ann',
        [headerNames.requester]: 'bea',
        [headerNames.requestStatus]: 'declined',
      },
    })
    expect(world.driver.store('sent-requests', world.driver.taskOf('bea')).size).toBe(0)
    expect(world.cancel('bea', id).status).toBe(404)
  })
})
