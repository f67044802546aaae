import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { testGateway } from './support/definition.ts'
import {
  type KeptSurroundings,
  openKeptSurroundings,
  openTestGateway,
  type TestGateway,
} from './support/test-gateway.ts'

const definition = testGateway({ heartbeatMs: 200, replyTimeoutMs: 2_000, valueCacheBytes: 1 })
let surroundings: KeptSurroundings
let gateway: TestGateway

beforeAll(async () => {
  surroundings = await openKeptSurroundings(definition)
  gateway = await openTestGateway(definition, surroundings)
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

it('says in time that the log is away, keeps its streams open, and continues by itself when it is back', async () => {
  const { log, issuer, replier } = surroundings
  replier.answering = () => ({ status: 200, body: { done: true } })
  const token = await issuer.token('ada', 'read write')
  const http = gateway.http2
  await log.put('entries', 'ada', { n: 1 }, { 'x:identity': 'ada' })
  await log.put('scores', 'ada', { score: 1 }, { 'x:identity': 'ada' })
  const stream = await http.stream('/entries', { token })
  await stream.caughtUp()
  expect((await http.call('/do', { token, body: { what: 'x' } })).status).toBe(200)

  await log.stop()
  const refused = await http.call('/do', { token, body: { what: 'x' }, headers: { 'idempotency-key': 'k' } })
  expect([refused.status, refused.headers['retry-after'], refused.headers['idempotency-key']]).toEqual([503, '2', 'k'])
  expect(refused.json()).toMatchObject({ type: 'urn:test:problem:log-unavailable' })
  await expect.poll(async () => (await http.call('/health/ready')).status, { timeout: 5_000 }).toBe(503)
  // What is in memory can still be read; what is not says so.
  expect((await http.call('/score', { token })).json()).toEqual({ score: 1 })
  expect((await http.call('/entries', { token })).status).toBe(503)
  await stream.nextHeartbeat()
  const waiting = await http.stream('/entries', { token })
  await waiting.nextHeartbeat()

  await log.start()
  await log.put('entries', 'ada', { n: 2 }, { 'x:identity': 'ada' })
  await stream.event(({ data }) => data === '{"n":2}')
  await waiting.event(({ data }) => data === '{"n":2}')
  expect(waiting.values()).toEqual([{ n: 1 }, { n: 2 }])
  await expect
    .poll(async () => (await http.call('/do', { token, body: { what: 'x' } })).status, { timeout: 10_000 })
    .toBe(200)
  await expect.poll(async () => (await http.call('/health/ready')).status, { timeout: 10_000 }).toBe(200)
  stream.close()
  waiting.close()
}, 60_000)

// Only commands had a deadline of their own: a PUT waited as long as the log kept silent.
it('answers in time that it is not known whether a profile was written, while the log hangs', async () => {
  const { log, issuer } = surroundings
  const another = await openTestGateway(definition, surroundings)
  const silence = Promise.withResolvers<never>()
  const asking = vi.spyOn(log.cluster, 'anyBroker').mockReturnValue(silence.promise)
  const token = await issuer.token('ada', 'write')
  const unknown = await another.http2.call('/profile', { method: 'PUT', token, body: { name: 'Ada' } })
  expect(unknown.status).toBe(504)
  expect(unknown.json()).toMatchObject({ type: 'urn:test:problem:outcome-unknown' })
  asking.mockRestore()
  silence.reject(new Error('the end of the test'))
  await another.close()
})

it('starts over when a topic was created again, and tells its streams', async () => {
  const { log, issuer } = surroundings
  const token = await issuer.token('zoe', 'read')
  await log.put('tasks', 'old', { id: 'old', text: '' }, { 'x:identity': 'zoe', 'x:state': 'open' })
  const stream = await gateway.http2.stream('/tasks', { token })
  expect(stream.status).toBe(200)
  await stream.caughtUp()
  const old = stream.lastId()
  await log.admin.deleteTopics(['tasks'])
  await log.admin.createTopics([
    { name: 'tasks', partitions: 4, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } },
  ])
  await stream.event(({ event }) => event === 'reset')
  await log.put('tasks', 'new', { id: 'new', text: '' }, { 'x:identity': 'zoe', 'x:state': 'open' })
  await stream.event(({ data }) => data?.includes('"new"') ?? false)
  // Whoever comes anew waits until the view is known to hold everything.
  await expect.poll(async () => (await gateway.http2.call('/tasks', { token })).status).toBe(200)
  const resumed = await gateway.http2.stream('/tasks', { token, headers: { 'last-event-id': old ?? '' } })
  expect(await resumed.caughtUp()).toEqual([{ id: 'new', text: '' }])
  expect(resumed.events[0]).toMatchObject({ event: 'reset', data: '{"reason":"other-topic"}' })
  stream.close()
  resumed.close()
}, 60_000)
