import { type TopicDefinition, topicNamed, topics } from '@streampay/domain'
import type { Admin, TopicDescription } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import { configFrom } from '../src/config.ts'
import { differencesOf, ensureTopicsWith, replicationFactorFrom } from '../src/ensure-topics.ts'
import { TopicsDifferError } from '../src/errors.ts'
import { defaultLimits } from '../src/limits.ts'

function described({
  name,
  partitions,
  config,
}: Pick<TopicDefinition, 'name' | 'partitions' | 'config'>): TopicDescription {
  return {
    name,
    topicId: name,
    isInternal: false,
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      leader: 1,
      replicas: [1],
      inSyncReplicas: [1],
    })),
    configs: { 'max.message.bytes': '1048588', ...config },
  }
}

/** A log with topics in memory; another service may create some in between. */
function openAdmin(existing: readonly TopicDescription[], createdMeanwhile: readonly TopicDescription[] = []) {
  const held = new Map(existing.map((topic) => [topic.name, topic]))
  const factors = new Set<number | undefined>()
  const admin: Pick<Admin, 'createTopics' | 'describeTopics'> = {
    createTopics: async (wanted) => {
      for (const topic of createdMeanwhile) held.set(topic.name, topic)
      return wanted.map(({ name, partitions, configs, replicationFactor }) => {
        factors.add(replicationFactor)
        const created = !held.has(name)
        if (created) held.set(name, described({ name, partitions, config: configs ?? {} }))
        return { name, created }
      })
    },
    describeTopics: async (names) => names.flatMap((name) => held.get(name) ?? []),
  }
  return { admin, held, factors }
}

describe('the topics of a log', () => {
  it('are all created on an empty log, and none the second time', async () => {
    const { admin, held, factors } = openAdmin([])
    expect(await ensureTopicsWith(admin, { replicationFactor: 3 })).toEqual(topics.map((topic) => topic.name))
    expect([...factors]).toEqual([3])
    expect(held.get('commands')?.configs).toMatchObject(topicNamed('commands').config)
    expect(await ensureTopicsWith(admin, {})).toEqual([])
  })

  it('may be created by another service at the same time, and must then be correct', async () => {
    const right = openAdmin([], [described(topicNamed('users'))])
    expect(await ensureTopicsWith(right.admin, {})).not.toContain('users')
    const wrong = openAdmin([], [described({ ...topicNamed('users'), partitions: 1 })])
    await expect(ensureTopicsWith(wrong.admin, {})).rejects.toThrow('"users" has 1 partitions, not 4')
  })

  it('stop the start with one sentence that names every difference', async () => {
    const grown = described({ ...topicNamed('commands'), partitions: 8 })
    const forgetful = described({
      ...topicNamed('transactions'),
      config: { 'cleanup.policy': 'delete', 'retention.ms': '1000' },
    })
    const { admin } = openAdmin([grown, forgetful])
    const error = await ensureTopicsWith(admin, {}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TopicsDifferError)
    expect(error).toMatchObject({ code: 'TOPICS_DIFFER', retriable: false })
    expect((error as TopicsDifferError).differences).toEqual([
      '"commands" has 8 partitions, not 4, which would move accounts to tasks without their state',
      '"transactions" has retention.ms=1000, not -1',
    ])
  })
})

describe('a difference', () => {
  it.each<[string, string, Partial<Pick<TopicDefinition, 'partitions' | 'config'>>, boolean]>([
    ['a co-partitioned topic that shrank', 'users', { partitions: 3 }, true],
    ['a changelog that grew', 'balances', { partitions: 5 }, true],
    ['a topic for readers alone that grew', 'activities', { partitions: 12 }, false],
    ['a ledger that is compacted', 'transactions', { config: { 'cleanup.policy': 'compact' } }, true],
    ['a changelog that is deleted', 'balances', { config: { 'cleanup.policy': 'delete' } }, true],
    ['a changelog that is also deleted', 'balances', { config: { 'cleanup.policy': 'compact,delete' } }, true],
    ['a policy with a space', 'balances', { config: { 'cleanup.policy': ' compact' } }, false],
    ["a client's clock on commands", 'commands', { config: { 'message.timestamp.type': 'CreateTime' } }, true],
    ['replies kept shorter', 'replies', { config: { 'retention.ms': '60000' } }, true],
    ['replies kept longer', 'replies', { config: { 'retention.ms': '86400000' } }, false],
    ['replies kept without a limit', 'replies', { config: { 'retention.ms': '-1' } }, false],
    ['a ledger with a size limit', 'transactions', { config: { 'retention.bytes': '1000000' } }, true],
    ['a log that does not tell', 'transactions', { config: {} }, false],
  ])('matters, or not: %s', (_, name, change, matters) => {
    const topic = topicNamed(name)
    expect(differencesOf(topic, described({ ...topic, ...change })).length > 0).toBe(matters)
  })
})

describe('settings', () => {
  it.each([
    [undefined, -1],
    ['', -1],
    ['-1', -1],
    ['3', 3],
  ])('take a replication factor of %j as %d', (text, factor) => {
    expect(replicationFactorFrom({ KAFKA_REPLICATION_FACTOR: text })).toBe(factor)
  })

  it.each(['0', '-2', '1.5', 'three', '1e1'])('refuse a replication factor of %j', (text) => {
    expect(() => replicationFactorFrom({ KAFKA_REPLICATION_FACTOR: text })).toThrow('KAFKA_REPLICATION_FACTOR')
  })

  it('have defaults, and can run one topology alone', () => {
    expect(configFrom({})).toEqual({
      slot: 0,
      standbyReplicas: 0,
      topologies: ['payments', 'statistics'],
      limits: defaultLimits,
      state: undefined,
      metricsPort: undefined,
      metricsHost: '127.0.0.1',
    })
    expect(configFrom({ PAYMENTS_STATE_FOLDER: 'here', PAYMENTS_STATE_MAX_MEBIBYTES: '64' }).state).toEqual({
      folder: 'here',
      maxBytes: 64 * 1024 * 1024,
      maxCacheBytes: 32 * 1024 * 1024,
    })
    expect(configFrom({ PAYMENTS_TOPOLOGIES: 'statistics', PAYMENTS_SLOT: '2', METRICS_PORT: '0' })).toMatchObject({
      slot: 2,
      topologies: ['statistics'],
      metricsPort: 0,
    })
  })

  it.each([
    ['PAYMENTS_SLOT', '-1'],
    ['PAYMENTS_SLOT', '1e3'],
    ['PAYMENTS_STANDBY_REPLICAS', '16'],
    ['PAYMENTS_TOPOLOGIES', 'payments,audit'],
    ['PAYMENTS_STATE_MAX_MEBIBYTES', '63'],
    ['PAYMENTS_STATE_CACHE_MEBIBYTES', '0'],
    ['PAYMENTS_IDEMPOTENCY_BYTES', '383'],
    ['METRICS_PORT', '65536'],
  ])('refuse %s=%s by name', (name, value) => {
    const refused = expect.objectContaining({ message: expect.stringMatching(`^${name} must .*, not "${value}"[.]$`) })
    expect(() => configFrom({ [name]: value })).toThrow(refused)
  })
})
