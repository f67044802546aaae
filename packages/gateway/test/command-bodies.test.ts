import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openRaw } from './support/raw-connection.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway({ bodyBytes: 1_000 })
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
