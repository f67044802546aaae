/** Pages of other origins: what is sent here is what a browser would send for them, and what it looks at. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { Answer, Call } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const shop = 'https://shop.example.com'
const other = 'https://other.example.com'
const definition = testGateway({ anonymousPerSecond: 5, streamsOfOne: 1, bodyBytes: 1_024 })
const exposed = [
  'Allow',
  'Content-Disposition',
  'ETag',
  'idempotency-key',
  'idempotency-replayed',
  'Link',
  'Location',
  'Retry-After',
  'WWW-Authenticate',
].join(', ')
let surroundings: Surroundings
let open: TestGateway
let closed: TestGateway
let upstream: Server
let uiRoot: string
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  surroundings.replier.answering = () => ({ status: 200, body: { done: true } })
  token = await surroundings.issuer.token('ada', 'read write watch')
  uiRoot = await mkdtemp(join(tmpdir(), 'gateway-ui-'))
  await writeFile(join(uiRoot, 'index.html'), '<!doctype html><title>UI</title>')
  await writeFile(join(uiRoot, 'app.js'), 'void 0')
  upstream = createServer((request, response) => response.end(request.method))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const below = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const options = {
    ui: { root: uiRoot, origin: 'https://pay.example.com', sharedPaths: [] },
    uiConfig: { issuer: 'https://issuer' },
    identityProxy: { path: '/identity', upstream: below },
    controlProxy: { path: '/control', upstream: below },
  }
  // Requests without a token are bounded for each address: tests name one of their own.
  const trustedProxies = ['127.0.0.1']
  open = await openTestGateway(definition, surroundings, { ...options, trustedProxies, corsOrigins: [shop] })
  closed = await openTestGateway(definition, surroundings, { ...options, trustedProxies })
})
afterAll(async () => {
  await open.close()
  await closed.close()
  await surroundings.close()
  await new Promise((resolve) => upstream.close(resolve))
  await rm(uiRoot, { recursive: true })
})

let lastAddress = 0
function callOf(origin: string | undefined, { headers, ...call }: Call = {}): Call {
  const from = origin === undefined ? {} : { origin }
  return { ...call, headers: { 'x-forwarded-for': `10.0.0.${++lastAddress}`, ...from, ...headers } }
}

function corsOf({ headers }: { readonly headers: Readonly<Record<string, unknown>> }): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')))
}

function variesByOrigin({ headers }: { readonly headers: Readonly<Record<string, unknown>> }): boolean {
  return String(headers.vary).split(', ').includes('Origin')
}

const readable = { 'access-control-allow-origin': shop, 'access-control-expose-headers': exposed }

const preflight = (origin: string | undefined, method = 'POST') =>
  callOf(origin, {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
  })

type Ask = { readonly gateway: TestGateway; readonly path: string; readonly call: Call }

function ask({ gateway, path, call }: Ask): Promise<Answer[]> {
  return Promise.all([gateway.http1.call(path, call), gateway.http2.call(path, call)])
}

describe('an origin that is allowed', () => {
  it.each(['/do', '/profile', '/news', '/live', '/tasks/t1', '/replies/x', '/openapi.json'])(
    'may ask in advance about %s',
    async (path) => {
      for (const answer of await ask({ gateway: open, path, call: preflight(shop) })) {
        expect([answer.status, answer.text, variesByOrigin(answer)]).toEqual([204, '', true])
        expect(corsOf(answer)).toEqual({
          ...readable,
          'access-control-allow-methods': 'GET, HEAD, POST, PUT',
          'access-control-allow-headers':
            'Authorization, Content-Type, idempotency-key, If-Match, If-None-Match, Last-Event-ID, Prefer, traceparent',
          'access-control-max-age': '7200',
        })
      }
    },
  )

  it.each([
    ['a command', '/do', { body: { what: 'x' } }, 200],
    ['a value that it writes', '/profile', { method: 'PUT', body: { name: 'Ada' } }, 200],
    ['a view', '/news', {}, 200],
    ['a statement', '/entries', { headers: { accept: 'text/csv' } }, 200],
    ['the document', '/openapi.json', {}, 200],
    ['a command that cannot be read', '/do', { body: { what: 1 } }, 400],
    ['a command without a key', '/do', { body: { what: 'x' }, withoutKey: true }, 400],
    ['a method that is not there', '/tasks', { method: 'DELETE' }, 405],
    ['an item that is not there', '/tasks/nope', {}, 404],
    ['an address that is not there', '/nowhere', {}, 404],
    ['a body that is too large', '/do', { body: { what: 'x'.repeat(2_000) } }, 413],
    ['a body of another type', '/do', { body: 'x', headers: { 'content-type': 'text/plain' } }, 415],
    ['a representation that is not there', '/score', { headers: { accept: 'image/png' } }, 406],
  ])('may read the answer to %s', async (_what, path, call, status) => {
    for (const answer of await ask({ gateway: open, path, call: callOf(shop, { token, ...call }) })) {
      expect([answer.status, variesByOrigin(answer), corsOf(answer)]).toEqual([status, true, readable])
    }
  })

  it('may read that a token is missing, or lacks a permission', async () => {
    const weak = await surroundings.issuer.token('bob', 'write')
    for (const [given, status] of [[undefined, 401] as const, [weak, 403] as const]) {
      for (const answer of await ask({ gateway: open, path: '/news', call: callOf(shop, { token: given }) })) {
        expect([answer.status, variesByOrigin(answer), corsOf(answer)]).toEqual([status, true, readable])
      }
    }
  })

  it.each(['/news', '/health/live'])('may read at %s that it asks too often', async (path) => {
    // Refused by the guard, and where there is none.
    const call = callOf(shop)
    const answers = await Promise.all(Array.from({ length: 20 }, () => open.http2.call(path, call)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of answers) expect(corsOf(answer)).toEqual(readable)
  })

  it.each(['http1', 'http2'] as const)('may read a stream over %s, and that it is one too many', async (protocol) => {
    for (const path of ['/news', '/live?view=/news', '/console/topics/news/records']) {
      const stream = await open[protocol].stream(path, callOf(shop, { token }))
      expect([stream.status, variesByOrigin(stream), corsOf(stream)]).toEqual([200, true, readable])
      expect(String(stream.headers.vary)).toContain('Accept, Authorization')
      if (path === '/news') {
        const second = await open[protocol].stream(path, callOf(shop, { token }))
        expect([second.status, corsOf(second)]).toEqual([429, readable])
        second.close()
      }
      stream.close()
      await stream.ended
      // The gateway hears of it a moment later.
      await expect.poll(() => open.running.status().streams).toBe(0)
    }
  })

  it('gets no file of the user interface, and nothing of what is behind a proxy', async () => {
    const page = { accept: 'text/html' }
    const asked: [string, Call, number][] = [
      ['/', {}, 200],
      ['/app.js', {}, 200],
      ['/news', { headers: page }, 200],
      ['/nowhere', { headers: page }, 200],
      ['/docs', {}, 200],
      ['/docs.js', {}, 200],
      ['/identity/token', { method: 'POST' }, 200],
      ['/control/services', {}, 200],
    ]
    for (const [path, call, status] of asked) {
      for (const answer of await ask({ gateway: open, path, call: callOf(shop, call) })) {
        expect([path, answer.status, corsOf(answer)]).toEqual([path, status, {}])
      }
    }
    // What is behind it answers by itself.
    const [http1, http2] = await ask({ gateway: open, path: '/identity/token', call: preflight(shop) })
    expect([http1?.text, http2?.text]).toEqual(['OPTIONS', 'OPTIONS'])
    for (const answer of [http1, http2]) expect(answer && corsOf(answer)).toEqual({})
  })
})

// No suffix, no scheme but its own, and never all of them.
it.each([other, 'null', `${shop}.evil.example`, 'http://shop.example.com', `${shop}:8443`, '*', undefined])(
  'the origin %s may read nothing, and Vary tells caches that the origin matters',
  async (origin) => {
    const asked: [string, Call, number][] = [
      ['/news', callOf(origin, { token }), 200],
      ['/do', callOf(origin, { token, body: { what: 'x' } }), 200],
      ['/news', callOf(origin), 401],
      ['/nowhere', callOf(origin), 404],
      ['/do', preflight(origin), 405],
      [
        '/do',
        callOf(origin, {
          method: 'OPTIONS',
          body: 'x',
          headers: { 'content-type': 'text/plain', 'content-length': '1' },
        }),
        405,
      ],
      ['/nowhere', preflight(origin), 404],
    ]
    for (const [path, call, status] of asked) {
      for (const answer of await ask({ gateway: open, path, call })) {
        expect([path, answer.status, variesByOrigin(answer), corsOf(answer)]).toEqual([path, status, true, {}])
      }
    }
    const stream = await open.http2.stream('/news', callOf(origin, { token }))
    expect([stream.status, variesByOrigin(stream), corsOf(stream)]).toEqual([200, true, {}])
    stream.close()
    await expect.poll(() => open.running.status().streams).toBe(0)
  },
)

it('without origins nothing is allowed, and nothing said of them', async () => {
  const asked: [string, Call, number, string | undefined][] = [
    ['/news', callOf(shop, { token }), 200, 'Accept, Authorization'],
    ['/do', callOf(shop, { token, body: { what: 'x' } }), 200, undefined],
    ['/news', callOf(shop), 401, undefined],
    ['/do', preflight(shop), 405, undefined],
    ['/nowhere', preflight(shop), 404, undefined],
  ]
  for (const [path, call, status, vary] of asked) {
    for (const answer of await ask({ gateway: closed, path, call })) {
      expect([path, answer.status, answer.headers.vary, corsOf(answer)]).toEqual([path, status, vary, {}])
    }
  }
})
