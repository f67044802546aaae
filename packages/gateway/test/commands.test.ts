import { randomUUID } from 'node:crypto'
import { openTransactionalProducer } from '@streampay/kafka'
import { onMoment } from '@streampay/process'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newCorrelationId } from '../src/commands/correlation-id.ts'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openRaw } from './support/raw-connection.ts'
import { textHeaders } from './support/replier.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway({ replyTimeoutMs: 1_500, bodyBytes: 1_000, commandsInFlightOfOne: 3 })
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

describe('a body', () => {
  it.each([
    ['a missing field', {}, [{ field: 'what', message: 'is required' }]],
    ['no body at all', undefined, [{ field: 'what', message: 'is required' }]],
    ['a number as text', { what: 'x', times: '2' }, [{ field: 'times', message: 'must be integer' }]],
    [
      'all that is wrong at once',
      { what: '', times: 0, more: 1 },
      [
        { field: 'more', message: 'is not known here' },
        { field: 'what', message: 'must NOT have fewer than 1 characters' },
        { field: 'times', message: 'must be >= 1' },
      ],
    ],
    ['an infinite number', '{"what":"x","times":-1e999}', [{ field: 'times', message: expect.any(String) }]],
    ['what is no JSON', '{"what":', [{ field: '', message: 'is not valid JSON' }]],
    [
      'a poisoned prototype',
      '{"what":"x","__proto__":{"a":1}}',
      [{ field: '__proto__', message: 'is not a name that is accepted' }],
    ],
    ['a repeated member', '{"what":"x","what":"y"}', [{ field: 'what', message: 'appears more than once' }]],
    [
      'what is nearly an integer',
      '{"what":"x","times":1.0000000000000000000001}',
      [{ field: 'times', message: 'is not a whole number, but would be rounded to one' }],
    ],
    ['a byte that is no UTF-8', Buffer.from('{"what":"\xe4"}', 'latin1'), [{ field: '', message: 'is not UTF-8' }]],
  ])('with %s is refused at the edge, every field named', async (_what, body, errors) => {
    const before = surroundings.replier.commands.length
    const answer = await http.call('/do', { token, method: 'POST', body })
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8'])
    const problem = answer.json() as { type: string; errors: unknown[] }
    expect(problem.type).toBe('urn:test:problem:malformed-body')
    expect(problem.errors).toEqual(expect.arrayContaining(errors))
    expect(problem.errors).toHaveLength(errors.length)
    expect(surroundings.replier.commands.length).toBe(before)
  })

  it('that is too large is 413', async () => {
    const answer = await http.call('/do', { token, body: { what: 'x'.repeat(1_000) } })
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([
      413,
      'urn:test:problem:payload-too-large',
    ])
  })

  it.each([
    ['is read and dropped, and the connection goes on', 100_000, false],
    ['ends the connection where it is much', 2_000_000, true],
  ])('that is too large and still comes when it is refused %s', async (_what, length, ends) => {
    // The client lost the answer with the connection, on which it was still sending.
    const { socket, text, closed } = await openRaw({ port: gateway.running.port })
    const head = (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n`
    socket.write(`${head('POST', '/do')}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n{`)
    await expect.poll(text).toContain('HTTP/1.1 413 ')
    expect(text().includes('connection: close')).toBe(ends)
    if (ends) {
      await closed
      return
    }
    socket.write('x'.repeat(length - 1))
    socket.write(`${head('GET', '/nowhere')}\r\n`)
    await expect.poll(text).toContain('HTTP/1.1 404 ')
    socket.destroy()
  })

  it.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'application/json; charset=iso-8859-1',
    'application/json; charset="utf-16"',
    'application/json;charset=utf-8;charset=latin1',
  ])('of the type %s is 415', async (type) => {
    const answer = await http.call('/do', { token, body: 'what=x', headers: { 'content-type': type } })
    expect(answer.status).toBe(415)
  })

  it.each([
    ['of no coding that is known', 'compress', 415, 'unsupported-media-type', 'The Content-Encoding of the body'],
    ['of two codings', 'deflate, gzip', 415, 'unsupported-media-type', 'The Content-Encoding of the body'],
    ['that is not what it says', 'gzip', 400, 'malformed-request', 'The body is not what its Content-Encoding says.'],
  ])('%s is refused in words about that', async (_what, coding, status, slug, words) => {
    const answer = await http.call('/do', { token, body: { what: 'x' }, headers: { 'content-encoding': coding } })
    expect([answer.status, answer.json()]).toEqual([
      status,
      expect.objectContaining({ type: `urn:test:problem:${slug}`, detail: expect.stringContaining(words) }),
    ])
  })

  it.each(['application/json', 'application/json; charset=UTF-8', 'application/json;charset="utf-8"; v=1'])(
    'of the type %s is taken',
    async (type) => {
      const answer = await http.call('/do', { token, body: { what: 'ä€😀' }, headers: { 'content-type': type } })
      expect(answer.status).toBe(200)
      expect(surroundings.replier.commands.at(-1)?.value?.toString()).toBe('{"what":"ä€😀"}')
    },
  )
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
