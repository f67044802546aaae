import { once } from 'node:events'
import { createServer } from 'node:net'
import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { startProcess } from './support/broker-process.ts'
import { createTopic, produceOne, testBroker, type WireClient, wireClient } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

test('reports when it is ready, serves, ends cleanly on SIGTERM, and continues after a restart', async () => {
  const dataDir = temporaryFolder()
  const first = startProcess({ BROKER_DATA_DIR: dataDir })
  const client = await wireClient(await first.ready)
  await createTopic(client, 't')
  await produceOne(client, { topic: 't', value: 'a' })
  first.child.kill('SIGTERM')
  expect(await first.exited).toEqual({ code: 0, stderr: '' })

  const second = startProcess({ BROKER_DATA_DIR: dataDir })
  const again = await wireClient(await second.ready)
  const { topics } = await again.call(apis.listOffsets, {
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  expect(topics[0]?.partitions[0]?.offset).toBe(1)
  // After a disconnect the parent's handle never says 'close'.
  const exited = once(second.child, 'exit')
  second.child.disconnect()
  expect(await exited).toEqual([0, null])
})

test('keeps what it acknowledged when it is killed', async () => {
  const dataDir = temporaryFolder()
  const first = startProcess({ BROKER_DATA_DIR: dataDir })
  const client = await wireClient(await first.ready)
  await createTopic(client, 't')
  for (const value of ['a', 'b', 'c']) expect(await produceOne(client, { topic: 't', value })).toBe(0)
  first.child.kill('SIGKILL')
  await first.exited
  const again = await wireClient(await startProcess({ BROKER_DATA_DIR: dataDir }).ready)
  const { topics } = await again.call(apis.listOffsets, {
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  expect(topics[0]?.partitions[0]?.offset).toBe(3)
})

test('takes times and bounds from its settings', async () => {
  const settings = { BROKER_DATA_DIR: temporaryFolder(), BROKER_MAX_CONNECTIONS_PER_IP: '1' }
  const broker = await startProcess(settings).ready
  const first = await wireClient(broker)
  expect((await first.call(apis.apiVersions, {})).errorCode).toBe(0)
  await (await wireClient(broker)).closed
  const other = await wireClient(broker, '127.0.0.2')
  expect((await other.call(apis.apiVersions, {})).errorCode).toBe(0)
})

test('advertises the address of the proxy before it', async () => {
  const settings = { BROKER_DATA_DIR: temporaryFolder(), BROKER_ADVERTISED_ADDRESS: 'localhost:4711' }
  const client = await wireClient(await startProcess(settings).ready)
  const { brokers } = await client.call(apis.metadata, { topics: [] })
  expect(brokers).toMatchObject([{ host: 'localhost', port: 4711 }])
  const { coordinators } = await client.call(apis.findCoordinator, { keyType: 0, coordinatorKeys: ['group'] })
  expect(coordinators).toMatchObject([{ host: 'localhost', port: 4711 }])
})

test('makes topics that clients ask for only where BROKER_AUTO_CREATE_TOPICS says so', async () => {
  for (const [setting, code] of [
    ['true', errors.NONE],
    ['false', errors.UNKNOWN_TOPIC_OR_PARTITION],
  ] as const) {
    const env = { BROKER_DATA_DIR: temporaryFolder(), BROKER_AUTO_CREATE_TOPICS: setting }
    const client = await wireClient(await startProcess(env).ready)
    const { topics } = await client.call(apis.metadata, { topics: [{ name: 'new' }], allowAutoTopicCreation: true })
    expect(topics[0]?.errorCode).toBe(code)
  }
})

// At its limit of descriptors, one a partition, the process ended. Connections share that limit.
test.runIf(process.platform !== 'win32')(
  'continues with more partitions, and more clients, than it may open files',
  async () => {
    const { ready, child } = startProcess({ BROKER_DATA_DIR: temporaryFolder() }, 128)
    const broker = await ready
    const client = await wireClient(broker)
    await createTopic(client, 'wide', 150)
    const others = await Promise.all(Array.from({ length: 100 }, () => wireClient(broker)))
    const isAnswered = (of: WireClient) =>
      of.call(apis.apiVersions, {}).then(
        () => true,
        () => false,
      )
    // Connections may have three eighths of the limit, and `client` has one.
    expect((await Promise.all(others.map(isAnswered))).filter(Boolean)).toHaveLength(47)
    for (let partition = 0; partition < 150; partition++) {
      expect(await produceOne(client, { topic: 'wide', partition, value: 'a' })).toBe(0)
    }
    for (const other of others) other.close()
    const partitions = Array.from({ length: 150 }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    const { topics } = await client.call(apis.listOffsets, { topics: [{ name: 'wide', partitions }] })
    expect(topics[0]?.partitions.map(({ offset }) => offset)).toEqual(Array(150).fill(1))
    expect(child.exitCode).toBeNull()
    const isServed = async () => isAnswered(await wireClient(broker))
    await expect.poll(isServed, { timeout: 20_000 }).toBe(true)
  },
  60_000,
)

test('says in one sentence that its port is in use', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const { exited } = startProcess({ BROKER_DATA_DIR: temporaryFolder(), BROKER_PORT: String(port) })
  expect(await exited).toEqual({ code: 1, stderr: `broker: port ${port} of 127.0.0.1 is in use by another program` })
  server.close()
})

test('says in one sentence that its folder is in use', async () => {
  const dataDir = temporaryFolder()
  await testBroker({ dataDir })
  const { code, stderr } = await startProcess({ BROKER_DATA_DIR: dataDir }).exited
  expect(code).toBe(1)
  expect(stderr).toContain(dataDir)
  expect(stderr.split('\n')).toHaveLength(1)
})

test.each([
  [{ BROKER_DATA_DIR: '' }, 'BROKER_DATA_DIR'],
  [{ BROKER_PORT: 'many' }, 'BROKER_PORT'],
  [{ BROKER_HOST: '0.0.0.0' }, 'loopback'],
  [{ BROKER_ADVERTISED_ADDRESS: 'localhost' }, 'BROKER_ADVERTISED_ADDRESS'],
  [{ BROKER_ADVERTISED_ADDRESS: 'localhost:70000' }, 'BROKER_ADVERTISED_ADDRESS'],
  [{ BROKER_ADVERTISED_ADDRESS: '192.0.2.1:9092' }, 'loopback'],
  [{ BROKER_SASL_USERS: 'nobody' }, 'BROKER_SASL_USERS'],
  [{ BROKER_CONNECTIONS_MAX_IDLE_MS: '10 min' }, 'BROKER_CONNECTIONS_MAX_IDLE_MS'],
  [{ BROKER_MAX_CONNECTIONS_PER_IP: '-1' }, 'BROKER_MAX_CONNECTIONS_PER_IP'],
  [{ BROKER_LOGIN_TIMEOUT_MS: '2147483648' }, 'BROKER_LOGIN_TIMEOUT_MS'],
  [{ BROKER_AUTO_CREATE_TOPICS: 'yes' }, 'BROKER_AUTO_CREATE_TOPICS'],
])('refuses the settings %o', async (env, named) => {
  const { code, stderr } = await startProcess({ BROKER_DATA_DIR: temporaryFolder(), ...env }).exited
  expect(code).toBe(1)
  expect(stderr).toContain(named)
  expect(stderr.split('\n')).toHaveLength(1)
})
