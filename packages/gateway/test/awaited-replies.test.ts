import { randomUUID } from 'node:crypto'
import { openTransactionalProducer } from '@streampay/kafka'
import { onMoment } from '@streampay/process'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newCorrelationId } from '../src/commands/correlation-id.ts'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { textHeaders } from './support/replier.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway({ replyTimeoutMs: 1_500 })
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
  token = await surroundings.issuer.token('ada', 'write read')
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})
beforeEach(() => {
  surroundings.replier.answering = () => ({ status: 200, body: { done: true } })
})

function replyIdOf(location: string | undefined): string {
  return /^\/replies\/([0-9a-f-]{36})$/.exec(location ?? '')?.[1] ?? ''
}

describe('when no reply comes', () => {
  it('answers 504 in time, with the place where the reply will be', async () => {
    const late = Promise.withResolvers<void>()
    surroundings.replier.answering = () => undefined
    const answer = await http.call('/do', {
      token,
      body: { what: 'x' },
      headers: { 'idempotency-key': 'k1', prefer: 'wait=1' },
    })
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([504, 'urn:test:problem:outcome-unknown'])
    expect(answer.headers['idempotency-key']).toBe('k1')
    const id = replyIdOf(answer.headers.location)
    const pending = await http.call(`/replies/${id}`, { token })
    expect([pending.status, pending.text]).toEqual([202, '{"status":"pending"}'])
    late.resolve()
    await surroundings.log.put(
      'replies',
      id,
      { done: 'late' },
      { ':status': '200', 'x:identity': 'ada', 'x:correlation-id': id, 'idempotency-key': 'k1' },
    )
    await expect.poll(async () => (await http.call(`/replies/${id}`, { token })).text).toBe('{"done":"late"}')
  })
})

describe('Prefer: respond-async', () => {
  it('answers 202 at once, and the reply waits where it says', async () => {
    surroundings.replier.answering = () => undefined
    const answer = await http.call('/do', { token, body: { what: 'x' }, headers: { prefer: 'respond-async' } })
    expect([answer.status, answer.headers['preference-applied']]).toEqual([202, 'respond-async'])
    expect(answer.headers['idempotency-key']).toBeDefined()
    const id = replyIdOf(answer.headers.location)
    await surroundings.log.put(
      'replies',
      id,
      { type: 'urn:x' },
      { ':status': '409', 'x:identity': 'ada', 'x:correlation-id': id, 'content-type': 'application/problem+json' },
    )
    await expect.poll(async () => (await http.call(`/replies/${id}`, { token })).status).toBe(409)
    const reply = await http.call(`/replies/${id}`, { token })
    expect(reply.headers['content-type']).toMatch(/problem\+json/)
  })

  it('answers 202 even if the reply is faster than the acknowledgement', async () => {
    surroundings.replier.answering = () => undefined
    // The reply is on its way to the log before the command is.
    let isOver = false
    onMoment((moment) => {
      if (moment.step !== 'asked' || isOver) return
      const headers = { ':status': '200', 'x:identity': 'ada', 'x:correlation-id': moment.id }
      void surroundings.log.put('replies', moment.id, { done: true }, headers)
    })
    try {
      for (let n = 0; n < 50; n++) {
        const answer = await http.call('/do', { token, body: { what: 'x' }, headers: { prefer: 'respond-async' } })
        expect(answer.status).toBe(202)
      }
    } finally {
      isOver = true
    }
  })

  it('with wait gives the reply itself if it comes in that time', async () => {
    const answer = await http.call('/do', { token, body: { what: 'x' }, headers: { prefer: 'respond-async, wait=1' } })
    expect([answer.status, answer.text]).toEqual([200, '{"done":true}'])
  })
})

describe('GET /replies/{id}', () => {
  it('shows a reply to its own caller alone', async () => {
    surroundings.replier.answering = () => ({ status: 200, body: { mine: 1 } })
    await http.call('/do', { token, body: { what: 'x' } })
    const id = textHeaders(surroundings.replier.commands.at(-1)!)['x:correlation-id']
    const eve = await surroundings.issuer.token('eve', 'read write')
    expect((await http.call(`/replies/${id}`, { token })).text).toBe('{"mine":1}')
    const others = await http.call(`/replies/${id}`, { token: eve })
    expect([others.status, others.text]).toEqual([202, '{"status":"pending"}'])
    expect((await http.call(`/replies/${id}`)).status).toBe(401)
  })

  it.each([
    ['of eleven minutes ago', () => newCorrelationId({ now: () => Date.now() - 660_000 })],
    ['of tomorrow', () => newCorrelationId({ now: () => Date.now() + 86_400_000 })],
    ['that is no UUIDv7', () => randomUUID()],
    ['that is no UUID', () => 'x'],
  ])('knows no reply to a request %s', async (_what, id) => {
    expect((await http.call(`/replies/${id()}`, { token })).status).toBe(404)
  })
})

describe('a second gateway', () => {
  it('knows the replies of the last ten minutes from its start', async () => {
    await http.call('/do', { token, body: { what: 'x' } })
    const id = textHeaders(surroundings.replier.commands.at(-1)!)['x:correlation-id']
    const second = await openTestGateway(definition, surroundings)
    expect((await second.http1.call(`/replies/${id}`, { token })).text).toBe('{"done":true}')
    await second.close()
  })

  it('is ready before it has read them, and finds them on the log meanwhile', async () => {
    await http.call('/do', { token, body: { what: 'x' } })
    const id = textHeaders(surroundings.replier.commands.at(-1)!)['x:correlation-id']
    // A transaction that stays open holds back what is read to the end of the topic.
    const open = await openTransactionalProducer(surroundings.log.cluster, { transactionalId: randomUUID() })
    open.begin()
    await open.send([0, 1, 2, 3].map((partition) => ({ topic: 'replies', partition, key: 'k', value: '{}' })))
    const second = await openTestGateway(definition, surroundings)
    expect((await second.http1.call(`/replies/${id}`, { token })).text).toBe('{"done":true}')
    await open.abort()
    await open.close()
    await second.close()
  })

  it('finds a reply on the log that its memory did not hold', async () => {
    await http.call('/do', { token, body: { what: 'first' } })
    const id = textHeaders(surroundings.replier.commands.at(-1)!)['x:correlation-id']
    await http.call('/do', { token, body: { what: 'second' } })
    const small = await openTestGateway(testGateway({ replyCacheBytes: 400 }), surroundings)
    expect((await small.http1.call(`/replies/${id}`, { token })).text).toBe('{"done":true}')
    await small.close()
  })
})
