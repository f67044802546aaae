import { Admin } from '@platformatic/kafka'
import { apis, encodeRequestHeader, errors } from '@streampay/kafka/wire'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import type { Logger } from '../src/index.ts'
import { createTopic, produceOne, testBroker, wireClient } from './support/test-broker.ts'

type Line = { readonly message: string; readonly details: object }

/** Keeps what is logged as a warning or worse. */
function keepingLogger() {
  const lines: Line[] = []
  const keep = (details: object, message: string) => lines.push({ details, message })
  const drop = () => undefined
  const logger: Logger = { debug: drop, info: drop, warn: keep, error: keep }
  return { lines, logger }
}

const strange = (apiKey: number, apiVersion: number) =>
  Buffer.concat([
    encodeRequestHeader({ apiKey, apiVersion, correlationId: 1, clientId: 'test' }),
    Buffer.from([0, 0, 0, 0, 0, 0]),
  ])

test('answers ApiVersions of a future version with error 35 in a version 0 body, and keeps the connection', async () => {
  const client = await wireClient(await testBroker())
  const answer = new Promise<Buffer>((resolve) => client.socket.once('data', (chunk) => resolve(chunk as Buffer)))
  client.send(strange(apis.apiVersions.key, 99))
  const frame = await answer
  expect(frame.readInt32BE(4)).toBe(1)
  const body = apis.apiVersions.decodeResponse(0, frame.subarray(8))
  expect(body.errorCode).toBe(errors.UNSUPPORTED_VERSION)
  expect(body.apiKeys).toContainEqual({ apiKey: 18, minVersion: 0, maxVersion: 4 })
  expect((await client.call(apis.apiVersions, { clientSoftwareName: 'test' }, 3)).errorCode).toBe(0)
})

test('advertises both versions of transactions, and no feature of the new group protocol', async () => {
  const client = await wireClient(await testBroker())
  const { apiKeys, supportedFeatures } = await client.call(apis.apiVersions, {})
  const max = new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
  expect([max.get(0), max.get(24), max.get(26), max.get(28)]).toEqual([12, 3, 5, 5])
  expect(supportedFeatures.map(({ name }) => name)).toEqual(['transaction.version'])
  expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual([...max.keys()].toSorted((left, right) => left - right))
})

// Programs that guess a version from ApiVersions look for every API of clients, and took this log for Kafka 0.10.2.
test('advertises every API that Kafka 3.4 has for clients and tools', async () => {
  const client = await wireClient(await testBroker())
  const { apiKeys } = await client.call(apis.apiVersions, {})
  const forBrokers = [4, 5, 6, 7, 27, 52, 53, 54, 55, 56, 57, 58, 59, 62, 63, 64]
  const wanted = Array.from({ length: 67 }, (_, key) => key).filter((key) => !forBrokers.includes(key))
  expect(wanted.filter((key) => !apiKeys.some(({ apiKey }) => apiKey === key))).toEqual([])
})

test.each([0, 1])('tells a member of the new group protocol that it is not served, in version %i', async (version) => {
  const client = await wireClient(await testBroker())
  const member = { groupId: 'g', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'] }
  const answer = await client.call(apis.consumerGroupHeartbeat, member, version)
  expect(answer.errorCode).toBe(errors.UNSUPPORTED_VERSION)
  expect(answer.errorMessage).toContain('group.protocol=classic')
})

test.each([
  ['an API key that is not served', strange(999, 0)],
  ['a version that is not served', strange(apis.produce.key, 99)],
  ['a body that does not follow its layout', strange(apis.produce.key, 9)],
  ['a frame too short for a header', Buffer.from([1])],
])('closes a connection for %s, and logs it once', async (_what, frame) => {
  const { lines, logger } = keepingLogger()
  const broker = await testBroker({ logger })
  const client = await wireClient(broker)
  client.send(frame)
  client.send(frame)
  await client.closed
  expect(lines.map(({ message }) => message)).toEqual(['connection closed because the client sent invalid data'])
  expect((await (await wireClient(broker)).call(apis.apiVersions, {})).errorCode).toBe(0)
})

test.each([-1, 2000, 0x7fffffff])('closes a connection that announces a frame of %i bytes', async (size) => {
  const { lines, logger } = keepingLogger()
  const client = await wireClient(await testBroker({ logger, config: { maxFrameBytes: 1000 } }))
  const length = Buffer.alloc(4)
  length.writeInt32BE(size)
  client.socket.write(length)
  await client.closed
  expect(lines).toHaveLength(1)
  expect(lines[0]?.details).toMatchObject({ reason: `a frame of ${size} bytes, where 0 to 1000 are allowed` })
})

test('answers in the order of the requests, although a later one is done first', async () => {
  const broker = await testBroker()
  const [client, other] = [await wireClient(broker), await wireClient(broker)]
  await createTopic(client, 't')
  client.answered.length = 0
  const poll = client.call(
    apis.fetch,
    {
      maxWaitMs: 60_000,
      minBytes: 1,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    },
    12,
  )
  const after = client.call(apis.apiVersions, {})
  expect(await produceOne(other, { topic: 't', value: 'wakes the poll' })).toBe(0)
  expect((await poll).responses[0]?.partitions[0]?.highWatermark).toBe(1)
  expect((await after).errorCode).toBe(0)
  expect(client.answered).toEqual([2, 3])
})

test('takes a request that arrives byte by byte, and several in one piece', async () => {
  const client = await wireClient(await testBroker())
  const frame = (correlationId: number) => {
    const header = { apiKey: apis.listGroups.key, apiVersion: 0, correlationId, clientId: null }
    const bytes = encodeRequestHeader(header)
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  client.socket.setNoDelay(true)
  for (const byte of frame(100)) client.socket.write(Buffer.from([byte]))
  client.socket.write(Buffer.concat([frame(101), frame(102)]))
  await expect.poll(() => client.answered).toEqual([100, 101, 102])
})

test.each([
  ['too many requests', { maxRequestsInFlight: 2 }],
  ['requests of too many bytes', { maxBytesInFlight: 20 }],
])('reads no further while a client has %s open, and continues afterwards', async (_what, config) => {
  const client = await wireClient(await testBroker({ config }))
  const calls = Array.from({ length: 20 }, () => client.call(apis.listGroups, {}))
  expect((await Promise.all(calls)).map(({ errorCode }) => errorCode)).toEqual(Array(20).fill(0))
  expect(client.answered).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
})

test('listens on loopback addresses only', async () => {
  await expect(testBroker({ host: '0.0.0.0' })).rejects.toThrow('loopback addresses only')
})

const credentials = [{ username: 'ada', password: 'p4ss,=word' }]

test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('authenticates kafkajs by %s', async (mechanism) => {
  const broker = await testBroker({ config: { credentials } })
  const kafka = (password: string) =>
    new Kafka({
      clientId: 'js',
      brokers: [`${broker.host}:${broker.port}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      sasl: { mechanism: mechanism as 'plain', username: 'ada', password },
    })
  const admin = kafka('p4ss,=word').admin()
  await admin.connect()
  expect(await admin.listTopics()).toEqual(expect.arrayContaining(['__consumer_offsets']))
  await admin.disconnect()
  await expect(kafka('wrong').admin().connect()).rejects.toThrow(/wrong username or password/)
})

test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
  'authenticates @platformatic/kafka by %s',
  async (mechanism) => {
    const broker = await testBroker({ config: { credentials } })
    const admin = new Admin({
      clientId: 'plt',
      bootstrapBrokers: [`${broker.host}:${broker.port}`],
      sasl: { mechanism, username: 'ada', password: 'p4ss,=word' },
    })
    expect(await admin.listTopics({ includeInternals: true })).toContain('__consumer_offsets')
    await admin.close()
  },
)

test('answers nothing to a client that has not authenticated', async () => {
  const { lines, logger } = keepingLogger()
  const client = await wireClient(await testBroker({ config: { credentials }, logger }))
  expect((await client.call(apis.apiVersions, {})).errorCode).toBe(0)
  const refused = await client.call(apis.saslHandshake, { mechanism: 'GSSAPI' })
  expect(refused).toMatchObject({
    errorCode: errors.UNSUPPORTED_SASL_MECHANISM,
    mechanisms: expect.arrayContaining(['PLAIN']),
  })
  const early = await client.call(apis.saslAuthenticate, { authBytes: Buffer.from('\0ada\0p4ss,=word') })
  expect(early.errorCode).toBe(errors.ILLEGAL_SASL_STATE)
  await expect(client.call(apis.metadata, {})).rejects.toThrow('the connection closed')
  expect(lines[0]?.details).toMatchObject({ reason: 'API key 3 before authentication' })
})

test('takes the bare tokens that follow a handshake of version 0', async () => {
  const client = await wireClient(await testBroker({ config: { credentials } }))
  expect((await client.call(apis.saslHandshake, { mechanism: 'PLAIN' }, 0)).errorCode).toBe(0)
  client.socket.removeAllListeners('data')
  const accepted = new Promise<Buffer>((resolve) => client.socket.once('data', (chunk) => resolve(chunk as Buffer)))
  client.send(Buffer.from('\0ada\0p4ss,=word'))
  expect(await accepted).toEqual(Buffer.alloc(4))
})
