import { type BalanceHistory, type Statement, type StatementPerson, topicNames, treasuryId } from '@streampay/domain'
import { openTestDriver } from '@streampay/streams/test-driver'
import { describe, expect, it } from 'vitest'
import { statisticsTopology } from '../src/index.ts'

const day = 86_400_000
const october = Date.UTC(2026, 9, 30)
const november = Date.UTC(2026, 10, 2)

const open = () => openTestDriver(statisticsTopology(), { partitionCount: 4 })
type Driver = ReturnType<typeof open>

/** History rows of accounts as payments writes them: sequences without a gap, and the balance after each. */
function historian() {
  const accounts = new Map<string, { sequence: number; balance: number }>()
  return (account: string, amount: number, at: number, counterparty = 'bea') => {
    const { sequence, balance } = accounts.get(account) ?? { sequence: 0, balance: 0 }
    accounts.set(account, { sequence: sequence + 1, balance: balance + amount })
    const value: BalanceHistory = {
      account,
      sequence: sequence + 1,
      balance: balance + amount,
      amount,
      transferId: `t0-${sequence}`,
      counterparty,
      kind: 'payment',
      at,
    }
    return { topic: topicNames.balanceHistories, key: account, value, timestamp: at }
  }
}

/** The newest row of each key. */
function rowsOf<T>(driver: Driver, topic: string): T[] {
  return [...new Map(driver.records(topic).map(({ key, json }) => [key, json as T])).values()]
}
const statements = (driver: Driver) => rowsOf<Statement>(driver, topicNames.statements)
const people = (driver: Driver) => rowsOf<StatementPerson>(driver, topicNames.statementPeople)

describe('statements', () => {
  it('have a row for each account and month, whose opening is the closing before it', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe([move('ann', 500, october), move('ann', -200, october + day), move('ann', 30, november)])
    expect(statements(driver)).toEqual([
      {
        account: 'ann',
        month: '2026-10',
        opening: 0,
        closing: 300,
        moneyIn: 500,
        moneyOut: 200,
        countIn: 1,
        countOut: 1,
        sequence: 2,
      },
      {
        account: 'ann',
        month: '2026-11',
        opening: 300,
        closing: 330,
        moneyIn: 30,
        moneyOut: 0,
        countIn: 1,
        countOut: 0,
        sequence: 3,
      },
    ])
  })

  it('have a row for each account, month and counterparty', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe([
      move('ann', 500, october, treasuryId),
      move('ann', -200, october),
      move('ann', 30, october),
      move('ann', 5, november),
    ])
    expect(people(driver).map((row) => [row.month, row.counterparty, row.moneyIn, row.moneyOut, row.sequence])).toEqual(
      [
        ['2026-10', treasuryId, 500, 0, 1],
        ['2026-10', 'bea', 30, 200, 3],
        ['2026-11', 'bea', 5, 0, 4],
      ],
    )
  })

  it('say whose they are, and of which month, in the headers', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe(move('ann', 500, october))
    for (const topic of [topicNames.statements, topicNames.statementPeople]) {
      expect(driver.records(topic)[0]?.headers).toEqual({
        'content-type': 'application/json',
        'zilla:identity': 'ann',
        'streampay:month': '2026-10',
      })
    }
  })

  it('count a movement to its own month when it comes after that month, and move what later months open and close with', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe([
      move('ann', 500, october),
      move('ann', 30, november),
      move('ann', 8, november + 40 * day),
      move('ann', -100, october),
    ])
    expect(statements(driver).map((row) => [row.month, row.opening, row.closing, row.moneyOut, row.sequence])).toEqual([
      ['2026-10', 0, 400, 100, 4],
      ['2026-11', 400, 430, 0, 4],
      ['2026-12', 430, 438, 0, 4],
    ])
  })

  it('open a month between others with the closing balance of the last one before it', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe([move('ann', 500, october), move('ann', 8, november + 40 * day), move('ann', 30, november)])
    expect(statements(driver).map((row) => [row.month, row.opening, row.closing])).toEqual([
      ['2026-10', 0, 500],
      ['2026-11', 500, 530],
      ['2026-12', 530, 538],
    ])
  })

  it('of accounts whose names begin alike, or look like months, are kept apart', () => {
    const [driver, move] = [open(), historian()]
    const names = ['a', 'a2026-10', 'a2', '1:a']
    driver.pipe(names.map((name, index) => move(name, index + 1, november)))
    driver.pipe(names.map((name) => move(name, 100, october)))
    expect(
      statements(driver)
        .filter(({ month }) => month === '2026-11')
        .map((row) => [row.account, row.opening, row.closing]),
    ).toEqual(names.map((name, index) => [name, 100, 101 + index]))
  })

  it('are written once a batch, continue after a restart, and count once what is processed again after an abort', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe(Array.from({ length: 10 }, () => move('ann', 5, november)))
    expect(driver.records(topicNames.statements)).toHaveLength(1)
    expect(driver.records(topicNames.statementPeople)).toHaveLength(1)
    driver.restart()
    driver.pipe(move('ann', 5, november), { abort: true })
    driver.settle()
    expect(statements(driver)).toMatchObject([{ closing: 55, countIn: 11, sequence: 11 }])
    expect(people(driver)).toMatchObject([{ moneyIn: 55, countIn: 11 }])
  })

  it('leave out the treasury, whose statement has no reader', () => {
    const [driver, move] = [open(), historian()]
    driver.pipe(move(treasuryId, -500, november, 'ann'))
    expect([...statements(driver), ...people(driver)]).toEqual([])
  })

  it.each(['not json', null, { account: 'ann' }])('stop at a row that they cannot read: %j', (value) => {
    const driver = open()
    expect(() => driver.pipe({ topic: topicNames.balanceHistories, key: 'ann', value })).toThrow(
      /balance-histories\/\d\/0/,
    )
  })
})
