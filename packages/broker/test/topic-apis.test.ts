import { apis, errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { batchOf } from './support/batches.ts'
import { createTopic, produceOne, testBroker, type WireClient, wireClient } from './support/test-broker.ts'

async function brokerWithTopic(partitions = 1): Promise<{ client: WireClient; topicId: string }> {
  const client = await wireClient(await testBroker())
  await createTopic(client, 'events', partitions)
  const { topics } = await client.call(apis.metadata, { topics: [{ name: 'events' }] })
  return { client, topicId: topics[0]?.topicId ?? '' }
}

const config = { 'segment.bytes': '1000000' }

describe('topics', () => {
  it('are not created by a Metadata request, unless the broker is configured to', async () => {
    const { client } = await brokerWithTopic()
    const ask = (from: WireClient) =>
      from.call(apis.metadata, { topics: [{ name: 'new' }], allowAutoTopicCreation: true })
    expect((await ask(client)).topics[0]?.errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
    const lenient = await wireClient(await testBroker({ config: { autoCreateTopics: true, defaultPartitions: 3 } }))
    expect((await ask(lenient)).topics[0]).toMatchObject({ errorCode: 0, name: 'new' })
    expect((await ask(lenient)).topics[0]?.partitions).toHaveLength(3)
  })

  // Of the requests that came while another one created the topic, 4 of 10 got TOPIC_ALREADY_EXISTS.
  it('are named in every answer while they are being made', async () => {
    const broker = await testBroker({ config: { autoCreateTopics: true } })
    const clients = await Promise.all(Array.from({ length: 20 }, () => wireClient(broker)))
    const topics = [{ name: 'new' }]
    const answers = await Promise.all(
      clients.map((client) => client.call(apis.metadata, { topics, allowAutoTopicCreation: true })),
    )
    expect(answers.map((answer) => answer.topics[0]?.errorCode)).toEqual(Array(20).fill(0))
    expect(new Set(answers.map((answer) => answer.topics[0]?.topicId)).size).toBe(1)
  })

  it.each([
    ['a bad name', { name: 'a b' }, errors.INVALID_TOPIC_EXCEPTION],
    ['no partitions', { numPartitions: 0 }, errors.INVALID_PARTITIONS],
    ['two replicas', { replicationFactor: 2 }, errors.INVALID_REPLICATION_FACTOR],
    ['an unknown configuration', { configs: [{ name: 'nonsense', value: '1' }] }, errors.INVALID_CONFIG],
    ['a bad value', { configs: [{ name: 'retention.ms', value: 'long' }] }, errors.INVALID_CONFIG],
    ['a value out of range', { configs: [{ name: 'retention.ms', value: '-2' }] }, errors.INVALID_CONFIG],
    ['a name that is taken', { name: 'events' }, errors.TOPIC_ALREADY_EXISTS],
    [
      'a strange assignment',
      { numPartitions: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      errors.INVALID_REPLICA_ASSIGNMENT,
    ],
  ])('are not made with %s', async (_, wrong, code) => {
    const { client } = await brokerWithTopic()
    const topic = { name: 'fresh', numPartitions: 1, replicationFactor: -1, ...wrong }
    for (const validateOnly of [true, false]) {
      const { topics } = await client.call(apis.createTopics, { topics: [topic], validateOnly })
      expect(topics[0]?.errorCode).toBe(code)
      expect(topics[0]?.errorMessage).toMatch(/\w/)
    }
  })

  it('are only checked with validate_only', async () => {
    const { client } = await brokerWithTopic()
    const topics = [{ name: 'fresh', numPartitions: -1, replicationFactor: -1 }]
    const checked = await client.call(apis.createTopics, { topics, validateOnly: true })
    expect(checked.topics[0]).toMatchObject({ errorCode: 0, numPartitions: 1, replicationFactor: 1 })
    expect((await client.call(apis.metadata, { topics: [{ name: 'fresh' }] })).topics[0]?.errorCode).toBe(3)
  })

  it('show and change their configuration', async () => {
    const { client } = await brokerWithTopic()
    const resource = { resourceType: 2, resourceName: 'events' }
    const alter = (configs: { name: string; configOperation: number; value: string | null }[]) =>
      client.call(apis.incrementalAlterConfigs, { resources: [{ ...resource, configs }], validateOnly: false })
    const show = async (keys: string[] | null) => {
      const resources = [{ ...resource, configurationKeys: keys }]
      return (await client.call(apis.describeConfigs, { resources })).results[0]?.configs ?? []
    }
    expect((await show(null)).length).toBeGreaterThan(20)
    await alter([
      { name: 'retention.ms', configOperation: 0, value: '1000' },
      { name: 'cleanup.policy', configOperation: 2, value: 'compact' },
    ])
    expect(await show(['retention.ms', 'cleanup.policy'])).toMatchObject([
      { name: 'cleanup.policy', value: 'delete,compact', configSource: 1, configType: 7 },
      { name: 'retention.ms', value: '1000', configSource: 1, configType: 5 },
    ])
    await alter([{ name: 'retention.ms', configOperation: 1, value: null }])
    expect(await show(['retention.ms'])).toMatchObject([{ value: '604800000', configSource: 5 }])
    const refused = await alter([{ name: 'retention.ms', configOperation: 0, value: 'x' }])
    expect(refused.responses[0]?.errorCode).toBe(errors.INVALID_CONFIG)
    const configs = Object.entries(config).map(([name, value]) => ({ name, value }))
    await client.call(apis.alterConfigs, { resources: [{ ...resource, configs }], validateOnly: false })
    expect((await show(['segment.bytes', 'cleanup.policy'])).map((entry) => entry.value)).toEqual(['delete', '1000000'])
  })

  it('grow, never shrink, each with its own answer', async () => {
    const { client } = await brokerWithTopic(2)
    const topics = [3, 2, 0].map((count) => ({ name: 'events', count }))
    const { results } = await client.call(apis.createPartitions, {
      topics: topics.slice(0, 1),
      timeoutMs: 1,
      validateOnly: false,
    })
    expect(results[0]?.errorCode).toBe(0)
    const shrunk = await client.call(apis.createPartitions, {
      topics: topics.slice(1),
      timeoutMs: 1,
      validateOnly: false,
    })
    expect(shrunk.results.map((result) => result.errorCode)).toEqual([
      errors.INVALID_PARTITIONS,
      errors.INVALID_PARTITIONS,
    ])
    expect((await client.call(apis.metadata, { topics: [{ name: 'events' }] })).topics[0]?.partitions).toHaveLength(3)
  })

  it('lose records on demand, and tell their size', async () => {
    const { client } = await brokerWithTopic()
    for (const value of ['a', 'b']) await produceOne(client, { topic: 'events', value })
    const partitions = [{ partitionIndex: 0, offset: -1 }]
    const deleted = await client.call(apis.deleteRecords, { topics: [{ name: 'events', partitions }], timeoutMs: 1 })
    expect(deleted.topics[0]?.partitions[0]).toMatchObject({ lowWatermark: 2, errorCode: 0 })
    const { results } = await client.call(apis.describeLogDirs, { topics: [{ topic: 'events', partitions: [0] }] })
    expect(results[0]?.topics[0]?.partitions[0]?.partitionSize).toBe(2 * batchOf(['a']).length)
    expect(await client.call(apis.describeCluster, { includeClusterAuthorizedOperations: false })).toMatchObject({
      controllerId: 1,
      brokers: [{ brokerId: 1 }],
    })
  })
})
