import { headerNames, problemTypePrefix, topicNames, topicsFromOutside, type User } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { paymentsTopology, statisticsTopology } from '../src/index.ts'
import { type CommandOptions, PaymentsWorld } from './support/payments-world.ts'

const body = { userId: 'bea', amount: 1 }
const long = 'x'.repeat(256)

type Case = {
  name: string
  model?: string
  identity?: string
  value?: unknown
  options?: CommandOptions
  reason: string
  /** undefined: no client waits for an answer. */
  status: number | undefined
}

const cases: Case[] = [
  {
    name: 'no JSON (it stopped the original service)',
    value: 'not json',
    reason: 'the value is not valid JSON',
    status: 400,
  },
  {
    name: 'NaN, which JSON does not have',
    value: '{"userId":"bea","amount":NaN}',
    reason: 'the value is not valid JSON',
    status: 400,
  },
  {
    name: 'bytes that are not UTF-8',
    value: Buffer.from([0x22, 0xff, 0x22]),
    reason: 'the value is not UTF-8',
    status: 400,
  },
  {
    name: 'a member that repeats',
    value: '{"userId":"bea","amount":1,"amount":2}',
    reason: "the value's amount appears more than once",
    status: 400,
  },
  {
    name: 'a member that repeats, written in another way',
    value: '{"userId":"bea","amount":1,"amoun\\u0074":1}',
    reason: "the value's amount appears more than once",
    status: 400,
  },
  {
    name: 'a number that would be taken for a whole one',
    value: '{"userId":"bea","amount":1.0000000000000000000001}',
    reason: "the value's amount is not a whole number, but would be rounded to one",
    status: 400,
  },
  {
    name: 'a number of which digits would be lost',
    value: '{"userId":"bea","amount":9007199254740993}',
    reason: "the value's amount has more digits than can be kept exactly",
    status: 400,
  },
  {
    name: 'minus zero',
    value: '{"userId":"bea","amount":-0}',
    reason: "the value's amount must be 0, not -0",
    status: 400,
  },
  {
    name: 'a prototype',
    value: '{"userId":"bea","amount":1,"__proto__":{"notes":"x"}}',
    reason: "the value's __proto__ is not a name that is accepted",
    status: 400,
  },
  {
    name: 'a byte order mark',
    value: '\ufeff{"userId":"bea","amount":1}',
    reason: 'the value is not valid JSON',
    status: 400,
  },
  {
    name: 'a member that repeats where the path says everything',
    model: 'DeclineCommand',
    value: '{"a":1,"a":1}',
    options: { headers: { [headerNames.requestId]: 'r0-0' } },
    reason: "the value's a appears more than once",
    status: 400,
  },
  { name: 'no value', value: null, reason: 'there is no value', status: 400 },
  { name: 'no key', options: { recordKey: null }, reason: 'there is no key', status: 400 },
  { name: 'an empty key', identity: '', reason: 'the key is not 1 to 255 characters', status: 400 },
  { name: 'a key that is too long', identity: long, reason: 'the key is not 1 to 255 characters', status: 400 },
  {
    name: 'a key that is not UTF-8',
    options: { recordKey: Buffer.from([0xff]) },
    reason: 'the key is not UTF-8',
    status: 400,
  },
  {
    name: 'a key that is not the identity',
    options: { recordKey: 'bea' },
    reason: 'the key is not the zilla:identity',
    status: 400,
  },
  {
    name: 'no identity',
    options: { headers: { [headerNames.identity]: undefined } },
    reason: 'the key is not the zilla:identity',
    status: 400,
  },
  {
    name: 'a reserved identity',
    identity: 'streampay:other',
    reason: 'the identity "streampay:other" is reserved',
    status: 403,
  },
  {
    name: 'an identity that looks reserved',
    identity: 'ѕtreampay:other',
    reason: 'the identity "ѕtreampay:other" is reserved',
    status: 403,
  },
  {
    name: 'no idempotency key',
    options: { headers: { [headerNames.idempotencyKey]: undefined } },
    reason: 'there is no idempotency-key',
    status: 400,
  },
  {
    name: 'an empty idempotency key',
    options: { key: '' },
    reason: 'idempotency-key is not 1 to 255 characters',
    status: 400,
  },
  {
    name: 'an idempotency key that is too long',
    options: { key: long },
    reason: 'idempotency-key is not 1 to 255 characters',
    status: 400,
  },
  {
    name: 'no correlation id',
    options: { headers: { [headerNames.correlationId]: undefined } },
    reason: 'there is no zilla:correlation-id',
    status: undefined,
  },
  {
    name: 'a correlation id that is too long',
    options: { headers: { [headerNames.correlationId]: long } },
    reason: 'zilla:correlation-id is not 1 to 255 characters',
    status: undefined,
  },
  {
    name: 'no reply-to',
    options: { headers: { [headerNames.replyTo]: undefined } },
    reason: 'zilla:reply-to is not a known reply topic',
    status: undefined,
  },
  {
    name: 'the ledger as reply-to',
    options: { headers: { [headerNames.replyTo]: 'transactions' } },
    reason: 'zilla:reply-to is not a known reply topic',
    status: undefined,
  },
  {
    name: 'an unknown domain model',
    model: 'MintCommand',
    reason: 'zilla:domain-model is not a known command',
    status: 400,
  },
  {
    name: 'a domain model that objects inherit',
    model: 'constructor',
    reason: 'zilla:domain-model is not a known command',
    status: 400,
  },
  {
    name: 'a decline without the id of a request',
    model: 'DeclineCommand',
    value: {},
    reason: 'there is no streampay:request-id',
    status: 400,
  },
]

describe('a record on commands that cannot be trusted', () => {
  it.each(cases)(
    'is dead-lettered, and work continues: $name',
    ({ model, identity, value, options, reason, status }) => {
      const world = new PaymentsWorld().register('ann', 'bea')
      const before = world.entries().length
      const command = world.command(
        model ?? 'PayCommand',
        identity ?? 'ann',
        value === undefined ? body : value,
        options,
      )
      const partition = command.key === null ? 0 : undefined
      const answers = world.runAll([{ ...command, ...(partition === undefined ? {} : { partition }) }])

      expect(answers.map((answer) => answer.status)).toEqual(status === undefined ? [] : [status])
      if (status === 400) expect(answers[0]?.body).toMatchObject({ type: `${problemTypePrefix}malformed-command` })
      const [letter, ...more] = world.deadLetters()
      expect(more).toEqual([])
      expect(letter?.headers).toMatchObject({ origin: expect.stringMatching(/^commands\/\d\/0$/), reason })
      expect(world.entries()).toHaveLength(before)
      expect(world.pay('ann', body).status).toBe(200)
    },
  )

  it('is dead-lettered if it is in the partition of another partitioner', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const partition = (world.driver.taskOf('ann') + 1) % 4
    const [answer] = world.runAll([world.command('PayCommand', 'ann', body, { partition })])
    expect(answer?.status).toBe(400)
    expect(world.deadLetters()[0]?.headers.reason).toBe('the partition is not that of the key by murmur2')
    expect(world.balance('ann')).toBe(50_000)
  })

  it('does not get its oversized headers repeated in the reply', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const huge = 'x'.repeat(900_000)
    const [answer] = world.runAll([
      world.command('PayCommand', 'ann', body, { headers: { [headerNames.identity]: huge } }),
    ])
    expect(answer?.headers[headerNames.replyIdentity]).toBeUndefined()
    expect(world.pay('ann', body).status).toBe(200)
  })

  it('is answered in bounded size, with any number of members in its body', () => {
    const world = new PaymentsWorld().register('ann')
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`member-${i}-${'x'.repeat(60)}`, i]))
    const { status, body: reply } = world.pay('ann', wide)
    expect(status).toBe(400)
    expect(JSON.stringify(reply).length).toBeLessThan(20_000)
  })
})

describe('a record on users that cannot be trusted', () => {
  it.each([
    ['no JSON', 'eve', 'not json', 'the value is not valid JSON'],
    [
      'a member that repeats',
      'eve',
      '{"id":"eve","name":"Eve","username":"eve","name":"Ann"}',
      "the value's name appears more than once",
    ],
    ['no user', 'eve', { id: 'eve' }, 'the value is not a user'],
    [
      'an id that is not the key',
      'eve',
      { id: 'ann', name: 'Ann', username: 'ann' },
      'the id of the user is not the key',
    ],
    [
      'a reserved id',
      'streampay:x',
      { id: 'streampay:x', name: 'X', username: 'x' },
      'the identity "streampay:x" is reserved',
    ],
    ['no key', null, { id: 'eve', name: 'Eve', username: 'eve' }, 'there is no key'],
  ])('is dead-lettered and opens nothing: %s', (_, key, value, reason) => {
    const world = new PaymentsWorld()
    world.driver.pipe({ topic: topicNames.users, key, value })
    expect(world.deadLetters().map((letter) => letter.headers.reason)).toEqual([reason])
    expect(world.entries()).toEqual([])
    expect(world.register('ann').balance('ann')).toBe(50_000)
  })

  it('adds no person to the directory whose account it did not open', () => {
    const world = new PaymentsWorld().register('ann')
    const value = '{"id":"eve","name":"Eve","username":"eve","username":"eve"}'
    world.driver.pipe({ topic: topicNames.users, key: 'eve', value })
    expect(world.driver.table<User>('users').get('eve')).toBeUndefined()
    expect(world.pay('ann', { userId: 'eve', amount: 1 }).status).toBe(404)
  })

  it('is dead-lettered if it claims another identity', () => {
    const world = new PaymentsWorld()
    const value = { id: 'eve', name: 'Eve', username: 'eve' }
    world.driver.pipe({ topic: topicNames.users, key: 'eve', value, headers: { [headerNames.identity]: 'ann' } })
    expect(world.deadLetters()).toHaveLength(1)
  })

  it.each<[string, unknown, Record<string, string>]>([
    ["another's id", { id: 'ann', name: 'x', username: 'x' }, {}],
    ['no user', { id: 'bea' }, {}],
    ['no JSON', 'not json', {}],
    ['a name that repeats', '{"id":"bea","name":"Bea","username":"bea","name":"x"}', {}],
    ["another's name on it", { id: 'bea', name: 'x', username: 'x' }, { [headerNames.identity]: 'ann' }],
    ["a tombstone with another's name on it", null, { [headerNames.identity]: 'ann' }],
  ])('removes no person from the directory: %s', (_, value, headers) => {
    const world = new PaymentsWorld().register('ann', 'bea')
    world.driver.pipe({ topic: topicNames.users, key: 'bea', value, headers })
    expect(world.deadLetters()).toHaveLength(1)
    expect(world.pay('ann', { userId: 'bea', amount: 1 }).status).toBe(200)
    expect(world.driver.table<User>('users').get('bea')?.name).not.toBe('x')
  })
})

describe('a record that this application alone writes', () => {
  it('is never skipped: failures are dead-lettered in the topics that any client can write, and in no other', () => {
    const sources = [...paymentsTopology().sources, ...statisticsTopology().sources]
    const skipping = sources.filter(({ onError }) => onError === 'dead-letter').map(({ topic }) => topic)
    expect(skipping.sort()).toEqual([...topicsFromOutside].sort())
    expect(skipping).toEqual([topicNames.commands, topicNames.users])
  })

  it.each([
    [topicNames.transactions, 'ann', 'not json'],
    [topicNames.transactions, 'ann', null],
    [topicNames.transactions, 'ann', { account: 'ann' }],
    [topicNames.requestsRepartition, 'ann', { type: 'unknown' }],
    [topicNames.requestsRepartition, 'ann', null],
  ])('stops the task if it cannot be processed: %s', (topic, key, value) => {
    const world = new PaymentsWorld()
    expect(() => world.driver.pipe({ topic, key, value })).toThrow(new RegExp(`${topic}/\\d/0`))
  })

  it('stops the task if it would take an account below zero (INV-2)', () => {
    const world = new PaymentsWorld()
    const value = {
      transferId: 't0-0',
      account: 'ann',
      counterparty: 'bea',
      amount: -1,
      kind: 'payment',
      commandPartition: 0,
      commandOffset: 0,
      applied: 'reader',
      at: 1,
    }
    expect(() => world.driver.pipe({ topic: topicNames.transactions, key: 'ann', value })).toThrow('to -1 cents')
  })
})
