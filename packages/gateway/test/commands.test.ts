import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { textHeaders } from './support/replier.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway({ replyTimeoutMs: 1_500, commandsInFlightOfOne: 3 })
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

describe('a command', () => {
  it.each(['http1', 'http2'] as const)('becomes a record, and its reply the answer, over %s', async (protocol) => {
    const answer = await gateway[protocol].call('/do', { token, body: { what: 'it', times: 2 } })
    expect([answer.status, answer.text]).toEqual([200, '{"done":true}'])
    expect(answer.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
    const record = surroundings.replier.commands.at(-1)
    expect(record?.key?.toString()).toBe('ada')
    expect(record?.value?.toString()).toBe('{"what":"it","times":2}')
    expect(textHeaders(record!)).toEqual({
      'x:model': 'Do',
      'x:identity': 'ada',
      'x:correlation-id': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      'x:reply-to': 'replies',
      'idempotency-key': answer.headers['idempotency-key'],
      'content-type': 'application/json',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    })
  })

  it('carries the parameter of its path, and the client’s key and trace', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const answer = await http.call('/tasks/t-1/close', {
      token,
      method: 'POST',
      headers: { 'idempotency-key': 'my-key', traceparent, 'x-identity': 'eve', identity: 'eve' },
    })
    expect(answer.status).toBe(200)
    expect(answer.headers['idempotency-key']).toBe('my-key')
    const headers = textHeaders(surroundings.replier.commands.at(-1)!)
    expect(headers).toMatchObject({ 'x:task-id': 't-1', 'idempotency-key': 'my-key', traceparent, 'x:identity': 'ada' })
    expect(surroundings.replier.commands.at(-1)?.value?.toString()).toBe('{}')
  })

  it('leaves neither token nor claim in any record', async () => {
    await http.call('/do', { token, body: { what: 'it' } })
    const records = [...(await surroundings.log.records('commands')), ...(await surroundings.log.records('replies'))]
    const all = records
      .map((record) =>
        JSON.stringify([record.key, record.value, record.headers.map(([name, value]) => [name, value?.toString()])]),
      )
      .join()
    expect(records.length).toBeGreaterThan(0)
    expect(all).not.toContain(token)
    expect(all.toLowerCase()).not.toMatch(/bearer|authorization|"iss"|"aud"/)
    expect(gateway.lines.join('')).not.toContain(token)
  })

  it('hands on refusals of the service as they are', async () => {
    const problem = { type: 'urn:x', title: 'No', status: 409, detail: 'Not now', available: 3 }
    surroundings.replier.answering = () => ({ status: 409, body: problem })
    const answer = await http.call('/do', { token, body: { what: 'it' } })
    expect(answer.status).toBe(409)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json()).toEqual(problem)
    expect(answer.headers['idempotency-key']).toBeDefined()
  })

  it('hands on when a refusal may be tried again', async () => {
    surroundings.replier.answering = () => ({ status: 429, body: { type: 'urn:x' }, retryAfter: '17' })
    const answer = await http.call('/do', { token, body: { what: 'it' } })
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '17'])
    for (const retryAfter of ['soon', '1\r\nx: y']) {
      surroundings.replier.answering = () => ({ status: 429, body: { type: 'urn:x' }, retryAfter })
      const other = await http.call('/do', { token, body: { what: 'it' } })
      expect([other.status, other.headers['retry-after']]).toEqual([429, undefined])
    }
  })

  it('is answered by a reply of the release before, which names its identity as commands do', async () => {
    surroundings.replier.answering = () => undefined
    const asked = http.call('/do', { token, body: { what: 'old' } })
    await expect.poll(() => surroundings.replier.commands.at(-1)?.value?.toString()).toBe('{"what":"old"}')
    const id = textHeaders(surroundings.replier.commands.at(-1)!)['x:correlation-id'] ?? ''
    const headers = { ':status': '200', 'x:identity': 'ada', 'x:correlation-id': id }
    await surroundings.log.put('replies', id, { old: true }, headers)
    expect((await asked).text).toBe('{"old":true}')
  })

  it('says when an outcome is a repeated one', async () => {
    surroundings.replier.answering = () => ({ status: 200, body: {}, replayed: true })
    expect((await http.call('/do', { token, body: { what: 'it' } })).headers['idempotency-replayed']).toBe('true')
  })

  it('is not answered by a reply that is somebody else’s', async () => {
    surroundings.replier.answering = () => ({ status: 200, body: { secret: 1 }, identity: 'eve' })
    const answer = await http.call('/do', { token, body: { what: 'it' }, headers: { prefer: 'wait=1' } })
    expect(answer.status).toBe(504)
  })
})

describe('who may not', () => {
  it.each([
    ['has no token', async () => undefined, 401, 'unauthorized'],
    ['lacks the scope', () => surroundings.issuer.token('ada', 'read'), 403, 'missing-scope'],
    ['is the system itself', () => surroundings.issuer.token('system:x', 'write'), 403, 'reserved-identity'],
    ['has a forged token', () => surroundings.issuer.forged('ada', 'write'), 401, 'unauthorized'],
  ])('%s', async (_what, tokenOf, status, slug) => {
    const answer = await http.call('/do', { token: await tokenOf(), body: { what: 'x' } })
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([status, `urn:test:problem:${slug}`])
    if (slug === 'missing-scope') {
      expect(answer.json()).toMatchObject({ scope: 'write' })
      expect(answer.headers['www-authenticate']).toContain('insufficient_scope')
    }
  })
})

it('of an expired session is reported as that, and not as a lack of permission', async () => {
  const lapsed = await surroundings.issuer.token('ada', 'write', { expiresIn: -600 })
  const answer = await http.call('/do', { token: lapsed, body: { what: 'x' } })
  expect([answer.status, (answer.json() as { detail: string }).detail]).toEqual([401, 'The token has expired.'])
  expect(answer.text).not.toContain('permission')
  expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
})

describe('too much', () => {
  it('of one identity waiting at once is 429 with Retry-After, and others continue', async () => {
    surroundings.replier.answering = (_command, headers) =>
      headers['x:identity'] === 'zoe' ? undefined : { status: 200, body: {} }
    const zoe = await surroundings.issuer.token('zoe', 'write')
    const calls = Array.from({ length: 4 }, () =>
      http.call('/do', { token: zoe, body: { what: 'x' }, headers: { prefer: 'wait=1' } }),
    )
    const answers = await Promise.all(calls)
    expect(answers.map(({ status }) => status).sort()).toEqual([429, 504, 504, 504])
    expect(answers.find(({ status }) => status === 429)?.headers['retry-after']).toBe('1')
    expect((await http.call('/do', { token, body: { what: 'x' } })).status).toBe(200)
  })

  it('in one second is 429 with Retry-After', async () => {
    const strict = await openTestGateway(testGateway({ commandsPerSecond: 2 }), surroundings)
    const answers = await Promise.all([1, 2, 3, 4].map(() => strict.http2.call('/do', { token, body: { what: 'x' } })))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(2)
    expect(refused[0]?.headers['retry-after']).toBe('1')
    expect(refused[0]?.json()).toMatchObject({ type: 'urn:test:problem:too-many-requests' })
    await strict.close()
  })
})
