import { headerNames, idempotencyKeptMs, problemTypePrefix } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { canonicalJson, fingerprintOf } from '../src/fingerprint.ts'
import { clientKey } from '../src/idempotency.ts'
import { PaymentsWorld } from './support/payments-world.ts'

const pay10 = { userId: 'bea', amount: 10 }

describe('an idempotency key', () => {
  it('executes once in one batch and across batches, and repeats the first reply (the original executed twice)', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const command = () => world.command('PayCommand', 'ann', pay10, { key: 'k' })
    const answers = [...world.runAll([command(), command()]), ...world.runAll([command()])]
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1)
    expect(answers.map((answer) => answer.headers[headerNames.replayed])).toEqual([undefined, 'true', 'true'])
    expect(answers.map((answer) => answer.headers[headerNames.idempotencyKey])).toEqual(['k', 'k', 'k'])
    expect(new Set(answers.map((answer) => answer.headers[headerNames.correlationId])).size).toBe(3)
    expect(world.balance('ann')).toBe(49_990)
  })

  it('repeats the first balance even if the account has moved on', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    world.pay('ann', pay10, { key: 'k' })
    world.pay('ann', pay10)
    expect(world.pay('ann', pay10, { key: 'k' }).body).toMatchObject({ balance: 49_990 })
  })

  it('means the same intent however the body is written down', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    world.pay('ann', Buffer.from('{"userId":"bea","amount":10}'), { key: 'k' })
    const again = world.pay('ann', Buffer.from('{ "amount": 1e1, "userId": "b\\u0065a" }'), { key: 'k' })
    expect(again).toMatchObject({ status: 200, headers: { [headerNames.replayed]: 'true' } })
  })

  it.each([
    ['another amount', 'PayCommand', { userId: 'bea', amount: 11 }],
    ['another recipient', 'PayCommand', { userId: 'cleo', amount: 10 }],
    ['a note', 'PayCommand', { ...pay10, notes: '' }],
    ['another command', 'RequestCommand', pay10],
  ])('is refused with 422 for %s', (_, model, body) => {
    const world = new PaymentsWorld().register('ann', 'bea', 'cleo')
    world.pay('ann', pay10, { key: 'k' })
    const answer = world.run(world.command(model, 'ann', body, { key: 'k' }))
    expect(answer).toMatchObject({ status: 422, body: { type: `${problemTypePrefix}idempotency-key-reused` } })
    expect(world.balance('ann')).toBe(49_990)
  })

  it('belongs to one identity', () => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea')
    world.pay('ann', { userId: 'bea', amount: 10 }, { key: 'k' })
    expect(world.pay('bea', { userId: 'ann', amount: 10 }, { key: 'k' }).headers[headerNames.replayed]).toBeUndefined()
    expect(clientKey('a', 'bc')).not.toBe(clientKey('ab', 'c'))
  })

  it('repeats a refusal too, with the figures of the first', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const body = { userId: 'bea', amount: 50_001 }
    const first = world.pay('ann', body, { key: 'k' })
    world.pay('bea', { userId: 'ann', amount: 5_000 })
    const second = world.pay('ann', body, { key: 'k' })
    expect(second.body).toEqual(first.body)
    expect(second.headers[headerNames.replayed]).toBe('true')
  })

  it('is not used up by a malformed body, as at the edge', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    expect(world.pay('ann', { userId: 'bea', amount: -10 }, { key: 'k' }).status).toBe(400)
    expect(world.pay('ann', pay10, { key: 'k' }).status).toBe(200)
  })

  it('is remembered for 24 hours of log time and forgotten after, in store and changelog', () => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea')
    world.pay('ann', pay10, { key: 'k' })
    world.driver.now += idempotencyKeptMs - 1
    expect(world.pay('ann', pay10, { key: 'k' }).headers[headerNames.replayed]).toBe('true')
    world.driver.now += 1
    expect(world.pay('ann', pay10, { key: 'k' }).headers[headerNames.replayed]).toBeUndefined()
    world.driver.now += idempotencyKeptMs + 60 * 60_000
    world.pay('ann', pay10, { key: 'newer' })
    world.driver.now += 5 * 60_000
    world.register('dan')
    expect(world.driver.store('idempotency', 0).size).toBe(1)
    expect(world.driver.records('streampay-payments-idempotency-changelog').at(-1)?.value).toBeNull()
  })

  it('is not forgotten while a repeat of its time still waits to be read', () => {
    // The service was away. It reads `users` first, so that stream time was past the key's end when it came to a repeat that
    // had been written before that: the payment was executed again, once for want of judging by the repeat's own time, once
    // because stream time was more than an hour ahead and the key purged.
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea')
    world.pay('ann', pay10, { key: 'k' })
    const repeat = { ...world.command('PayCommand', 'ann', pay10, { key: 'k' }), timestamp: world.driver.now }
    repeat.timestamp += idempotencyKeptMs - 60_000
    world.driver.now += 3 * idempotencyKeptMs
    world.register('cleo')
    world.register('dan')
    expect(world.runAll([repeat])[0]?.headers[headerNames.replayed]).toBe('true')
    expect(world.balance('ann')).toBe(49_990)
  })

  it('gets 503 when the partition is full, and nothing is forgotten early', () => {
    const world = new PaymentsWorld({ partitionCount: 1, limits: { maxIdempotencyKeys: 2 } }).register('ann', 'bea')
    world.pay('ann', pay10, { key: 'k1' })
    world.pay('ann', pay10, { key: 'k2' })
    expect(world.pay('ann', pay10, { key: 'k3' })).toMatchObject({
      status: 503,
      body: { type: `${problemTypePrefix}try-again` },
    })
    expect(world.pay('ann', pay10, { key: 'k1' })).toMatchObject({
      status: 200,
      headers: { [headerNames.replayed]: 'true' },
    })
    expect(world.balance('ann')).toBe(49_980)
    world.driver.now += idempotencyKeptMs + 60 * 60_000
    expect(world.pay('ann', pay10, { key: 'k3' }).status).toBe(503)
    expect(world.pay('ann', pay10, { key: 'k3' }).status).toBe(200)
  })

  it('keeps its outcome in at most 150 bytes', () => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea')
    world.pay('ann', pay10)
    world.pay('ann', { userId: 'bea', amount: 1_000_000_000 })
    world.cancel('ann', world.requested('ann', pay10))
    for (const record of world.driver.records('streampay-payments-idempotency-changelog')) {
      const [, , outcome] = record.json as [number, string, string]
      expect(Buffer.byteLength(outcome)).toBeLessThanOrEqual(150)
    }
  })
})

describe('a fingerprint', () => {
  it('takes members in any order, and tells domain models and path ids apart', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: '\ud800' })).toBe(
      '{"a":"\\ud800","b":[1,{"c":"x","d":null}]}',
    )
    const decline = fingerprintOf({ model: 'DeclineCommand', requestId: 'r0-1', body: {} })
    expect(decline).toHaveLength(43)
    expect(fingerprintOf({ model: 'CancelCommand', requestId: 'r0-1', body: {} })).not.toBe(decline)
    expect(fingerprintOf({ model: 'DeclineCommand', requestId: 'r0-2', body: {} })).not.toBe(decline)
  })
})
