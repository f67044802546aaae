/** The payments service as a process: how it starts, stops, and restarts after a kill. */
import { type Broker, createBroker } from '@streampay/broker'
import { applicationIds, type BalanceHistory, type Entry, topicNames } from '@streampay/domain'
import { openAdmin } from '@streampay/kafka'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLogClient, type Sent } from './support/log-client.ts'
import { spawnService } from './support/service-process.ts'

let broker: Broker
let env: Record<string, string>

beforeEach(async () => {
  broker = await createBroker()
  env = { KAFKA_BROKERS: `127.0.0.1:${broker.port}` }
})

afterEach(async () => {
  await broker.close()
})

describe('the process of the payments service', () => {
  it('reports when it is ready, and ends cleanly when it is asked to or when its launcher is gone', async () => {
    const first = spawnService(env)
    expect(await first.ready).toBe('tasks 0, 1, 2, 3')
    first.child.kill('SIGTERM')
    expect(await first.ended).toEqual({ code: 0, signal: null, stderr: '' })

    const second = spawnService(env)
    await second.ready
    second.child.disconnect()
    expect(await second.ended).toEqual({ code: 0, signal: null, stderr: '' })
  }, 60_000)

  it('gives its partitions to the others at once when it is asked to leave its group, and keeps them when it only stops', async () => {
    const first = spawnService({ ...env, PAYMENTS_SLOT: '0' })
    await first.ready
    const second = spawnService({ ...env, PAYMENTS_SLOT: '1' })
    await second.ready
    const client = await openLogClient(env.KAFKA_BROKERS ?? '')
    const members = async () => {
      const groups = await openAdmin(client.cluster).describeGroups(Object.values(applicationIds))
      return groups.map((group) => group.members.map(({ groupInstanceId }) => groupInstanceId?.at(-1)).sort())
    }
    expect(await members()).toEqual([
      ['0', '1'],
      ['0', '1'],
    ])
    first.child.kill('SIGUSR2')
    expect(await first.ended).toEqual({ code: 0, signal: null, stderr: '' })
    expect(await members()).toEqual([['1'], ['1']])
    client.follow()
    await client.register('ann', 'bea', 'cleo', 'dan', 'eve')
    for (const account of ['ann', 'bea', 'cleo', 'dan', 'eve']) await client.eventuallyBalance(account, 50_000)
    second.child.kill('SIGTERM')
    expect(await second.ended).toEqual({ code: 0, signal: null, stderr: '' })
    expect(await members()).toEqual([['1'], ['1']])
    await client.close()
  }, 60_000)

  it('ends with one sentence and a non-zero code if it cannot start', async () => {
    const ended = await spawnService({ ...env, PAYMENTS_SLOT: 'two' }).ended
    expect(ended).toEqual({
      code: 1,
      signal: null,
      stderr: 'The payments service cannot start: PAYMENTS_SLOT must be a whole number from 0 to 9999, not "two".\n',
    })
  })

  it('loses and doubles nothing when it is killed again and again while commands come', async () => {
    const people = ['ann', 'bea', 'cleo', 'dan', 'eve', 'bob']
    const commands = Array.from({ length: 600 }, (_, i): Sent => {
      const identity = people[i % people.length] ?? ''
      const userId = people[(i + 1 + (i % 4)) % people.length] ?? ''
      return {
        identity,
        model: 'PayCommand',
        body: { userId: userId === identity ? 'ann' : userId, amount: 1 + (i % 9) },
        key: `k${i}`,
      }
    })
    let service = spawnService(env)
    await service.ready
    const client = await openLogClient(env.KAFKA_BROKERS ?? '')
    client.follow()
    // Half of the accounts open by the first kill, at the latest by the first command.
    await client.register(...people)
    const correlations: string[] = []
    for (let at = 0; at < commands.length; at += 200) {
      const sent = client.send(commands.slice(at, at + 200))
      // In the middle of the work: once a few replies of this round are there, others are not.
      await client.eventually('some replies', () =>
        client.records(topicNames.replies).length > at / 2 + 5 ? true : undefined,
      )
      service.child.kill('SIGKILL')
      await service.ended
      correlations.push(...(await sent))
      service = spawnService(env)
      await service.ready
    }
    const answers = await Promise.all(correlations.map((id) => client.answer(id)))
    const again = await client.send(commands)
    const repeated = await Promise.all(again.map((id) => client.answer(id)))
    expect(repeated.map((answer) => answer.body)).toEqual(answers.map((answer) => answer.body))
    expect(repeated.every((answer) => answer.replayed)).toBe(true)

    const entries = client.valuesOf<Entry>(topicNames.transactions)
    const paid = answers.filter((answer) => answer.status === 200).map((answer) => String(answer.body.transferId))
    expect(paid.length).toBeGreaterThan(500)
    const transfers = Map.groupBy(
      entries.filter((entry) => entry.kind === 'payment'),
      (entry) => entry.transferId,
    )
    expect([...transfers.keys()].sort()).toEqual(paid.sort())
    for (const sides of transfers.values()) expect(sides.map((side) => side.amount).reduce((a, b) => a + b)).toBe(0)
    for (const person of people) {
      const own = entries.filter((entry) => entry.account === person)
      const expected = own.reduce((sum, entry) => sum + entry.amount, 0)
      await client.eventuallyBalance(person, expected)
      const rows = client.valuesOf<BalanceHistory>(topicNames.balanceHistories).filter((row) => row.account === person)
      expect(rows.map((row) => row.sequence)).toEqual(own.map((_, index) => index + 1))
    }
    await client.eventually('the totals', () =>
      client.valuesOf<{ count: number }>(topicNames.totalTransactions).find(({ count }) => count === paid.length),
    )
    expect(client.records(topicNames.activities)).toHaveLength(paid.length)
    await client.close()
    service.child.kill('SIGTERM')
    expect((await service.ended).code).toBe(0)
  }, 90_000)
})
