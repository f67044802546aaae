/**
 * A key that arrived changed, or was made up on the way, would let a repeated payment be taken for a new one. So what is
 * no key is refused, over both protocols, and nothing is written.
 */
import { connect } from 'node:http2'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openRaw } from './support/raw-connection.ts'
import { textHeaders } from './support/replier.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway()
let surroundings: Surroundings
let gateway: TestGateway
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  gateway = await openTestGateway(definition, surroundings)
  token = await surroundings.issuer.token('ada', 'write read')
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})
beforeEach(() => {
  surroundings.replier.answering = () => ({ status: 200, body: {} })
})

const protocols = ['http1', 'http2'] as const
type Lines = string | readonly string[] | undefined

function send(client: TestClient, key: Lines) {
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  return client.call('/do', { token, body: { what: 'x' }, headers, withoutKey: true })
}

describe.each(protocols)('over %s', (protocol) => {
  it.each([
    ['none', undefined, 'is required'],
    ['an empty one', '', 'must not be empty'],
    ['one with a blank inside', 'a b', 'visible ASCII'],
    ['one that is too long', 'x'.repeat(256), 'at most 255 characters, not 256'],
    ['letters of Latin-1', 'k\u00e4se', 'visible ASCII'],
    ['two lines', ['a', 'b'], 'must be sent once'],
    ['two equal lines', ['a', 'a'], 'must be sent once'],
    ['two lines that a proxy joined', 'a, b', 'must be sent once'],
  ])('refuses %s as key, and says what is wrong', async (_what, key, words) => {
    const before = surroundings.replier.commands.length
    const answer = await send(gateway[protocol], key)
    expect(answer.status).toBe(400)
    expect(answer.headers['idempotency-key']).toBeUndefined()
    const problem = answer.json() as { type: string; detail: string; errors: unknown[] }
    expect(problem.type).toBe('urn:test:problem:malformed-request')
    expect(problem.detail).toContain(words)
    expect(problem.errors).toEqual([{ field: 'Idempotency-Key', message: expect.stringContaining(words) }])
    expect(surroundings.replier.commands.length).toBe(before)
  })

  it.each(['!', '~', 'a,b', '"quoted"', 'x'.repeat(255)])('takes the key %s as it is', async (key) => {
    const answer = await send(gateway[protocol], key)
    expect([answer.status, answer.headers['idempotency-key']]).toEqual([200, key])
    expect(textHeaders(surroundings.replier.commands.at(-1)!)['idempotency-key']).toBe(key)
  })

  it('refuses a wrong key of a PUT, and needs none', async () => {
    const put = (headers: Record<string, string>) =>
      gateway[protocol].call('/profile', { method: 'PUT', token, body: { name: 'Ada' }, headers })
    expect((await put({ 'idempotency-key': 'a b' })).status).toBe(400)
    const answer = await put({})
    expect([answer.status, answer.headers['idempotency-key']]).toEqual([200, undefined])
  })
})

it.each(['key ', ' key', 'key\t', 'k\x01ey', 'k\x7fey', 'k\ney', ['good', 'bad ']])(
  'refuses over HTTP/2 what Node would drop silently: %j',
  async (key) => {
    const before = surroundings.replier.commands.length
    const client = connect(`https://127.0.0.1:${gateway.running.port}`, { rejectUnauthorized: false })
    const request = client.request({
      ':method': 'POST',
      ':path': '/do',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    })
    const status = await new Promise((resolve, reject) => {
      request.on('response', (headers) => resolve(headers[':status'])).on('error', reject)
      request.end('{"what":"x"}')
    })
    client.destroy()
    expect(status).toBe(400)
    expect(surroundings.replier.commands.length).toBe(before)
  },
)

it('refuses over HTTP/1.1 what cannot be read, as a problem', async () => {
  const { socket, text, closed } = await openRaw({ port: gateway.running.port })
  socket.write(`POST /do HTTP/1.1\r\nhost: x\r\nidempotency-key: k\x01ey\r\ncontent-length: 2\r\n\r\n{}`)
  await closed
  expect(text()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(text()).toContain('content-type: application/problem+json')
  expect(text()).toContain('urn:test:problem:malformed-request')
})
