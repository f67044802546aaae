import { rm } from 'node:fs/promises'
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
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'read write watch')
  uiRoot = await writeUi()
  gateway = await openTestGateway(definition, surroundings, {
    ui: { root: uiRoot, origin: 'https://pay.example.com', sharedPaths: ['/pay/'] },
    uiConfig: { issuer: 'https://issuer', scopes: ['read'] },
  })
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
  await rm(uiRoot, { recursive: true })
})

describe('an address', () => {
  it.each([
    ['GET', '/nowhere', 404, 'not-found'],
    ['GET', '/do', 405, 'method-not-allowed', 'POST'],
    ['HEAD', '/do', 405, 'method-not-allowed', 'POST'],
    ['DELETE', '/tasks', 405, 'method-not-allowed', 'GET, HEAD'],
    ['POST', '/tasks/t1', 405, 'method-not-allowed', 'GET, HEAD'],
    ['PATCH', '/profile', 405, 'method-not-allowed', 'GET, HEAD, PUT'],
    ['OPTIONS', '/replies/x', 405, 'method-not-allowed', 'GET, HEAD'],
    ['TRACE', '/console/topics/news/records', 405, 'method-not-allowed', 'GET, HEAD, POST'],
    ['POST', '/openapi.json', 405, 'method-not-allowed', 'GET, HEAD'],
    ['PROPFIND', '/tasks', 405, 'method-not-allowed', 'GET, HEAD'],
    ['MADE-UP', '/tasks', 405, 'method-not-allowed', 'GET, HEAD'],
    ['POST', '/nowhere', 404, 'not-found'],
    ['GET', '/%E0%A4%A', 400, 'malformed-request'],
  ])('%s %s is %i in the same form as every problem', async (method, path, status, slug, allow = undefined) => {
    // Of a body that nothing takes, nothing is said: it used to be looked at first.
    const body = ['POST', 'PATCH'].includes(method) ? 'no json' : undefined
    const answer = await http.call(path, { method, body })
    expect(answer.headers.allow).toBe(allow)
    if (method === 'HEAD') {
      expect([answer.status, answer.text]).toEqual([status, ''])
      return
    }
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json; charset=utf-8'])
    expect(answer.json()).toMatchObject({ type: `urn:test:problem:${slug}`, status })
  })

  it.each(['http1', 'http2'] as const)('answers HEAD as GET, without the body, over %s', async (protocol) => {
    const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
      gateway[protocol].call(path, { method, token, headers })
    await surroundings.log.put('scores', 'ada', { score: 1 }, { 'x:identity': 'ada' })
    await expect.poll(async () => (await ask('GET', '/score')).status, { timeout: 10_000 }).toBe(200)
    for (const path of [
      '/score',
      '/tasks',
      '/entries',
      '/openapi.json',
      '/health/live',
      '/console/topics',
      '/nowhere',
    ]) {
      const [got, head] = await Promise.all([ask('GET', path), ask('HEAD', path)])
      expect([path, head.status, head.headers['content-type'], head.headers.etag, head.text]).toEqual([
        path,
        got.status,
        got.headers['content-type'],
        got.headers.etag,
        '',
      ])
    }
    for (const path of ['/news', '/console/topics/news/records']) {
      const head = await ask('HEAD', path, { accept: 'text/event-stream' })
      expect([path, head.status, head.headers['content-type'], head.text]).toEqual([
        path,
        200,
        'text/event-stream; charset=utf-8',
        '',
      ])
    }
  })
})

describe('what is said of the gateway itself', () => {
  it('is that it lives and is ready, with each topic’s lag', async () => {
    expect((await http.call('/health/live')).json()).toEqual({ status: 'live' })
    const ready = await http.call('/health/ready')
    expect(ready.status).toBe(200)
    expect(ready.json()).toMatchObject({
      status: 'ready',
      log: 'reachable',
      commands: 'answered',
      topics: expect.arrayContaining([{ topic: 'news', lag: 0, progress: 1, caughtUp: true }]),
    })
  })

  it('is measured by the age of the issuer’s keys', async () => {
    await http.call('/tasks', { token })
    expect(await gateway.metrics()).toMatch(/^gateway_issuer_keys_age_seconds [0-9.]+$/m)
  })

  it('is measured by route and status, never by path', async () => {
    await http.call('/tasks/secret-id', { token })
    const text = await gateway.metrics()
    expect((await http.call('/metrics')).status).toBe(404)
    expect(text).toMatch(/gateway_request_duration_seconds_count\{route="\/tasks\/:id",method="GET",status="404"\} 1/)
    expect(text).toMatch(/gateway_topic_lag_records\{topic="news"\} 0/)
    expect(text).not.toContain('secret-id')
  })

  it('is described as OpenAPI and AsyncAPI', async () => {
    expect((await http.call('/openapi.json')).json()).toMatchObject({ openapi: '3.1.0' })
    expect((await http.call('/asyncapi.json')).json()).toMatchObject({ asyncapi: '3.1.0' })
  })
})
