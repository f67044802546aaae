import { KafkaError, type RecordToSend } from '@streampay/kafka'
import { expect, test } from 'vitest'
import type { Answer, Intent } from '../src/crowd.ts'
import { Dispatcher } from '../src/dispatcher.ts'

const pay: Intent = { type: 'pay', from: 'virtual-0001', to: 'ada', amount: 5, notes: 'Lunch' }

function setUp({ fails }: { fails?: () => Error | undefined } = {}) {
  const sent: RecordToSend[] = []
  const answers: [Intent, Answer][] = []
  let ids = 0
  const dispatcher = new Dispatcher({
    producer: {
      send: async (records) => {
        sent.push(...records)
        const error = fails?.()
        if (error !== undefined) throw error
        return []
      },
    },
    newId: () => {
      ids += 1
      return `c${ids}`
    },
    newTraceparent: (identity) => `trace of ${identity}`,
    keyPrefix: 'start',
    onAnswer: (intent, answer) => answers.push([intent, answer]),
  })
  return { dispatcher, sent, answers, keys: () => sent.map(({ headers }) => headers?.['idempotency-key']) }
}

test('a command has everything that the payments service requires', () => {
  const { dispatcher, sent } = setUp()
  dispatcher.send(pay, 0)
  expect(sent).toEqual([
    {
      topic: 'commands',
      key: 'virtual-0001',
      value: '{"userId":"ada","amount":5,"notes":"Lunch"}',
      headers: {
        'zilla:domain-model': 'PayCommand',
        'zilla:identity': 'virtual-0001',
        'zilla:correlation-id': 'c1',
        'zilla:reply-to': 'replies',
        'idempotency-key': 'start-1',
        'content-type': 'application/json',
        traceparent: 'trace of virtual-0001',
      },
    },
  ])
})

test.each<[Intent, string, string, string]>([
  [{ type: 'request', from: 'v', to: 'w', amount: 7 }, 'RequestCommand', 'v', '{"userId":"w","amount":7}'],
  [
    { type: 'settle', from: 'v', to: 'w', amount: 7, requestId: 'r' },
    'PayCommand',
    'v',
    '{"userId":"w","amount":7,"requestId":"r"}',
  ],
  [{ type: 'decline', from: 'v', requestId: 'r' }, 'DeclineCommand', 'v', '{}'],
  [{ type: 'cancel', from: 'v', requestId: 'r' }, 'CancelCommand', 'v', '{}'],
  [{ type: 'topUp', to: 'v', amount: 9 }, 'PayCommand', 'streampay:treasury', '{"userId":"v","amount":9}'],
])('%o is a %s of %s', (intent, model, identity, value) => {
  const { dispatcher, sent } = setUp()
  dispatcher.send(intent, 0)
  expect(sent[0]).toMatchObject({
    key: identity,
    value,
    headers: { 'zilla:domain-model': model, 'zilla:identity': identity },
  })
  const isOfPath = intent.type === 'decline' || intent.type === 'cancel'
  expect(sent[0]?.headers?.['streampay:request-id']).toBe(isOfPath ? 'r' : undefined)
})

test('a registration is a record on users, keyed by the id', () => {
  const { dispatcher, sent } = setUp()
  dispatcher.send({ type: 'register', user: { id: 'v', name: 'V', username: 'v' } }, 0)
  expect(sent[0]).toMatchObject({ topic: 'users', key: 'v', value: '{"id":"v","name":"V","username":"v"}' })
  expect(dispatcher.inFlight).toBe(0)
})

test('a reply ends the waiting and is passed on once', () => {
  const { dispatcher, answers } = setUp()
  dispatcher.send(pay, 0)
  const reply = { status: 200, body: { balance: 1 } }
  dispatcher.onReply('somebody else’s', reply, 1)
  expect(answers).toEqual([])
  dispatcher.onReply('c1', reply, 1)
  dispatcher.onReply('c1', reply, 2)
  expect(answers).toEqual([[pay, reply]])
})

test('a command that is not answered in time is sent again with the same idempotency key, then given up', () => {
  const { dispatcher, answers, sent, keys } = setUp()
  dispatcher.send(pay, 0)
  for (const now of [14_999, 15_000, 30_000, 45_000]) dispatcher.tick(now)
  expect(keys()).toEqual(['start-1', 'start-1', 'start-1', 'start-1'])
  expect(new Set(sent.map(({ headers }) => headers?.['zilla:correlation-id'])).size).toBe(4)
  expect(answers).toEqual([])
  dispatcher.tick(60_000)
  expect(answers).toEqual([[pay, 'none']])
  expect(sent).toHaveLength(4)
})

test('503 makes all commands wait, longer each time, and the same command is sent again', () => {
  const { dispatcher, answers, keys } = setUp()
  dispatcher.send(pay, 0)
  const away = { status: 503, body: {} }
  dispatcher.onReply('c1', away, 0)
  expect(dispatcher.capacity(499)).toBe(0)
  dispatcher.tick(499)
  expect(keys()).toHaveLength(1)
  dispatcher.tick(500)
  expect(keys()).toEqual(['start-1', 'start-1'])
  dispatcher.onReply('c2', away, 500)
  expect(dispatcher.capacity(1_499)).toBe(0)
  expect(dispatcher.capacity(1_500)).toBe(199)
  dispatcher.tick(1_500)
  dispatcher.onReply('c3', { status: 200, body: {} }, 1_600)
  expect(answers).toEqual([[pay, { status: 200, body: {} }]])
  expect(dispatcher.capacity(1_600)).toBe(200)
})

test('an error of the log makes all commands wait, and a lost registration is reported', async () => {
  const { dispatcher, answers } = setUp({ fails: () => new KafkaError('KAFKA_TIMEOUT', 'gone') })
  const registration: Intent = { type: 'register', user: { id: 'v', name: 'V', username: 'v' } }
  dispatcher.send(registration, 0)
  await Promise.resolve()
  await Promise.resolve()
  expect(dispatcher.capacity(100)).toBe(0)
  expect(answers).toEqual([[registration, 'none']])
})

test('at most two hundred commands are under way', () => {
  const { dispatcher } = setUp()
  for (let sent = 0; sent < 200; sent += 1) dispatcher.send(pay, 0)
  expect(dispatcher.capacity(0)).toBe(0)
})
