import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { apis, encodeRequestHeader } from '@streampay/kafka/wire'
import { afterEach, expect, test } from 'vitest'
import { type Broker, type BrokerConfig, defaultConfig, type Logger } from '../src/index.ts'
import { createTopic, ManualSchedule, produceOne, testBroker, wireClient } from './support/test-broker.ts'

const { firstRequestTimeoutMs, loginTimeoutMs, frameTimeoutMs, connectionsMaxIdleMs } = defaultConfig

type Line = { readonly message: string; readonly details: object }

async function setUp(config: Partial<BrokerConfig> = {}) {
  const timers = new ManualSchedule()
  const lines: Line[] = []
  const keep = (details: object, message: string) => lines.push({ details, message })
  const drop = () => undefined
  const logger: Logger = { debug: drop, info: drop, warn: keep, error: keep }
  const broker = await testBroker({ schedule: timers.schedule, logger, config })
  return { broker, timers, lines }
}

const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** A connection that sends nothing by itself; `closed` resolves when the broker has closed it. */
async function rawSocket(broker: Broker, localAddress?: string): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect({ port: broker.port, host: broker.host, localAddress })
  sockets.push(socket)
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return { socket, closed }
}

function apiVersionsFrame(): Buffer {
  const header = { apiKey: apis.apiVersions.key, apiVersion: 0, correlationId: 1, clientId: 'test' }
  const request = encodeRequestHeader(header)
  const length = Buffer.alloc(4)
  length.writeInt32BE(request.length)
  return Buffer.concat([length, request])
}

test('closes a connection that never makes its first request', async () => {
  const { broker, timers, lines } = await setUp()
  const silent = await rawSocket(broker)
  const slow = await rawSocket(broker)
  slow.socket.write(apiVersionsFrame().subarray(0, 6))
  const served = await wireClient(broker)
  await expect.poll(() => timers.waiting(firstRequestTimeoutMs)).toBe(3)
  expect((await served.call(apis.apiVersions, {})).errorCode).toBe(0)
  expect(timers.fire(firstRequestTimeoutMs)).toBe(2)
  await Promise.all([silent.closed, slow.closed])
  expect((await served.call(apis.apiVersions, {})).errorCode).toBe(0)
  expect(lines.map(({ message }) => message)).toEqual(Array(2).fill('connection closed by a timeout'))
})

test('closes a connection whose request does not get whole, and gives the next request a time of its own', async () => {
  const { broker, timers } = await setUp()
  const slow = await rawSocket(broker)
  const answer = once(slow.socket, 'data')
  slow.socket.write(Buffer.concat([apiVersionsFrame(), apiVersionsFrame().subarray(0, 9)]))
  await answer
  expect(timers.waiting(frameTimeoutMs)).toBe(1)
  const next = once(slow.socket, 'data')
  slow.socket.write(apiVersionsFrame().subarray(9))
  await next
  expect(timers.waiting(frameTimeoutMs)).toBe(0)
  slow.socket.write(apiVersionsFrame().subarray(0, 1))
  await expect.poll(() => timers.waiting(frameTimeoutMs)).toBe(1)
  // A request that begins where another ends has a time of its own, too.
  slow.socket.write(Buffer.concat([apiVersionsFrame().subarray(1), apiVersionsFrame().subarray(0, 1)]))
  await expect.poll(() => timers.begun(frameTimeoutMs)).toBe(3)
  const served = await wireClient(broker)
  expect((await served.call(apis.apiVersions, {})).errorCode).toBe(0)
  expect(timers.fire(frameTimeoutMs)).toBe(1)
  await slow.closed
  expect((await served.call(apis.apiVersions, {})).errorCode).toBe(0)
})

test('closes a connection without traffic, also while it waits for an answer', async () => {
  const { broker, timers } = await setUp({ connectionsMaxIdleMs: 601_000 })
  const idle = await wireClient(broker)
  const polling = await wireClient(broker)
  await createTopic(idle, 't')
  const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  const poll = polling.call(apis.fetch, { maxWaitMs: 2 ** 31 - 1, minBytes: 1, topics }, 12)
  const unanswered = expect(poll).rejects.toThrow('the connection closed')
  await expect.poll(() => timers.waiting(601_000)).toBe(2)
  expect(timers.fire(601_000)).toBe(2)
  await Promise.all([idle.closed, unanswered])
  expect((await (await wireClient(broker)).call(apis.apiVersions, {})).errorCode).toBe(0)
  expect(connectionsMaxIdleMs).toBe(600_000)
})

test('closes a connection whose client does not read its answers, and serves another meanwhile', async () => {
  const { broker, lines } = await setUp({ writeTimeoutMs: 300 })
  const deaf = await wireClient(broker)
  const other = await wireClient(broker)
  await createTopic(other, 't')
  for (let at = 0; at < 20; at++) expect(await produceOne(other, { topic: 't', value: 'x'.repeat(900_000) })).toBe(0)
  deaf.socket.pause()
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 16_000_000 }]
  const fetch = deaf.call(apis.fetch, { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 't', partitions }] }, 12)
  const unanswered = expect(fetch).rejects.toThrow('the connection closed')
  await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(1)
  expect(lines[0]?.details).toMatchObject({ reason: 'the client read no byte for 300 ms' })
  expect((await other.call(apis.apiVersions, {})).errorCode).toBe(0)
  deaf.socket.resume()
  await unanswered
})

test('refuses connections over the bound of an address, and serves another address meanwhile', async () => {
  const { broker, lines } = await setUp({ maxConnections: 5, maxConnectionsPerIp: 3 })
  const greedy = [await wireClient(broker), await wireClient(broker), await wireClient(broker)]
  for (const client of greedy) expect((await client.call(apis.apiVersions, {})).errorCode).toBe(0)
  await (await rawSocket(broker)).closed
  const other = await wireClient(broker, '127.0.0.2')
  expect((await other.call(apis.apiVersions, {})).errorCode).toBe(0)
  const third = await wireClient(broker, '127.0.0.3')
  expect((await third.call(apis.apiVersions, {})).errorCode).toBe(0)
  await (await rawSocket(broker, '127.0.0.4')).closed
  expect(lines.map(({ details }) => details)).toEqual([
    { host: '127.0.0.1', maxConnectionsPerIp: 3 },
    { host: '127.0.0.4', maxConnections: 5 },
  ])
  greedy[0]?.close()
  await expect
    .poll(async () => {
      const again = await wireClient(broker)
      return (await again.call(apis.apiVersions, {}).catch(() => ({ errorCode: -1 }))).errorCode
    })
    .toBe(0)
})

test('writes no more than ten lines a second about what clients do, and how many it left out', async () => {
  const { broker, timers, lines } = await setUp()
  for (let count = 0; count < 25; count++) {
    const strange = await rawSocket(broker)
    strange.socket.write(Buffer.from([0, 0, 0, 1, 1]))
    await strange.closed
  }
  expect(lines).toHaveLength(10)
  expect(timers.fire(1000)).toBe(1)
  expect(lines.at(-1)).toEqual({ details: { leftOut: 15 }, message: 'more lines like these were left out' })
})

test('closes a connection without a login in time, and takes no large frame before one', async () => {
  const credentials = [{ username: 'ada', password: 'right' }]
  const { broker, timers, lines } = await setUp({ credentials })
  const stranger = await wireClient(broker)
  const known = await wireClient(broker)
  for (const client of [stranger, known]) expect((await client.call(apis.apiVersions, {})).errorCode).toBe(0)
  await known.call(apis.saslHandshake, { mechanism: 'PLAIN' })
  expect((await known.call(apis.saslAuthenticate, { authBytes: Buffer.from('\0ada\0right') })).errorCode).toBe(0)
  expect(timers.fire(loginTimeoutMs)).toBe(2)
  await stranger.closed
  expect((await known.call(apis.apiVersions, {})).errorCode).toBe(0)

  const announce = async (bytes: number) => {
    const { socket, closed } = await rawSocket(broker)
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes)
    socket.write(length)
    return { socket, closed }
  }
  const atTheBound = await announce(64 * 1024)
  await (await announce(64 * 1024 + 1)).closed
  expect(lines.at(-1)?.details).toMatchObject({ reason: 'a frame of 65537 bytes, where 0 to 65536 are allowed' })
  expect(atTheBound.socket.destroyed).toBe(false)
  await createTopic(known, 't')
  expect(await produceOne(known, { topic: 't', value: 'x'.repeat(100_000) })).toBe(0)
})
