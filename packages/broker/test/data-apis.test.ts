import { apis, encodeBatch, errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { batchOf, valuesOf } from './support/batches.ts'
import { createTopic, produceOne, record, testBroker, type WireClient, wireClient } from './support/test-broker.ts'

async function brokerWithTopic(partitions = 1): Promise<{ client: WireClient; topicId: string }> {
  const client = await wireClient(await testBroker())
  await createTopic(client, 'events', partitions)
  const { topics } = await client.call(apis.metadata, { topics: [{ name: 'events' }] })
  return { client, topicId: topics[0]?.topicId ?? '' }
}

type FetchOptions = { offset?: number; minBytes?: number; maxWaitMs?: number; maxBytes?: number; partitions?: number[] }

async function fetchFrom(client: WireClient, topicId: string, options: FetchOptions = {}, version = 17) {
  const { offset: fetchOffset = 0, maxWaitMs = 0, minBytes = 1, maxBytes = 1_000_000, partitions = [0] } = options
  const asked = partitions.map((partition) => ({ partition, fetchOffset, partitionMaxBytes: maxBytes }))
  const topics = [{ topic: 'events', topicId, partitions: asked }]
  const response = await client.call(apis.fetch, { maxWaitMs, minBytes, maxBytes, topics }, version)
  return response.responses[0]?.partitions ?? []
}

describe('Produce', () => {
  it.each([3, 7, 9, 11])('version %i answers the offsets of what it wrote', async (version) => {
    const { client, topicId } = await brokerWithTopic()
    const topicData = [{ name: 'events', partitionData: [{ index: 0, records: batchOf(['a', 'b']) }] }]
    const { responses } = await client.call(apis.produce, { acks: -1, timeoutMs: 1000, topicData }, version)
    expect(responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(valuesOf((await fetchFrom(client, topicId))[0]?.records ?? Buffer.alloc(0))).toEqual(['a', 'b'])
  })

  it.each([
    ['an older message format', 2, 'events', 0, batchOf(['a']), -1, errors.UNSUPPORTED_FOR_MESSAGE_FORMAT],
    ['an unknown topic', 11, 'nowhere', 0, batchOf(['a']), -1, errors.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown partition', 11, 'events', 1, batchOf(['a']), -1, errors.UNKNOWN_TOPIC_OR_PARTITION],
    ['no records', 11, 'events', 0, null, -1, errors.INVALID_RECORD],
    ['impossible acks', 11, 'events', 0, batchOf(['a']), 2, errors.INVALID_REQUIRED_ACKS],
    ["the broker's own topic", 11, '__consumer_offsets', 0, batchOf(['a']), -1, errors.INVALID_TOPIC_EXCEPTION],
  ] as const)('refuses %s', async (_, version, name, index, records, acks, code) => {
    const { client } = await brokerWithTopic()
    const topicData = [{ name, partitionData: [{ index, records }] }]
    const { responses } = await client.call(apis.produce, { acks, timeoutMs: 1000, topicData }, version)
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(code)
  })

  it('without acks sends no response, and the next request on the connection is answered', async () => {
    const { client, topicId } = await brokerWithTopic()
    const topicData = [{ name: 'events', partitionData: [{ index: 0, records: batchOf(['quiet']) }] }]
    const unanswered = client.call(apis.produce, { acks: 0, timeoutMs: 1000, topicData })
    unanswered.catch(() => undefined) // It ends with the connection, after the test.
    const waited = await fetchFrom(client, topicId, { maxWaitMs: 10_000 })
    expect(valuesOf(waited[0]?.records ?? Buffer.alloc(0))).toEqual(['quiet'])
    // Responses keep the order of requests: one to Produce would have come before that of the Fetch.
    expect(await Promise.race([unanswered, 'nothing'])).toBe('nothing')
  })
})

describe('Fetch', () => {
  it('waits until there is enough data, and no longer', async () => {
    const { client, topicId } = await brokerWithTopic()
    const other = await wireClient(await brokerOf(client))
    const waiting = fetchFrom(client, topicId, { maxWaitMs: 60_000 })
    await produceOne(other, { topic: 'events', value: 'a' })
    expect(valuesOf((await waiting)[0]?.records ?? Buffer.alloc(0))).toEqual(['a'])
    const more = fetchFrom(client, topicId, { maxWaitMs: 60_000, minBytes: 100 })
    await produceOne(other, { topic: 'events', value: 'b' })
    expect(valuesOf((await more)[0]?.records ?? Buffer.alloc(0))).toEqual(['a', 'b'])
    expect((await fetchFrom(client, topicId, { offset: 2 }))[0]).toMatchObject({ errorCode: 0, highWatermark: 2 })
  })

  it('gives at least one batch in all, from the first partition that has data', async () => {
    const { client, topicId } = await brokerWithTopic(3)
    for (const partition of [1, 2]) await produceOne(client, { topic: 'events', partition, value: 'x'.repeat(1000) })
    const answers = await fetchFrom(client, topicId, { maxBytes: 10, partitions: [0, 1, 2] })
    expect(answers.map((answer) => (answer.records?.length ?? 0) > 0)).toEqual([false, true, false])
  })

  it.each([
    [4, 0, 0, errors.NONE],
    [11, 0, 0, errors.NONE],
    [12, 0, 0, errors.NONE],
    [3, 0, 0, errors.UNSUPPORTED_VERSION],
    [17, 5, 0, errors.OFFSET_OUT_OF_RANGE],
    [17, 0, 7, errors.UNKNOWN_TOPIC_OR_PARTITION],
  ])('version %i from offset %i of partition %i answers %i', async (version, offset, partition, code) => {
    const { client, topicId } = await brokerWithTopic()
    await produceOne(client, { topic: 'events', value: 'a' })
    const [answer] = await fetchFrom(client, topicId, { offset, partitions: [partition] }, version)
    expect(answer?.errorCode).toBe(code)
  })

  it('finds topics by id, but not a deleted one', async () => {
    const { client, topicId } = await brokerWithTopic()
    await client.call(apis.deleteTopics, { topics: [{ name: null, topicId }], timeoutMs: 1000 })
    await createTopic(client, 'events')
    expect((await fetchFrom(client, topicId))[0]?.errorCode).toBe(errors.UNKNOWN_TOPIC_ID)
    expect((await fetchFrom(client, topicId, {}, 12))[0]?.errorCode).toBe(errors.NONE)
  })
})

describe('ListOffsets', () => {
  it('answers start, end, largest time and times', async () => {
    const { client } = await brokerWithTopic()
    const now = Date.now()
    const records = [now - 3000, now - 1000, now - 2000].map((timestamp) => ({ ...record('x'), timestamp }))
    const topicData = [{ name: 'events', partitionData: [{ index: 0, records: encodeBatch({ records }) }] }]
    await client.call(apis.produce, { acks: -1, timeoutMs: 1000, topicData })
    const ask = async (timestamp: number) => {
      const topics = [{ name: 'events', partitions: [{ partitionIndex: 0, timestamp }] }]
      return (await client.call(apis.listOffsets, { topics })).topics[0]?.partitions[0]
    }
    expect(await ask(-1)).toMatchObject({ offset: 3, errorCode: 0, leaderEpoch: 0 })
    expect(await ask(-2)).toMatchObject({ offset: 0 })
    expect(await ask(-3)).toMatchObject({ offset: 1, timestamp: now - 1000 })
    expect(await ask(now - 2500)).toMatchObject({ offset: 1, timestamp: now - 1000 })
    expect(await ask(now)).toMatchObject({ offset: -1, timestamp: -1, errorCode: 0 })
  })
})

async function brokerOf(client: WireClient) {
  const { remoteAddress = '', remotePort = 0 } = client.socket
  return { host: remoteAddress, port: remotePort, failure: new Promise<Error>(() => {}), close: async () => {} }
}
