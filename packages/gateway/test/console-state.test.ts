import { type Admin, BrokerError, KafkaError, openGroup, openTransactionalProducer } from '@streampay/kafka'
import { errors } from '@streampay/kafka/wire'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { fresh } from '../src/console/fresh.ts'
import { openTransactions } from '../src/console/open-transactions.ts'
import { systemClock } from '../src/shared/clock.ts'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

let surroundings: Surroundings
let gateway: TestGateway
let token: string

beforeAll(async () => {
  const definition = testGateway()
  surroundings = await openSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'watch')
  gateway = await openTestGateway(definition, surroundings)
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

async function read<T>(name: string): Promise<T> {
  const answer = await gateway.http2.call(`/console/${name}`, { token })
  expect(answer.status).toBe(200)
  return answer.json() as T
}

type Groups = { items: { group: string; lag: number }[]; missing: unknown }
type Group = { at: number; members: { memberId: string }[]; partitions: { waitingSince: number }[] }
type Transactions = {
  at: number
  open: { transactionalId: string; startedAt: number }[]
  held: { topic: string; holders: { startedAt: number }[] }[]
  missing: unknown
}

describe('consumer groups', () => {
  it('are shown with members, and with lag by partition and how old it is', async () => {
    const { log } = surroundings
    const before = Date.now()
    for (const n of [1, 2, 3])
      await log.producer.send([{ topic: 'tasks', partition: 1, key: 'a', value: `{"n":${n}}` }])
    let assigned = () => {}
    const isAssigned = new Promise<void>((resolve) => {
      assigned = resolve
    })
    const nothing = () => undefined
    const how = {
      groupId: 'readers',
      topics: ['tasks'],
      onAssigned: () => assigned(),
      onRevoked: nothing,
      onLost: nothing,
    }
    const group = openGroup(log.cluster, how)
    await isAssigned
    const metadata = { metadata: '', topic: 'tasks' }
    await log.admin.commitOffsets(group.metadata(), [
      { ...metadata, partition: 0, offset: 0 },
      { ...metadata, partition: 1, offset: 1 },
    ])
    const { items, missing } = await read<Groups>('groups')
    expect(items.find((item) => item.group === 'readers')).toEqual({
      group: 'readers',
      state: 'Stable',
      protocolType: 'consumer',
      members: 1,
      lag: 2,
    })
    expect(missing).toEqual([])
    const told = await read<Group>('groups/readers')
    const member = told.members[0]?.memberId
    expect(told).toMatchObject({ group: 'readers', state: 'Stable', left: 0 })
    expect(told.partitions).toEqual([
      { topic: 'tasks', partition: 0, committed: 0, end: 0, lag: 0, waitingSince: null, member },
      { topic: 'tasks', partition: 1, committed: 1, end: 3, lag: 2, waitingSince: expect.any(Number), member },
    ])
    expect(told.partitions[1]?.waitingSince).toBeGreaterThanOrEqual(before)
    expect(told.partitions[1]?.waitingSince).toBeLessThanOrEqual(told.at)
    await group.close({ leave: true })
    expect(await read('groups/readers')).toMatchObject({ state: 'Empty', members: [] })
  })

  it('that are not there are 404', async () => {
    for (const name of ['nobody', '%00', 'x'.repeat(255)]) {
      expect((await gateway.http2.call(`/console/groups/${name}`, { token })).status).toBe(404)
    }
    expect((await gateway.http2.call(`/console/groups/${'x'.repeat(256)}`, { token })).status).toBe(400)
  })
})

describe('open transactions', () => {
  it('are shown with what they hold back and since when', async () => {
    const { cluster } = surroundings.log
    const producer = await openTransactionalProducer(cluster, { transactionalId: 'slow-one' })
    const before = Date.now()
    producer.begin()
    await producer.send([{ topic: 'news', partition: 2, key: 'a', value: '{}' }])
    const { open, held, missing, at } = await read<Transactions>('transactions')
    expect(missing).toEqual([])
    expect(open).toMatchObject([
      { transactionalId: 'slow-one', state: 'Ongoing', partitions: [{ topic: 'news', partition: 2 }] },
    ])
    const holder = { transactionalId: 'slow-one', offset: 0, startedAt: open[0]?.startedAt }
    expect(held).toMatchObject([
      { topic: 'news', partition: 2, lastStableOffset: 0, highWatermark: 1, holders: [holder] },
    ])
    expect(held[0]?.holders[0]?.startedAt).toBeGreaterThanOrEqual(before)
    expect(held[0]?.holders[0]?.startedAt).toBeLessThanOrEqual(at)
    await producer.commit()
    await producer.close()
    await expect.poll(() => read('transactions')).toMatchObject({ open: [], held: [], missing: [] })
  })

  it('are shown as far as the log reports them, and what it does not report is named', async () => {
    const partition = { topic: 'news', partition: 0 }
    const leader = { partition: 0, leader: 0, replicas: [0], inSyncReplicas: [0] }
    const topic = { name: 'news', topicId: '', isInternal: false, configs: {}, partitions: [leader] }
    const admin: Partial<Admin> = {
      listTopics: async () => ['news'],
      describeTopics: async () => [topic],
      listOffsets: async (_partitions, _spec, isolation) => [
        { ...partition, offset: isolation === 'read_committed' ? 3 : 9, timestamp: -1 },
      ],
      listTransactions: () => Promise.reject(new BrokerError(errors.CLUSTER_AUTHORIZATION_FAILED, 'listing')),
      describeTransactions: async () => [],
      describeProducers: () => Promise.reject(new KafkaError('KAFKA_UNSUPPORTED_VERSION', 'too old')),
    }
    expect(await openTransactions(admin as Admin, systemClock)).toMatchObject({
      open: [],
      held: [{ ...partition, lastStableOffset: 3, highWatermark: 9, holders: null }],
      missing: [
        'ListTransactions: the log does not allow it to the gateway (CLUSTER_AUTHORIZATION_FAILED).',
        'DescribeProducers: this log does not offer it.',
      ],
    })
    const away = new KafkaError('KAFKA_TIMEOUT', 'no answer')
    const failing = { ...admin, describeProducers: () => Promise.reject(away) } as Admin
    await expect(openTransactions(failing, systemClock)).rejects.toBe(away)
  })
})

describe('what many ask for at once', () => {
  it('is asked of the log once, and again when it is old or has failed', async () => {
    let now = 0
    const clock = { ...systemClock, elapsed: () => now }
    const ask = vi.fn(async () => now)
    const answer = fresh(clock, 500, ask)
    expect(await Promise.all([answer(), answer()])).toEqual([0, 0])
    now = 499
    expect(await answer()).toBe(0)
    now = 500
    expect(await answer()).toBe(500)
    expect(ask).toHaveBeenCalledTimes(2)
    now = 1_000
    ask.mockRejectedValueOnce(new Error('away'))
    await expect(answer()).rejects.toThrow('away')
    expect(await answer()).toBe(1_000)
  })
})
