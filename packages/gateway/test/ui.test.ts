import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'
import { writeUi } from './support/ui-folder.ts'

const definition = testGateway()
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
let uiRoot: string
let upstream: Server

const page = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  uiRoot = await writeUi()
  upstream = createServer((request, response) => {
    response.setHeader('content-security-policy', "default-src 'none'")
    response.end(JSON.stringify({ url: request.url, proto: request.headers['x-forwarded-proto'] }))
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  gateway = await openTestGateway(definition, surroundings, {
    ui: { root: uiRoot, origin: 'https://pay.example.com', sharedPaths: ['/pay/'] },
    uiConfig: { issuer: 'https://issuer', scopes: ['read'] },
    identityProxy: { path: '/identity', upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
  })
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
  await new Promise((resolve) => upstream.close(resolve))
  await rm(uiRoot, { recursive: true })
})

describe('the user interface', () => {
  it.each(['/', '/somewhere', '/tasks', '/tasks/t1', '/do', '/console/topics'])(
    'is its page at %s for a browser that navigates',
    async (path) => {
      const answer = await http.call(path, { headers: page })
      expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([
        200,
        expect.stringMatching(/^text\/html/),
        expect.stringContaining('<title>UI'),
      ])
      expect(answer.headers['cache-control']).toBe('no-cache')
    },
  )

  it('names the picture of a shared link with the origin that it was given, and is known by its tag', async () => {
    const { headers, text } = await http.call('/', { headers: page })
    expect(text).toContain('<meta property="og:image" content="https://pay.example.com/share.png" />')
    const again = await http.call('/somewhere', { headers: { ...page, 'if-none-match': headers.etag ?? '' } })
    expect([again.status, again.text]).toEqual([304, ''])
    const head = await http.call('/somewhere', { method: 'HEAD', headers: page })
    expect([head.status, head.text, head.headers.etag]).toEqual([200, '', headers.etag])
  })

  it('is its page below a shared path for a client that accepts HTML without naming it, and elsewhere is not', async () => {
    for (const path of ['/pay/ada', '/pay/ada?amount=12.50']) {
      const answer = await http.call(path, { headers: { accept: '*/*' } })
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    }
    expect((await http.call('/pay/ada', { headers: { accept: 'application/json' } })).status).toBe(404)
    expect((await http.call('/payments/t1', { headers: { accept: '*/*' } })).status).toBe(404)
    expect((await http.call('/pay/ada', { method: 'POST', headers: { accept: '*/*' }, body: {} })).status).toBe(404)
  })

  // A page kept in memory would name the files of a build that is gone.
  it('is the page of the newest build', async () => {
    const file = join(uiRoot, 'index.html')
    const before = await readFile(file, 'utf8')
    await writeFile(file, before.replace('UI', 'UI, built anew'))
    expect((await http.call('/', { headers: page })).text).toContain('built anew')
    await writeFile(file, before)
  })

  it('has files that are compressed and kept for ever, since their names change', async () => {
    const answer = await http.call('/assets/app-1.js', { headers: { 'accept-encoding': 'gzip' } })
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'gzip'])
    expect(answer.headers['cache-control']).toContain('immutable')
    expect((await http.call('/assets/app-2.js')).status).toBe(404)
  })

  it('has no files of its build', async () => {
    for (const path of ['/.vite/manifest.json', '/assets/.hidden', '/%2Evite/manifest.json']) {
      expect((await http.call(path)).status).toBe(404)
    }
  })

  it('is told its surroundings', async () => {
    expect((await http.call('/config.json')).json()).toEqual({ issuer: 'https://issuer', scopes: ['read'] })
  })

  it('never leaves its folder', async () => {
    expect((await http.call('/../../etc/passwd')).status).toBe(404)
    expect((await http.call('/%2e%2e/%2e%2e/etc/passwd')).status).toBeGreaterThanOrEqual(400)
  })

  it('may load nothing from elsewhere', async () => {
    const { headers } = await http.call('/', { headers: page })
    const policy = headers['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'self'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("worker-src 'self'")
    expect(policy).toContain("manifest-src 'self'")
    expect(policy).not.toMatch(/https?:|unsafe-eval|\*/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    })
  })
})

describe('the issuer behind the gateway', () => {
  it.each(['http1', 'http2'] as const)('is reached below its path over %s, with its own policy', async (protocol) => {
    const answer = await gateway[protocol].call('/identity/token?x=1', {
      method: 'POST',
      body: 'a=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(answer.json()).toEqual({ url: '/identity/token?x=1', proto: 'https' })
    expect(answer.headers['content-security-policy']).toBe("default-src 'none'")
  })

  it.each(['OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])('is reached by a %s without a body', async (method) => {
    for (const protocol of ['http1', 'http2'] as const) {
      const answer = await gateway[protocol].call('/identity/jwks', { method })
      expect([answer.status, answer.json()]).toEqual([200, { url: '/identity/jwks', proto: 'https' }])
    }
  })
})
