/** Requests that are not answered, in log time; and stores that were written without counts and times. */
import {
  closedRequestsKeptMs,
  defaultRequestLimits,
  idempotencyKeptMs,
  problemTypePrefix,
  topicNames,
} from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { PaymentsWorld } from './support/payments-world.ts'

const { openMs } = defaultRequestLimits
const soonMs = 20 * 60 * 1000

function asked() {
  const world = new PaymentsWorld().register('ann', 'bea')
  const id = world.requested('bea', { userId: 'ann', amount: 300, notes: 'rent' })
  return { world, id, createdAt: world.driver.now }
}

describe('an open request', () => {
  it('expires 30 days after it was made, told to both, and keeps its note', () => {
    const { world, id, createdAt } = asked()
    world.pass(openMs - 1, 'ann', 'bea')
    expect(world.requestVersions(id)).toHaveLength(1)
    world.pass(soonMs, 'ann', 'bea')
    expect(world.requestVersions(id).at(-1)).toEqual({
      id,
      requester: 'bea',
      debtor: 'ann',
      amount: 300,
      notes: 'rent',
      status: 'expired',
      createdAt,
      closedAt: createdAt + openMs,
    })
    const last = world.driver.records(topicNames.paymentRequests).at(-1)
    expect(last?.headers).toMatchObject({
      'zilla:identity': 'ann',
      'streampay:requester': 'bea',
      'streampay:status': 'expired',
    })
    expect([0, 1, 2, 3].map((task) => world.driver.store('counts', task).get('sent:bea'))).toEqual(
      Array(4).fill(undefined),
    )
  })

  it.each([
    ['paid', (world: PaymentsWorld, id: string) => world.pay('ann', { userId: 'bea', amount: 300, requestId: id })],
    ['declined', (world: PaymentsWorld, id: string) => world.decline('ann', id)],
    ['cancelled', (world: PaymentsWorld, id: string) => world.cancel('bea', id)],
  ])('can be %s until then, and not a millisecond later, though it was not written down as expired yet', (_, close) => {
    const before = asked()
    before.world.driver.now += openMs - 1
    expect(close(before.world, before.id).status).toBe(200)
    const after = asked()
    after.world.driver.now += openMs
    expect(close(after.world, after.id)).toMatchObject({
      status: 409,
      body: { type: `${problemTypePrefix}request-closed`, requestStatus: 'expired' },
    })
    after.world.pass(soonMs, 'ann', 'bea')
    expect(after.world.requestVersions(after.id).map(({ status }) => status)).toEqual(['open', 'expired'])
    expect(close(after.world, after.id).status).toBe(409)
    expect(after.world.balance('ann')).toBe(50_000)
  })

  // A cancel was answered with `expired` because a command of three months later waited for the directory at the same task.
  it('can be cancelled while a later command of its debtor, past its time, waits for the directory', () => {
    const { world, id, createdAt } = asked()
    world.driver.holdTable('users')
    world.register('eve')
    world.driver.now = createdAt + openMs
    expect(world.runAll([world.command('PayCommand', 'ann', { userId: 'eve', amount: 1 })])).toEqual([])
    world.driver.now = createdAt + 1
    expect(world.cancel('bea', id).status).toBe(200)
    expect(world.requestVersions(id).map(({ status }) => status)).toEqual(['open', 'cancelled'])
  })

  it('that was closed in time does not expire, and is removed 91 days after it was closed', () => {
    const { world, id } = asked()
    world.decline('ann', id)
    world.pass(openMs + soonMs, 'ann', 'bea')
    expect(world.requestVersions(id).at(-1)?.status).toBe('declined')
    world.pass(closedRequestsKeptMs + idempotencyKeptMs - openMs, 'ann', 'bea')
    expect(world.driver.records(topicNames.paymentRequests).at(-1)).toMatchObject({ key: id, value: null })
    for (const task of [0, 1, 2, 3]) {
      expect([...world.driver.store('request-times', task).entries()].filter(([name]) => name !== 'next')).toEqual([])
    }
  })

  it('expires among many, all of them, over a restart and after any time without records', () => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea', 'cleo')
    for (let i = 0; i < 30; i++) {
      world.requested(i % 2 === 0 ? 'bea' : 'cleo', { userId: 'ann', amount: 1 + i })
      world.driver.now += 7 * 60 * 1000
    }
    world.driver.restart()
    world.pass(openMs, 'ann')
    expect(world.requests().filter(({ status }) => status === 'open')).toEqual([])
    expect(world.request('bea', { userId: 'ann', amount: 1 }).status).toBe(201)
  })

  it('has another time by another setting, also one that was made before', () => {
    const world = new PaymentsWorld({ limits: { requests: { ...defaultRequestLimits, openMs: 60_000 } } })
    const id = world.register('ann', 'bea').requested('bea', { userId: 'ann', amount: 1 })
    world.driver.now += 60_000
    expect(world.decline('ann', id)).toMatchObject({ status: 409, body: { requestStatus: 'expired' } })
  })
})

describe('the note of a request', () => {
  // It was lost once the request was paid: neither the entries nor a closed request on the page had it.
  it('goes onto both entries when it is paid, unless the payer writes another', () => {
    const { world, id } = asked()
    const second = world.requested('bea', { userId: 'ann', amount: 5, notes: 'tea' })
    world.pay('ann', { userId: 'bea', amount: 300, requestId: id })
    world.pay('ann', { userId: 'bea', amount: 5, requestId: second, notes: 'with cake' })
    const notes = world.entries().filter(({ requestId }) => requestId !== undefined)
    expect(notes.map(({ account, notes: text }) => [account, text])).toEqual([
      ['ann', 'rent'],
      ['bea', 'rent'],
      ['ann', 'with cake'],
      ['bea', 'with cake'],
    ])
    expect(world.requestVersions(id).at(-1)).toMatchObject({ status: 'paid', notes: 'rent' })
    expect(world.requestVersions(second).at(-1)).toMatchObject({ status: 'paid', notes: 'tea' })
  })
})

describe('stores that were written before requests were counted', () => {
  const world = () => new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea', 'cleo')
  const changelog = (store: string) => `streampay-payments-${store}-changelog`
  const old = { id: 'r0-77', requester: 'bea', debtor: 'ann', amount: 5, status: 'open' }

  function upgraded() {
    const before = world()
    const at = before.driver.now
    before.driver.pipe([
      { topic: changelog('request-times'), key: 'next', value: null, partition: 0 },
      { topic: changelog('requests'), key: old.id, value: { ...old, createdAt: at }, partition: 0 },
      { topic: changelog('sent-requests'), key: old.id, value: JSON.stringify('ann'), partition: 0 },
    ])
    before.driver.restart()
    before.register('ann')
    return before
  }

  it('are counted once at the start, and the old requests expire', () => {
    const after = upgraded()
    const counts = () => Object.fromEntries(after.driver.store<number>('counts', 0).entries())
    expect(counts()).toEqual({ 'owed:ann': 1, 'pair:3:annbea': 1 })
    after.driver.restart()
    after.register('ann')
    expect(counts()).toEqual({ 'owed:ann': 1, 'pair:3:annbea': 1 })
    after.pass(openMs + soonMs, 'ann')
    expect(after.requestVersions(old.id).at(-1)?.status).toBe('expired')
    after.pay('ann', { userId: 'bea', amount: 1 })
    after.pass(soonMs, 'ann')
    expect(counts()).toEqual({})
  })

  it('have requests that can still be cancelled by their requester, and by no one else', () => {
    const after = upgraded()
    expect(after.cancel('cleo', old.id).status).toBe(404)
    expect(after.cancel('bea', old.id)).toMatchObject({ status: 200, body: { status: 'cancelled' } })
    expect(after.driver.store('sent-requests', 0).get(old.id)).toEqual({ debtor: 'ann', open: false })
  })

  it('may have sent requests that were not read yet: they are accepted as promised', () => {
    const after = upgraded()
    const at = after.driver.now
    const request = { ...old, id: 'r0-78', createdAt: at }
    const reply = { replyTo: 'replies', correlationId: 'c', identity: 'bea', idempotencyKey: 'k' }
    const topic = topicNames.requestsRepartition
    after.block('ann', 'bea')
    after.driver.pipe([
      { topic, key: 'ann', value: { type: 'request', request } },
      {
        topic,
        key: 'ann',
        value: { type: 'cancel', id: old.id, debtor: 'ann', requester: 'bea', intent: '0-9', at, reply },
      },
    ])
    expect(after.requests().map(({ id, status }) => [id, status])).toEqual([
      ['r0-78', 'open'],
      [old.id, 'cancelled'],
    ])
    expect(after.driver.records(topicNames.replies).at(-1)).toMatchObject({ json: { id: old.id, status: 'cancelled' } })
  })
})
