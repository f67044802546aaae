/** The payments service on a real log: the embedded broker, with a Kafka client of the test's own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, createBroker } from '@streampay/broker'
import {
  type Activity,
  type Entry,
  type PaymentRequest,
  type Span,
  type Statement,
  topicNames,
} from '@streampay/domain'
import { openAdmin, openCluster } from '@streampay/kafka'
import { headerText, runTopology } from '@streampay/streams'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configFrom } from '../src/config.ts'
import { statisticsTopology } from '../src/index.ts'
import { startService } from '../src/service.ts'
import { type LogClient, openLogClient } from './support/log-client.ts'

const logger = pino({ level: 'silent' })
let dataDir: string
let broker: Broker
let address: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'streampay-payments-'))
  broker = await createBroker({ logger })
  address = `127.0.0.1:${broker.port}`
})

afterEach(async () => {
  await broker.close()
  await rm(dataDir, { recursive: true, force: true })
})

function start(env: Record<string, string> = {}) {
  return startService({
    config: configFrom(env),
    client: { brokers: [address], clientId: 'streampay-payments' },
    replicationFactor: -1,
    logger,
  })
}

async function withClient(run: (client: LogClient) => Promise<void>): Promise<void> {
  const client = await openLogClient(address)
  try {
    client.follow()
    await run(client)
  } finally {
    await client.close()
  }
}

const pay = (identity: string, body: object, key: string) => ({ identity, model: 'PayCommand', body, key })

describe('the payments service', () => {
  it('reports its steps of a sampled trace to the people who take part', async () => {
    const service = await start()
    await withClient(async (client) => {
      await client.register('ann', 'bea')
      await client.eventuallyBalance('bea', 50_000)
      const sampled = (digit: string) => ({ traceparent: `00-${digit.repeat(32)}-${'b'.repeat(16)}-01` })
      await client.run({ ...pay('ann', { userId: 'bea', amount: 10 }, 'plain') })
      await client.run({ ...pay('ann', { userId: 'bea', amount: 11 }, 'paid'), ...sampled('a') })
      const ask = { identity: 'bea', model: 'RequestCommand', body: { userId: 'ann', amount: 12 }, key: 'asked' }
      await client.run({ ...ask, ...sampled('c') })

      const told = () =>
        client.records(topicNames.spans).map(({ key, value }) => {
          const { traceId, service, source } = JSON.parse(String(value)) as Span
          return `${traceId.charAt(0)} ${service.split('-')[1]} ${source.topic} ${key}`
        })
      const expected = [
        'a payments commands ann',
        'a payments commands bea',
        'a statistics balance-histories ann',
        'a statistics balance-histories bea',
        'a statistics transactions ann',
        'a statistics transactions bea',
        'c payments commands bea',
        'c payments streampay-payments-requests-repartition bea',
        'c statistics payment-requests ann',
        'c statistics payment-requests bea',
      ]
      await client.eventually('the spans', () => (new Set(told()).size === expected.length ? true : undefined))
      expect([...new Set(told())].sort()).toEqual(expected)
      expect(
        client.records(topicNames.replies).map(({ headers }) => headerText(headers, 'traceparent')?.charAt(3)),
      ).toEqual([undefined, 'a', 'c'])
    })
    await service.close()
  })

  it('pays, asks, settles, declines, cancels and counts, and continues with the same state after a restart', async () => {
    const env = { METRICS_PORT: '0', PAYMENTS_STATE_FOLDER: join(dataDir, 'state') }
    let service = await start(env)
    await withClient(async (client) => {
      await client.register('ann', 'bea')
      await client.eventuallyBalance('ann', 50_000)

      expect(await client.run(pay('ann', { userId: 'bea', amount: 1000 }, 'p1'))).toMatchObject({
        status: 200,
        body: { balance: 49_000 },
      })
      await client.eventuallyBalance('bea', 51_000)
      expect(await client.run(pay('ann', { userId: 'bea', amount: 49_001 }, 'p2'))).toMatchObject({
        status: 409,
        body: { available: 49_000 },
      })
      expect((await client.run(pay('ann', { userId: 'nobody', amount: 1 }, 'p3'))).status).toBe(404)

      const ask = async (amount: number) => {
        const { body } = await client.run({
          identity: 'bea',
          model: 'RequestCommand',
          body: { userId: 'ann', amount },
          key: `r${amount}`,
        })
        const id = String(body.id)
        await client.eventually('the request', () =>
          client.valuesOf<PaymentRequest>(topicNames.paymentRequests).find((request) => request.id === id),
        )
        return id
      }
      const settled = await ask(300)
      expect((await client.run(pay('ann', { userId: 'bea', amount: 300, requestId: settled }, 'p4'))).status).toBe(200)
      const declined = await ask(301)
      expect(
        (await client.run({ identity: 'ann', model: 'DeclineCommand', body: {}, key: 'd1', requestId: declined }))
          .status,
      ).toBe(200)
      const cancelled = await ask(302)
      const cancel = { identity: 'bea', model: 'CancelCommand', body: {}, key: 'c1', requestId: cancelled }
      expect(await client.run(cancel)).toMatchObject({
        status: 200,
        replayed: false,
        body: { id: cancelled, status: 'cancelled' },
      })

      expect(await client.run({ ...pay('ann', {}, 'p5'), body: '{"userId":' })).toMatchObject({ status: 400 })
      await client.eventually('the dead letter', () => client.records(topicNames.deadLetters).at(0))

      const metrics = await (await fetch(`http://127.0.0.1:${service.metricsPort}/metrics`)).text()
      expect(metrics).toContain('streams_commit_seconds_count{application="streampay-payments"}')

      await client.eventually('the totals', () =>
        client
          .valuesOf<{ count: number; volume: number }>(topicNames.totalTransactions)
          .find((totals) => totals.count === 2 && totals.volume === 1300),
      )
      await client.eventually('all activities', () =>
        client.records(topicNames.activities).length >= 7 ? true : undefined,
      )
      expect(
        client
          .valuesOf<Activity>(topicNames.activities)
          .map((activity) => activity.type)
          .sort(),
      ).toEqual(['cancel', 'decline', 'payment', 'payment', 'request', 'request', 'request'])

      await service.close()
      service = await start(env)
      // The folder on the disk was used, so nothing was read again.
      const after = await (await fetch(`http://127.0.0.1:${service.metricsPort}/metrics`)).text()
      expect(after).toContain('streams_restored_records_total{application="streampay-payments"} 0')
      expect(await client.run(pay('ann', { userId: 'bea', amount: 1000 }, 'p1'))).toMatchObject({
        status: 200,
        replayed: true,
        body: { balance: 49_000 },
      })
      expect(await client.run(cancel)).toMatchObject({ status: 200, replayed: true })
      expect((await client.run(pay('ann', { userId: 'bea', amount: 48_700 }, 'p6'))).body).toMatchObject({ balance: 0 })
      await client.eventuallyBalance('bea', 100_000)
      const sum = client.valuesOf<Entry>(topicNames.transactions).reduce((total, entry) => total + entry.amount, 0)
      expect(sum).toBe(0)
    })
    await service.close()
  })

  // Statistics of an earlier version had read the ledger to its end, and had no statements.
  it('makes statements of all records of an earlier version, and of those that came while it ran', async () => {
    const state = join(dataDir, 'state')
    const payments = await start({ PAYMENTS_TOPOLOGIES: 'payments' })
    const cluster = openCluster({ brokers: [address], clientId: 'streampay-statistics' })
    const { sources, stores, ...topology } = statisticsTopology()
    const earlier = runTopology(
      {
        ...topology,
        sources: sources.filter(({ topic }) => topic !== topicNames.balanceHistories),
        stores: stores.filter(({ changelog = '' }) => !changelog.startsWith('statement')),
      },
      { cluster, slot: 0, logger, state: { folder: join(state, topology.applicationId), maxBytes: 64 * 1024 ** 2 } },
    )
    await earlier.ready
    await withClient(async (client) => {
      await client.register('ann', 'bea')
      await client.eventuallyBalance('bea', 50_000)
      for (const amount of [100, 200, 300]) await client.run(pay('ann', { userId: 'bea', amount }, `p${amount}`))
      await client.eventually('the totals', () =>
        client.valuesOf<{ count: number }>(topicNames.totalTransactions).find(({ count }) => count === 3),
      )
      await earlier.close()
      await client.run(pay('ann', { userId: 'bea', amount: 400 }, 'p400'))
      const statistics = await start({ PAYMENTS_TOPOLOGIES: 'statistics', PAYMENTS_STATE_FOLDER: state })
      const newest = (account: string, sequence: number) =>
        client.eventually(`the statement of ${account}`, () =>
          client
            .valuesOf<Statement>(topicNames.statements)
            .findLast((statement) => statement.account === account && statement.sequence === sequence),
        )
      expect(await newest('ann', 5)).toMatchObject({ closing: 49_000, moneyIn: 50_000, moneyOut: 1_000, countOut: 4 })
      expect(await newest('bea', 5)).toMatchObject({ closing: 51_000, moneyIn: 51_000, countIn: 5 })
      await client.run(pay('ann', { userId: 'bea', amount: 500 }, 'p500'))
      expect(await newest('ann', 6)).toMatchObject({ closing: 48_500, countOut: 5 })
      await client.eventually('the totals of all', () =>
        client.valuesOf<{ count: number }>(topicNames.totalTransactions).find(({ count }) => count === 5),
      )
      await statistics.close()
    })
    await cluster.close()
    await payments.close()
  })

  it('refuses to start on a log whose topics would move accounts to other tasks, naming the topic', async () => {
    const cluster = openCluster({ brokers: [address], clientId: 'test' })
    await openAdmin(cluster).createTopics([
      {
        name: 'users',
        partitions: 2,
        configs: { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' },
      },
    ])
    await cluster.close()
    await expect(start()).rejects.toThrow('"users" has 2 partitions, not 4')
  })

  it('runs statistics in a process of its own', async () => {
    const payments = await start({ PAYMENTS_TOPOLOGIES: 'payments' })
    const statistics = await start({ PAYMENTS_TOPOLOGIES: 'statistics' })
    await withClient(async (client) => {
      await client.register('ann', 'bea')
      await client.eventuallyBalance('bea', 50_000)
      await client.run(pay('ann', { userId: 'bea', amount: 7 }, 'p1'))
      await client.eventually('the average', () =>
        client.valuesOf<{ mean: number }>(topicNames.averageTransactions).find(({ mean }) => mean === 7),
      )
    })
    await statistics.close()
    await payments.close()
  })
})
