import { type Activity, type Entry, type PaymentRequest, topicNames } from '@streampay/domain'
import { openTestDriver } from '@streampay/streams/test-driver'
import { describe, expect, it } from 'vitest'
import { statisticsTopology } from '../src/index.ts'

function openStatistics() {
  const names = Object.fromEntries(['ann', 'bea'].map((id) => [id, { id, name: `${id} by name`, username: id }]))
  return openTestDriver(statisticsTopology(), { partitionCount: 4, tables: { users: names } })
}

function payment(offset: number, amount: number, change: Partial<Entry> = {}) {
  const common = {
    transferId: `t0-${offset}`,
    kind: 'payment' as const,
    commandPartition: 0,
    commandOffset: offset,
    notes: 'secret',
    at: 7,
    ...change,
  }
  const payer: Entry = { ...common, account: 'ann', counterparty: 'bea', amount: -amount, applied: 'writer' }
  const recipient: Entry = { ...common, account: 'bea', counterparty: 'ann', amount, applied: 'reader' }
  return [payer, recipient].map((entry) => ({ topic: topicNames.transactions, key: entry.account, value: entry }))
}

function version(status: PaymentRequest['status'], change: Partial<PaymentRequest> = {}) {
  const request: PaymentRequest = {
    id: 'r0-1',
    requester: 'bea',
    debtor: 'ann',
    amount: 300,
    notes: 'secret',
    status,
    createdAt: 7,
    ...(status === 'open' ? {} : { closedAt: 9 }),
    ...change,
  }
  return { topic: topicNames.paymentRequests, key: request.id, value: request }
}

type Driver = ReturnType<typeof openStatistics>

const activities = (driver: Driver) => driver.records(topicNames.activities).map((record) => record.json as Activity)
const last = (driver: Driver, topic: string) => driver.records(topic).at(-1)

describe('activities', () => {
  it('tell of a payment once, with names and amount, without notes', () => {
    const driver = openStatistics()
    driver.pipe(payment(1, 250))
    expect(activities(driver)).toEqual([
      {
        id: 't0-1',
        type: 'payment',
        from: 'ann',
        fromName: 'ann by name',
        to: 'bea',
        toName: 'bea by name',
        amount: 250,
        at: 7,
      },
    ])
    expect(last(driver, topicNames.activities)?.key).toBe('ann')
  })

  it.each([['opening'], ['topUp']] as const)('do not tell of a transfer of kind %s', (kind) => {
    const driver = openStatistics()
    driver.pipe(payment(1, 250, { kind }))
    driver.settle()
    expect(activities(driver)).toEqual([])
    expect(driver.records(topicNames.totalTransactions)).toEqual([])
  })

  it('name a person who is not in the directory by id (paying an unknown user killed the original feed)', () => {
    const driver = openStatistics()
    driver.pipe(version('open', { debtor: 'nobody' }))
    expect(activities(driver)).toMatchObject([{ fromName: 'bea by name', toName: 'nobody' }])
  })

  it.each([
    ['declined', 'decline', 'ann', 'bea'],
    ['cancelled', 'cancel', 'bea', 'ann'],
  ] as const)('tell of asking and of %s, each once', (status, type, from, to) => {
    const driver = openStatistics()
    driver.pipe(version('open'))
    driver.pipe(version(status))
    expect(activities(driver)).toMatchObject([
      { id: 'r0-1', type: 'request', from: 'bea', to: 'ann', amount: 300, at: 7 },
      { id: 'r0-1', type, from, to, amount: 300, at: 9 },
    ])
  })

  it('tell of a paid request by its payment alone', () => {
    const driver = openStatistics()
    driver.pipe([version('open'), version('paid', { transferId: 't0-5' }), ...payment(5, 300, { requestId: 'r0-1' })])
    expect(
      activities(driver)
        .map((activity) => activity.type)
        .sort(),
    ).toEqual(['payment', 'request'])
  })

  it('tell of asking even if compaction removed the open version before it was read', () => {
    const driver = openStatistics()
    driver.pipe(version('declined'))
    expect(activities(driver).map((activity) => activity.type)).toEqual(['request', 'decline'])
  })

  // A topic or store without writes has no position that moves: a private event leaves no trace there.
  it('do not tell of private payments and requests, however these end, nor count or store them (INV-6)', () => {
    const visibility = 'private'
    const driver = openStatistics()
    const closings = ['paid', 'declined', 'cancelled', 'expired'] as const
    const versions = closings.flatMap((status) => [
      version('open', { id: status, visibility }),
      version(status, { id: status, visibility }),
    ])
    const written = [
      ...driver.pipe([...payment(1, 250, { visibility }), ...versions]),
      ...driver.pipe({ topic: topicNames.paymentRequests, key: 'paid', value: null }),
      ...driver.settle(),
    ]
    expect(written.filter(({ topic }) => !topic.includes('positions'))).toEqual([])
  })

  it('tell nothing of a reminder, and write nothing for it', () => {
    const driver = openStatistics()
    driver.pipe([version('open')])
    expect(driver.pipe([version('open', { remindedAt: 8, reminders: 1 })])).toEqual([])
    driver.pipe([version('paid', { remindedAt: 8, reminders: 1 })])
    expect(activities(driver)).toHaveLength(1)
  })

  it('remember over a restart that a request has its activity, until the request is closed or gone', () => {
    const driver = openStatistics()
    driver.pipe([version('open'), version('open', { id: 'r0-2' })])
    driver.restart()
    driver.pipe([version('cancelled'), { topic: topicNames.paymentRequests, key: 'r0-2', value: null }])
    expect(
      activities(driver)
        .map((activity) => `${activity.type} ${activity.id}`)
        .sort(),
    ).toEqual(['cancel r0-1', 'request r0-1', 'request r0-2'])
    const remembered = [0, 1, 2, 3].map((task) => driver.store('announced', task).size)
    expect(remembered).toEqual([0, 0, 0, 0])
  })
})

describe('totals', () => {
  it('count each payment once, by the payer, with the mean rounded half to even', () => {
    const driver = openStatistics()
    driver.pipe([...payment(1, 1), ...payment(2, 2)])
    driver.settle()
    expect(last(driver, topicNames.totalTransactions)).toMatchObject({ key: 'all', json: { count: 2, volume: 3 } })
    expect(last(driver, topicNames.averageTransactions)).toMatchObject({ key: 'all', json: { count: 2, mean: 2 } })
    driver.pipe([...payment(3, 1), ...payment(4, 6)])
    driver.settle()
    expect(last(driver, topicNames.averageTransactions)?.json).toEqual({ count: 4, mean: 2 })
  })

  it('are forwarded by each task as one part for a batch', () => {
    const driver = openStatistics()
    driver.pipe([...Array.from({ length: 10 }, (_, i) => payment(i, 5)).flat(), version('open')])
    driver.pipe(payment(10, 50))
    const parts = driver.records(topicNames.totalsRepartition)
    expect(parts.map((part) => [part.key, part.json])).toEqual([
      ['all', { count: 10, volume: 50 }],
      ['all', { count: 1, volume: 50 }],
    ])
    driver.pipe(version('declined'))
    driver.settle()
    expect(driver.records(topicNames.totalsRepartition)).toHaveLength(2)
  })

  it('are written once for a batch, and continue after a restart', () => {
    const driver = openStatistics()
    driver.pipe(Array.from({ length: 10 }, (_, i) => payment(i, 5)).flat())
    driver.settle()
    expect(driver.records(topicNames.totalTransactions)).toHaveLength(1)
    driver.restart()
    driver.pipe(payment(10, 50))
    driver.settle()
    expect(last(driver, topicNames.totalTransactions)?.json).toEqual({ count: 11, volume: 100 })
  })

  it('count once what is processed again after an abort', () => {
    const driver = openStatistics()
    driver.pipe(payment(1, 5), { abort: true })
    driver.settle()
    expect(last(driver, topicNames.totalTransactions)?.json).toEqual({ count: 1, volume: 5 })
    expect(activities(driver)).toHaveLength(1)
  })
})

describe('a record that statistics cannot read', () => {
  it.each([
    [topicNames.transactions, 'not json'],
    [topicNames.transactions, null],
    [topicNames.paymentRequests, { id: 'r0-1' }],
    [topicNames.totalsRepartition, { count: -1, volume: 0 }],
  ])('stops the task and names its place: %s', (topic, value) => {
    const driver = openStatistics()
    expect(() => driver.pipe({ topic, key: 'all', value })).toThrow(new RegExp(`${topic}/\\d/0`))
  })

  // If enough accounts had paid each other back and forth, statistics, and payments with it, would have stopped at every start.
  it('is none because of the volume: that stays at the largest safe integer, and the count continues', () => {
    const driver = openStatistics()
    const part = {
      topic: topicNames.totalsRepartition,
      key: 'all',
      value: { count: 1, volume: Number.MAX_SAFE_INTEGER },
    }
    driver.pipe([part, part])
    expect(last(driver, topicNames.totalTransactions)?.json).toEqual({ count: 2, volume: Number.MAX_SAFE_INTEGER })
  })
})
