import { openTestDriver } from '@streampay/streams/test-driver'
import { describe, expect, it } from 'vitest'
import { firstDifference } from '../load/money-balances.ts'
import { settingsFrom } from '../rivals/kafka-streams/settings.ts'
import {
  type Account,
  moneyPath,
  openingBalance,
  type PayReply,
  partitionCount,
  topicsOf,
} from '../support/money-path.ts'

const name = 'bench'
const topics = topicsOf(name)

function opened() {
  const driver = openTestDriver(moneyPath(name), { partitionCount })
  return {
    driver,
    pay(command: { id: string; payer: string; payee: string; amount: number }): PayReply[] {
      const written = driver.pipe({ topic: topics.commands, key: command.payer, value: command })
      const settled = driver.settle()
      return [...written, ...settled].flatMap(({ topic, value }) =>
        topic === topics.replies ? [replyFrom(value)] : [],
      )
    },
    balanceOf(account: string): number | undefined {
      return driver.store<Account>('accounts', driver.taskOf(account)).get(account)?.balance
    },
  }
}

function replyFrom(value: unknown): PayReply {
  return JSON.parse(String(value)) as PayReply
}

describe('the money path', () => {
  it('moves money from the payer to the payee, whose task is another one, and writes both sides to the ledger', () => {
    const { driver, pay, balanceOf } = opened()
    expect(driver.taskOf('alice')).not.toBe(driver.taskOf('bob'))
    const replies = pay({ id: 'one', payer: 'alice', payee: 'bob', amount: 7 })
    expect(replies).toEqual([{ id: 'one', status: 200, balance: openingBalance - 7, replayed: false }])
    expect(balanceOf('alice')).toBe(openingBalance - 7)
    expect(balanceOf('bob')).toBe(openingBalance + 7)
    expect(driver.records(topics.transactions).map(({ key }) => String(key))).toEqual(['alice', 'bob'])
  })

  it('gives a known command the same answer, and moves nothing', () => {
    const { pay, balanceOf } = opened()
    const command = { id: 'one', payer: 'alice', payee: 'bob', amount: 7 }
    pay(command)
    pay({ ...command, id: 'two' })
    expect(pay(command)).toEqual([{ id: 'one', status: 200, balance: openingBalance - 7, replayed: true }])
    expect(balanceOf('alice')).toBe(openingBalance - 14)
    expect(balanceOf('bob')).toBe(openingBalance + 14)
  })

  it.each([
    ['all of the balance', openingBalance, 200],
    ['more than the balance', openingBalance + 1, 422],
  ])('answers a payment of %s', (_, amount, status) => {
    expect(opened().pay({ id: 'one', payer: 'alice', payee: 'bob', amount })).toMatchObject([{ status }])
  })

  it('refuses a payment to oneself, and decides it again when it is asked again', () => {
    const { pay } = opened()
    const command = { id: 'one', payer: 'alice', payee: 'alice', amount: 1 }
    for (let time = 0; time < 2; time++) expect(pay(command)).toMatchObject([{ status: 422, replayed: false }])
  })
})

describe('the check of balances', () => {
  const expected = new Map([
    ['alice', 90],
    ['bob', 110],
  ])

  it('finds nothing if all balances are correct', () => {
    expect(firstDifference(expected, new Map(expected))).toBeUndefined()
  })

  it.each([
    ['that is not what it should be', new Map([...expected, ['bob', 100]]), 'bob has 100 where 110'],
    ['that is missing', new Map([['alice', 90]]), 'bob has no balance where 110'],
    ['without a payment', new Map([...expected, ['carol', 1]]), 'carol has 1 where none'],
  ])('names an account with a balance %s', (_, found, sentence) => {
    expect(firstDifference(expected, found as Map<string, number>)).toContain(sentence)
  })
})

describe('settings for Kafka Streams', () => {
  it.each([
    ['', {}],
    ['commit.interval.ms=5', { 'commit.interval.ms': '5' }],
    ['poll.ms=1,producer.linger.ms=0', { 'poll.ms': '1', 'producer.linger.ms': '0' }],
    ['poll.ms', undefined],
    ['poll.ms=1,', undefined],
  ])('read %j', (text, settings) => {
    expect(settingsFrom(text)).toEqual(settings)
  })
})
