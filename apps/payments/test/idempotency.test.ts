import { headerNames, idempotencyKeptMs, type KeyUsage, maxOutcomeBytes, problemTypePrefix } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { canonicalJson, fingerprintOf } from '../src/fingerprint.ts'
import { bytesOfKey, clientKey, idempotencyStore } from '../src/idempotency.ts'
import { PaymentsWorld } from './support/payments-world.ts'

const pay10 = { userId: 'bea', amount: 10 }
const slotMs = 3 * 60 * 60_000
const intent = { model: 'PayCommand', requestId: undefined, body: pay10 } as const

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

  it('means the same intent for any serialization of the body', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    world.pay('ann', Buffer.from('{"userId":"bea","amount":10}'), { key: 'k' })
    const again = world.pay('ann', Buffer.from('{ "amount": 1e1, "userId": "b\\u0065a" }'), { key: 'k' })
    expect(again).toMatchObject({ status: 200, headers: { [headerNames.replayed]: 'true' } })
  })

  it.each([
    ['another amount', 'PayCommand', { userId: 'bea', amount: 11 }],
    ['another recipient', 'PayCommand', { userId: 'cleo', amount: 10 }],
    ['a note', 'PayCommand', { ...pay10, notes: '' }],
    ['another visibility', 'PayCommand', { ...pay10, visibility: 'private' }],
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

  it('is not used up by a refusal, which changed nothing: asked again, it is decided again', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const body = { userId: 'bea', amount: 50_001 }
    expect(world.pay('ann', body, { key: 'k' })).toMatchObject({ status: 409, body: { available: 50_000 } })
    expect(world.pay('ann', { userId: 'ann', amount: 1 }, { key: 'k' }).status).toBe(422)
    expect(world.decline('ann', 'r0-99', { key: 'k' }).status).toBe(404)
    expect(world.cancel('ann', 'r0-99', { key: 'k' }).status).toBe(404)
    expect(world.request('ann', { userId: 'nobody', amount: 1 }, { key: 'k' }).status).toBe(404)
    for (const task of [0, 1, 2, 3]) expect(world.driver.store('idempotency-keys', task).size).toBe(0)
    world.pay('bea', { userId: 'ann', amount: 5_000 })
    const second = world.pay('ann', body, { key: 'k' })
    expect(second).toMatchObject({ status: 200, body: { balance: 4_999 } })
    expect(second.headers[headerNames.replayed]).toBeUndefined()
    expect(world.pay('ann', body, { key: 'k' }).headers[headerNames.replayed]).toBe('true')
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
    world.driver.now += 1
    world.pay('ann', pay10, { key: 'newest' })
    expect(world.driver.store('idempotency-keys', 0).size).toBe(2)
    // Nothing is written for expired keys: the log drops them by its retention.
    const changelog = world.driver.records('streampay-payments-idempotency-keys-changelog')
    expect(changelog.filter(({ value }) => value === null)).toEqual([])
  })

  it('is not deleted while a repeat of its time still waits to be read', () => {
    // The service was away. It reads `users` first, so that stream time was past the key's end when it came to a repeat that had been
    // written before that: the payment was executed again, first because the repeat was not judged by its own time, later because stream
    // time was more than an hour ahead and the key was deleted.
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
    const limits = { maxIdempotencyBytes: 4 * bytesOfKey, maxBytesOfIdentity: 3 * bytesOfKey }
    const world = new PaymentsWorld({ partitionCount: 1, limits }).register('ann', 'bea', 'cleo')
    for (const key of ['k1', 'k2', 'k3']) world.pay('ann', pay10, { key })
    world.pay('cleo', pay10, { key: 'k1' })
    expect(world.pay('bea', { userId: 'ann', amount: 1 }, { key: 'k4' })).toMatchObject({
      status: 503,
      body: { type: `${problemTypePrefix}try-again` },
    })
    expect(world.pay('ann', pay10, { key: 'k1' })).toMatchObject({
      status: 200,
      headers: { [headerNames.replayed]: 'true' },
    })
    expect(world.balance('ann')).toBe(49_970)
    world.driver.now += idempotencyKeptMs - 1
    expect(world.pay('bea', { userId: 'ann', amount: 1 }, { key: 'k4' }).status).toBe(503)
    world.driver.now += slotMs + 1
    expect(world.pay('bea', { userId: 'ann', amount: 1 }, { key: 'k4' }).status).toBe(200)
  })

  // One user at the allowed rate filled a partition in hours, and a quarter of all users got 503 for a day.
  it('has a share of the partition for each identity: who has used it up gets 429, and everybody else is served', () => {
    const limits = { maxIdempotencyBytes: 100 * bytesOfKey, maxBytesOfIdentity: 5 * bytesOfKey }
    const world = new PaymentsWorld({ partitionCount: 1, limits }).register('ann', 'bea')
    for (let i = 1; i <= 5; i++) expect(world.pay('ann', pay10, { key: `k${i}` }).status).toBe(200)
    const refused = world.pay('ann', pay10, { key: 'k6' })
    expect(refused).toMatchObject({
      status: 429,
      body: {
        type: `${problemTypePrefix}too-many-commands`,
        detail: expect.stringContaining('5 commands in about a day'),
      },
      headers: { [headerNames.retryAfter]: '3600' },
    })
    expect(world.pay('bea', { userId: 'ann', amount: 1 }, { key: 'k6' }).status).toBe(200)
    expect(world.pay('ann', pay10, { key: 'k5' }).headers[headerNames.replayed]).toBe('true')
    expect(world.balance('ann')).toBe(49_951)
    // The count is in a store: neither an abort nor a restart changes it.
    world.runAll([world.command('PayCommand', 'ann', pay10, { key: 'k7' })], { abort: true })
    world.driver.restart()
    expect(world.pay('ann', pay10, { key: 'k8' }).status).toBe(429)
    world.driver.now += idempotencyKeptMs + slotMs
    expect(world.pay('ann', pay10, { key: 'k8' }).status).toBe(200)
    expect(world.driver.store('key-usage', 0).get('of:ann')).toEqual([[expect.any(Number), 1]])
  })

  it('is no longer counted when the command that was forwarded with it is refused', () => {
    const limits = { maxIdempotencyBytes: 3 * bytesOfKey, maxBytesOfIdentity: 2 * bytesOfKey }
    const world = new PaymentsWorld({ partitionCount: 1, limits }).register('ann', 'bea')
    world.run(world.command('BlockCommand', 'bea', { userId: 'ann' }))
    for (let n = 0; n < 4; n++) expect(world.request('ann', { userId: 'bea', amount: 1 }).status).toBe(403)
    expect(world.driver.store('key-usage', 0).get('of:ann')).toBeUndefined()
    expect(world.pay('ann', pay10).status).toBe(200)
    expect(world.driver.store('key-usage', 0).get('of:ann')).toEqual([[expect.any(Number), 1]])
  })

  it('is counted in slots of three hours, of which at most ten are kept', () => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea')
    for (let hour = 0; hour < 100; hour++) {
      expect(world.pay('ann', { userId: 'bea', amount: 1 }).status).toBe(200)
      world.driver.now += 60 * 60_000
    }
    for (const who of ['of:ann', 'all']) {
      const slots = world.driver.store<KeyUsage>('key-usage', 0).get(who) ?? []
      expect(slots.length).toBeLessThanOrEqual(10)
      const sum = slots.reduce((all, [, keys]) => all + keys, 0)
      expect(sum).toBeGreaterThanOrEqual(24)
      expect(sum).toBeLessThanOrEqual(30)
    }
  })

  it('takes a key of 16 bytes and a value of 174 at most, with any text', () => {
    const { key, value } = idempotencyStore
    const longest = {
      at: Number.MAX_SAFE_INTEGER,
      fingerprint: fingerprintOf(intent),
      outcome: 'x'.repeat(maxOutcomeBytes),
    }
    const bytes = value.encode(longest)
    expect(bytes).toHaveLength(8 + 16 + maxOutcomeBytes)
    expect(value.decode(bytes)).toEqual(longest)
    expect(key?.encode(clientKey('i'.repeat(255), 'k'.repeat(255)))).toHaveLength(16)
    expect(key?.decode(key.encode(clientKey('i', 'k')))).toBe(clientKey('i', 'k'))
    expect(() => value.decode(bytes.subarray(0, 23))).toThrow('23 bytes')
    expect(() => value.decode(Buffer.concat([bytes, Buffer.from('x')]))).toThrow('175 bytes')
    expect(() => value.encode({ ...longest, fingerprint: 'short' })).toThrow('not 16')
  })

  it('keeps its outcome in at most 150 bytes', () => {
    const world = new PaymentsWorld({ partitionCount: 1 }).register('ann', 'bea')
    world.pay('ann', pay10)
    world.pay('ann', { userId: 'bea', amount: 1_000_000_000 })
    world.cancel('ann', world.requested('ann', pay10))
    const kept = [...world.driver.store<{ readonly outcome: string }>('idempotency-keys', 0).entries()]
    expect(kept).toHaveLength(3)
    for (const [, { outcome }] of kept) expect(Buffer.byteLength(outcome)).toBeLessThanOrEqual(maxOutcomeBytes)
  })
})

describe('a fingerprint', () => {
  it('takes members in any order, and tells domain models and path ids apart', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: '\ud800' })).toBe(
      '{"a":"\\ud800","b":[1,{"c":"x","d":null}]}',
    )
    const decline = fingerprintOf({ model: 'DeclineCommand', requestId: 'r0-1', body: {} })
    expect(decline).toHaveLength(22)
    expect(fingerprintOf({ model: 'CancelCommand', requestId: 'r0-1', body: {} })).not.toBe(decline)
    expect(fingerprintOf({ model: 'DeclineCommand', requestId: 'r0-2', body: {} })).not.toBe(decline)
  })
})
