import { once } from 'node:events'
import { createServer } from 'node:net'
import { apis } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { startProcess } from './support/broker-process.ts'
import { createTopic, produceOne, testBroker, wireClient } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

test('says when it is ready, serves, ends cleanly on SIGTERM, and goes on where it was', async () => {
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

test('tells clients the address of the proxy that stands before it', async () => {
  const settings = { BROKER_DATA_DIR: temporaryFolder(), BROKER_ADVERTISED_ADDRESS: 'localhost:4711' }
  const client = await wireClient(await startProcess(settings).ready)
  const { brokers } = await client.call(apis.metadata, { topics: [] })
  expect(brokers).toMatchObject([{ host: 'localhost', port: 4711 }])
  const { coordinators } = await client.call(apis.findCoordinator, { keyType: 0, coordinatorKeys: ['group'] })
  expect(coordinators).toMatchObject([{ host: 'localhost', port: 4711 }])
})

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
])('refuses the settings %o', async (env, named) => {
  const { code, stderr } = await startProcess({ BROKER_DATA_DIR: temporaryFolder(), ...env }).exited
  expect(code).toBe(1)
  expect(stderr).toContain(named)
  expect(stderr.split('\n')).toHaveLength(1)
})
