import { headerNames, problemTypePrefix, topicNames, treasuryFloorCents, treasuryId } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { PaymentsWorld } from './support/payments-world.ts'

const type = (slug: string) => `${problemTypePrefix}${slug}`

describe('paying', () => {
  // Zilla makes response fields of a reply's headers, of all but these two. One was `zilla:identity`: no answer came over HTTP/2.
  it('is answered by a record whose headers are legal response fields (RFC 9110, section 5.6.2)', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const ofZilla: string[] = [headerNames.status, headerNames.correlationId]
    for (const userId of ['bea', 'nobody']) {
      const replies = world.driver
        .pipe(world.command('PayCommand', 'ann', { userId, amount: 1 }, { key: userId }))
        .filter(({ topic }) => topic === topicNames.replies)
      const names = replies.flatMap(({ headers }) => Object.keys(headers)).filter((name) => !ofZilla.includes(name))
      expect(names).not.toEqual([])
      for (const name of names) expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+$/)
    }
  })

  it('debits at once, puts both entries on the ledger, and credits when the entry is read', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const command = world.command('PayCommand', 'ann', { userId: 'bea', amount: 1250, notes: 'lunch' }, { key: 'k' })
    world.driver.now += 5
    const [reply] = world.driver.pipe(command).filter((record) => record.topic === topicNames.replies)
    expect(reply?.headers).toEqual({
      [headerNames.status]: '200',
      [headerNames.contentType]: 'application/json',
      [headerNames.correlationId]: command.headers[headerNames.correlationId],
      [headerNames.replyIdentity]: 'ann',
      [headerNames.idempotencyKey]: 'k',
    })
    const transferId = `t${world.driver.taskOf('ann')}-0`
    expect(reply?.json).toEqual({ transferId, balance: 48_750 })
    expect(reply?.key).toBe(command.headers[headerNames.correlationId])
    expect([world.balance('ann'), world.balance('bea')]).toEqual([48_750, 50_000])

    world.driver.settle()
    expect([world.balance('ann'), world.balance('bea')]).toEqual([48_750, 51_250])
    const at = world.driver.now
    const common = {
      transferId,
      kind: 'payment',
      notes: 'lunch',
      commandPartition: world.driver.taskOf('ann'),
      commandOffset: 0,
      at,
    }
    expect(world.entries().filter((entry) => entry.kind === 'payment')).toEqual([
      { ...common, account: 'ann', counterparty: 'bea', amount: -1250, applied: 'writer' },
      { ...common, account: 'bea', counterparty: 'ann', amount: 1250, applied: 'reader' },
    ])
    expect(world.history('bea').at(-1)).toEqual({
      account: 'bea',
      sequence: 2,
      balance: 51_250,
      amount: 1250,
      transferId,
      counterparty: 'ann',
      kind: 'payment',
      at,
    })
  })

  it('writes every record of an account with its identity, and balances as the changelog of the store', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    world.pay('ann', { userId: 'bea', amount: 1 })
    for (const topic of [topicNames.transactions, topicNames.balances, topicNames.balanceHistories]) {
      for (const record of world.driver.records(topic)) {
        expect(record.headers).toEqual({ 'content-type': 'application/json', [headerNames.identity]: record.key })
        expect(record.partition).toBe(world.driver.taskOf(record.key ?? ''))
      }
    }
    const balances = world.driver.records(topicNames.balances).filter((record) => record.key === 'bea')
    expect(balances.map((record) => record.json)).toMatchObject([
      { account: 'bea', balance: 50_000, sequence: 1, transferId: 'opening:bea', opened: true },
      { account: 'bea', balance: 50_001, sequence: 2, opened: true },
    ])
  })

  it('credits a recipient whose task is of the same process in the transaction of the debit', () => {
    const world = new PaymentsWorld({ together: true }).register('ann', 'bea')
    expect(world.driver.taskOf('ann')).not.toBe(world.driver.taskOf('bea'))
    const written = world.driver.pipe(world.command('PayCommand', 'ann', { userId: 'bea', amount: 1250 }))
    expect([world.balance('ann'), world.balance('bea')]).toEqual([48_750, 51_250])
    const entries = written.filter(({ topic }) => topic === topicNames.transactions)
    expect(entries.map(({ json }) => json)).toMatchObject([
      { account: 'ann', amount: -1250, applied: 'writer' },
      { account: 'bea', amount: 1250, applied: 'writer' },
    ])
    const rows = written.filter(({ topic }) => topic === topicNames.balanceHistories)
    // Task by task.
    expect(rows.map(({ json }) => json)).toMatchObject([
      { account: 'bea', sequence: 2, balance: 51_250 },
      { account: 'ann', sequence: 2, balance: 48_750 },
    ])
    world.driver.settle()
    expect(world.history('bea')).toHaveLength(2)
    expect(world.balance(treasuryId)).toBe(-100_000)
  })

  it('credits no account if the payer lacks the money, or the transaction aborts', () => {
    const world = new PaymentsWorld({ together: true }).register('ann', 'bea')
    expect(world.pay('ann', { userId: 'bea', amount: 50_001 }).status).toBe(409)
    expect(world.balance('bea')).toBe(50_000)
    const command = world.command('PayCommand', 'ann', { userId: 'bea', amount: 50_000 }, { key: 'k' })
    world.driver.pipe(command, { abort: true })
    expect([world.balance('ann'), world.balance('bea')]).toEqual([50_000, 50_000])
    world.driver.settle()
    expect([world.balance('ann'), world.balance('bea')]).toEqual([0, 100_000])
    expect(world.pay('ann', { userId: 'bea', amount: 50_000 }, { key: 'k' }).status).toBe(200)
    expect([world.balance('ann'), world.balance('bea')]).toEqual([0, 100_000])
  })

  it('allows the whole balance, and refuses one cent more with the available balance', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    expect(world.pay('ann', { userId: 'bea', amount: 50_001 })).toMatchObject({
      status: 409,
      body: { type: type('insufficient-funds'), available: 50_000 },
    })
    expect(world.pay('ann', { userId: 'bea', amount: 50_000 })).toMatchObject({ status: 200, body: { balance: 0 } })
    expect(world.pay('ann', { userId: 'bea', amount: 1 })).toMatchObject({ status: 409, body: { available: 0 } })
  })

  it('executes one of ten payments of the whole balance in one batch (the original went to -900)', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const commands = Array.from({ length: 10 }, () =>
      world.command('PayCommand', 'ann', { userId: 'bea', amount: 50_000 }),
    )
    const statuses = world.runAll(commands).map((answer) => answer.status)
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: 9 }, () => 409)])
    expect([world.balance('ann'), world.balance('bea')]).toEqual([0, 100_000])
  })

  it.each([
    ['zero', '0', 'must be at least 1 cent'],
    ['negative (the original moved money backwards)', '-1', 'must not be negative'],
    ['fractional (the original minted from 0.005)', '0.005', 'must be a whole number of cents'],
    ['beyond the limit', '1000000001', 'must be at most 1000000000 cents'],
    ['text', '"12"', 'must be a number'],
    ['null', 'null', 'must be a number'],
  ])('refuses an amount that is %s, names the field, and continues', (_, amount, message) => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const body = Buffer.from(`{"userId":"bea","amount":${amount}}`)
    expect(world.pay('ann', body)).toMatchObject({
      status: 400,
      body: { type: type('malformed-body'), errors: [{ field: 'amount', message }] },
    })
    expect(world.deadLetters()).toEqual([])
    expect(world.pay('ann', { userId: 'bea', amount: 1 }).status).toBe(200)
  })

  it.each([
    ['infinite', '1e999'],
    ['minus infinite (it stopped the original service)', '-1e999'],
  ])('puts a command whose amount is %s aside, answers it, and continues', (_, amount) => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const body = Buffer.from(`{"userId":"bea","amount":${amount}}`)
    expect(world.pay('ann', body)).toMatchObject({ status: 400, body: { type: type('malformed-command') } })
    // It is not strictly JSON: no number is so large. The gateway names the field, as for all bodies.
    expect(world.deadLetters()).toHaveLength(1)
    expect(world.balance('ann')).toBe(50_000)
    expect(world.pay('ann', { userId: 'bea', amount: 1 }).status).toBe(200)
  })

  it('names every field that is wrong, unknown ones too', () => {
    const world = new PaymentsWorld().register('ann')
    const { body } = world.pay('ann', { notes: 7, tip: 1 })
    expect((body as { errors: { field: string }[] }).errors.map((error) => error.field)).toEqual([
      'userId',
      'amount',
      'notes',
      'tip',
    ])
  })

  it.each([
    ['own account, whatever else is wrong', { userId: 'ann', amount: 99_999, requestId: 'r0-0' }, 422, 'own-account'],
    ['reserved recipient', { userId: 'streampay:treasury', amount: 1 }, 422, 'reserved-recipient'],
    [
      'unknown request before unknown recipient',
      { userId: 'nobody', amount: 1, requestId: 'r0-0' },
      404,
      'unknown-request',
    ],
    ['unknown recipient before the balance', { userId: 'nobody', amount: 99_999 }, 404, 'unknown-recipient'],
    ['balance', { userId: 'bea', amount: 99_999 }, 409, 'insufficient-funds'],
  ])('refuses: %s', (_, body, status, slug) => {
    const world = new PaymentsWorld().register('ann', 'bea')
    expect(world.pay('ann', body)).toMatchObject({ status, body: { type: type(slug), status } })
    expect(world.balance('ann')).toBe(50_000)
  })

  it('asks the directory again before it says that a recipient is unknown', () => {
    const world = new PaymentsWorld().register('ann')
    world.driver.holdTable('users')
    world.register('bea')
    const command = world.command('PayCommand', 'ann', { userId: 'bea', amount: 1 })
    expect(world.runAll([command])).toEqual([])
    const replies = world.driver.releaseTable('users').filter((record) => record.topic === topicNames.replies)
    expect(replies.map((record) => record.headers[headerNames.status])).toEqual(['200'])
  })

  it('answers a retriable 503, and stores nothing, when the directory does not catch up', () => {
    const world = new PaymentsWorld().register('ann')
    world.driver.holdTable('users')
    world.register('bea')
    const command = world.command('PayCommand', 'ann', { userId: 'bea', amount: 1 })
    world.runAll([command])
    const [reply] = world.driver.timeOutWaits().filter((record) => record.topic === topicNames.replies)
    expect(reply?.json).toMatchObject({ type: type('try-again'), status: 503 })
    world.driver.releaseTable('users')
    expect(world.runAll([command])).toMatchObject([{ status: 200 }])
  })

  it('does not know a user whose record was dead-lettered', () => {
    const world = new PaymentsWorld().register('ann')
    const wrong = (world.driver.taskOf('eve') + 1) % 4
    world.driver.pipe([
      { topic: topicNames.users, key: 'eve', value: { id: 'eve', name: 'Eve', username: 'eve' }, partition: wrong },
      { topic: topicNames.users, key: 'mallory', value: { id: 'bea', name: 'Bea', username: 'bea' } },
    ])
    expect(world.pay('ann', { userId: 'eve', amount: 1 }).status).toBe(404)
    expect(world.pay('ann', { userId: 'mallory', amount: 1 }).status).toBe(404)
    expect(world.deadLetters()).toHaveLength(2)
  })
})

describe('the treasury', () => {
  it('tops up without a balance, and the recipient has the money once the entry is read', () => {
    const world = new PaymentsWorld().register('ann')
    expect(world.pay(treasuryId, { userId: 'ann', amount: 700 })).toMatchObject({
      status: 200,
      body: { balance: -50_700 },
    })
    expect(world.entries().at(-1)).toMatchObject({ kind: 'topUp', account: 'ann', amount: 700 })
    expect([world.balance(treasuryId), world.balance('ann')]).toEqual([-50_700, 50_700])
  })

  it('gets no opening grant itself, and cannot ask for money', () => {
    const world = new PaymentsWorld().register('ann')
    expect(world.request(treasuryId, { userId: 'ann', amount: 700 })).toMatchObject({
      status: 403,
      body: { type: type('reserved-identity') },
    })
    expect(world.history(treasuryId)).toMatchObject([{ sequence: 1, balance: -50_000, kind: 'opening' }])
  })

  it('has a floor that keeps every credit within safe integers', () => {
    expect(Number.isSafeInteger(treasuryFloorCents)).toBe(true)
    expect(treasuryFloorCents - 50_000 * 100_000_000).toBeGreaterThan(Number.MIN_SAFE_INTEGER)
  })
})
