import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { breakBatch } from './support/broken-batch.ts'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import {
  type KeptSurroundings,
  openKeptSurroundings,
  openTestGateway,
  type TestGateway,
} from './support/test-gateway.ts'

const definition = testGateway({ consoleStreams: 3, consoleStreamsOfOne: 2 })
let surroundings: KeptSurroundings
let gateway: TestGateway
let http: TestClient
let uiRoot: string
let upstream: Server
let token: string

const page = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

beforeAll(async () => {
  surroundings = await openKeptSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'read write watch')
  uiRoot = await mkdtemp(join(tmpdir(), 'gateway-ui-'))
  await mkdir(join(uiRoot, 'assets'))
  await writeFile(
    join(uiRoot, 'index.html'),
    '<!doctype html><title>UI</title><meta property="og:image" content="/share.png" />',
  )
  await mkdir(join(uiRoot, '.vite'))
  await writeFile(join(uiRoot, '.vite/manifest.json'), '{}')
  await writeFile(join(uiRoot, 'assets/.hidden'), 'hidden')
  await writeFile(join(uiRoot, 'assets/app-1.js'), `console.log(${JSON.stringify('x'.repeat(5_000))})`)
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

describe('the console', () => {
  const records = (path: string, accept = 'application/json') => http.call(path, { token, headers: { accept } })

  it('lists every topic with its partitions, offsets and configuration', async () => {
    await surroundings.log.put('news', 'a', { n: 1 })
    type Topic = { name: string; offsets: number; bytes: number; partitions: { latest: number }[] }
    const read = async () => (await http.call('/console/topics', { token })).json() as Topic[]
    // An answer is for all who ask within half a second.
    await expect.poll(async () => (await read()).find(({ name }) => name === 'news')?.offsets).toBe(1)
    const topics = await read()
    expect(topics.map(({ name }) => name)).toEqual(expect.arrayContaining(['commands', 'news', 'tasks']))
    const news = topics.find(({ name }) => name === 'news')
    expect(news).toMatchObject({ offsets: 1, bytes: expect.any(Number), config: { 'cleanup.policy': 'delete' } })
    expect(news?.partitions).toHaveLength(4)
    const written = { earliest: 0, latest: 1, leader: 1, replicas: [1], inSyncReplicas: [1], bytes: news?.bytes }
    expect(news?.partitions.filter(({ latest }) => latest > 0)).toMatchObject([written])
    expect(news?.bytes).toBeGreaterThan(60)
  })

  it('is for operators', async () => {
    const user = await surroundings.issuer.token('bob', 'read write')
    const below = ['topics', 'topics/news/records', 'groups', 'groups/g', 'transactions', 'dead-letters/0/0']
    for (const path of below.map((name) => `/console/${name}`)) {
      const answer = await http.call(path, { token: user })
      expect([answer.status, answer.json()]).toEqual([403, expect.objectContaining({ scope: 'watch' })])
    }
  })

  it('shows records from the beginning, an offset or a time, a page at a time', async () => {
    const before = Date.now()
    for (let n = 0; n < 25; n++) await surroundings.log.put('entries', `k${n}`, { n }, { 'x:identity': 'x' })
    const all: { value: { n: number }; timestamp: number; partition: number }[] = []
    let next: string | null = null
    do {
      const from = next === null ? 'from=beginning' : `lastEventId=${encodeURIComponent(next)}`
      const answer = (await records(`/console/topics/entries/records?limit=7&${from}`)).json() as {
        items: typeof all
        next: string | null
      }
      expect(answer.items.length).toBeLessThanOrEqual(7)
      all.push(...answer.items)
      next = answer.next
    } while (next !== null)
    // Within a millisecond the log knows no order between partitions.
    const inOrder = all.toSorted((a, b) => a.timestamp - b.timestamp || a.partition - b.partition)
    expect(all).toEqual(inOrder)
    expect(new Set(all.map(({ value }) => value.n))).toEqual(new Set(Array.from({ length: 25 }, (_, n) => n)))
    expect(all).toHaveLength(25)
    const count = async (query: string) =>
      ((await records(`/console/topics/entries/records?${query}`)).json() as { items: unknown[] }).items.length
    expect(await count(`from=time:${before}`)).toBe(25)
    expect(await count(`from=time:${Date.now() + 1_000_000}`)).toBe(0)
    expect(await count('from=end')).toBe(0)
    expect(await count('from=offset:0')).toBe(25)
    const one = (await records('/console/topics/entries/records?from=beginning&partition=2')).json() as {
      items: { partition: number }[]
    }
    expect(one.items.every(({ partition }) => partition === 2)).toBe(true)
  })

  it('shows records as they come, whatever they hold, and continues after a pause', async () => {
    const stream = await http.stream('/console/topics/profiles/records?from=end', { token })
    expect(stream.status).toBe(200)
    await surroundings.log.put('profiles', 'p', 'no json', { 'x:header': 'h' })
    const event = await stream.event(({ event }) => event === 'message')
    expect(JSON.parse(event.data ?? '')).toMatchObject({
      topic: 'profiles',
      key: 'p',
      value: 'no json',
      size: 7,
      headers: { 'x:header': 'h' },
    })
    stream.close()
    await surroundings.log.put('profiles', 'p', null)
    const resumed = await http.stream('/console/topics/profiles/records', {
      token,
      headers: { 'last-event-id': event.id ?? '' },
    })
    const tombstone = await resumed.event(({ event }) => event === 'message')
    expect(JSON.parse(tombstone.data ?? '')).toMatchObject({ key: 'p', value: null, size: 0 })
    resumed.close()
  })

  it('shows the newest records first, says when that was all, and continues with what comes', async () => {
    for (let n = 0; n < 4; n++) await surroundings.log.put('entries', 'newest', { n }, { 'x:identity': 'x' })
    const path = '/console/topics/entries/records?from=newest:2'
    const { items, next } = (await records(path)).json() as { items: { value: { n: number } }[]; next: unknown }
    expect([items.map(({ value }) => value.n), next]).toEqual([[2, 3], null])
    const stream = await http.stream(path, { token })
    const numberOf = ({ data }: { readonly data: string | undefined }) =>
      (JSON.parse(data ?? '') as { value: { n: number } }).value.n
    const first = await stream.event(({ event }) => event === 'message')
    expect(numberOf(first)).toBe(2)
    await stream.event(({ event }) => event === 'caught-up')
    stream.close()
    await surroundings.log.put('entries', 'newest', { n: 4 }, { 'x:identity': 'x' })
    const headers = { 'last-event-id': first.id ?? '' }
    const resumed = await http.stream(path, { token, headers })
    await resumed.event((one) => one.event === 'message' && numberOf(one) === 4)
    expect(resumed.events.filter(({ event }) => event === 'message').map(numberOf)).toEqual([3, 4])
    resumed.close()
    expect((await records('/console/topics/entries/records?from=newest:501')).status).toBe(400)
  })

  it('shows the bytes of a record as they are, beside what can be read from them', async () => {
    const value = '{"n":9007199254740993}'
    const sent = [
      { topic: 'entries', partition: 3, key: 'k', value },
      { topic: 'entries', partition: 3, key: Buffer.of(0xff, 0xfe), value: 'null' },
      { topic: 'entries', partition: 3, key: 'k', value: null },
    ]
    const [first] = await surroundings.log.producer.send(sent)
    const path = `/console/topics/entries/records?partition=3&from=offset:${first?.offset}`
    const { items } = (await records(path)).json() as { items: { raw: unknown; value: unknown }[] }
    expect(items.map(({ raw }) => raw)).toEqual([
      { key: { text: 'k' }, headers: [], value: { text: value } },
      { key: { base64: '//4=' }, headers: [], value: { text: 'null' } },
      { key: { text: 'k' }, headers: [], value: null },
    ])
    expect(items.map((item) => item.value)).toEqual([{ n: 9007199254740992 }, null, null])
  })

  it('shows a batch that cannot be decoded in its place, and what follows it', async () => {
    const [broken] = await surroundings.log.producer.send([{ topic: 'tasks', partition: 2, key: 'a', value: '{}' }])
    await surroundings.log.producer.send([{ topic: 'tasks', partition: 2, key: 'b', value: '{"after":1}' }])
    if (broken === undefined) throw new Error('nothing was written')
    await breakBatch(surroundings.log, broken)
    const path = `/console/topics/tasks/records?partition=2&from=offset:${broken.offset}`
    const { items } = (await records(path)).json() as { items: unknown[] }
    expect(items).toMatchObject([
      { offset: broken.offset, undecodable: { lastOffset: broken.offset, bytes: { base64: expect.any(String) } } },
      { offset: broken.offset + 1, value: { after: 1 } },
    ])
    const stream = await http.stream(path, { token })
    const after = await stream.event(({ data }) => data?.includes('after') === true)
    expect(stream.events.filter(({ data }) => data?.includes('undecodable') === true)).toHaveLength(1)
    expect(after.event).toBe('message')
    stream.close()
  })

  it.each([
    ['/console/topics/nope/records', 404],
    ['/console/topics/with%20blank/records', 404],
    ['/console/topics/%C3%A4/records', 404],
    ['/console/topics/%2E%2E/records', 404],
    ['/console/topics/a%2Fb/records', 404],
    [`/console/topics/${'x'.repeat(250)}/records`, 404],
    ['/console/topics/news/records?limit=0', 400],
    ['/console/topics/news/records?limit=1001', 400],
    ['/console/topics/news/records?partition=9', 404],
    ['/console/topics/news/records?from=yesterday', 400],
    ['/console/topics/news/records?lastEventId=nonsense', 400],
  ])('refuses %s with %i', async (path, status) => {
    expect((await records(path)).status).toBe(status)
    expect((await records(path, 'text/event-stream')).status).toBe(status)
  })

  it.each([
    ['limit=1001', 'limit must be a whole number from 1 to 1000.'],
    ['partition=x', 'partition must be the number of a partition.'],
    ['from=yesterday', 'from must be beginning, end, newest:N (N from 1 to 500), offset:N or time:MS.'],
  ])('says in words what is right instead of ?%s', async (query, detail) => {
    const answer = await records(`/console/topics/news/records?${query}`)
    expect([answer.status, (answer.json() as { detail: string }).detail]).toEqual([400, detail])
  })

  it('takes a bounded number of watchers, and of streams of each', async () => {
    const path = '/console/topics/news/records'
    const streams = await Promise.all([1, 2, 3, 4].map(() => http.stream(path, { token })))
    expect(streams.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429])
    const refused = streams.find(({ status }) => status === 429)
    expect(refused?.headers['retry-after']).toBe('10')
    const others = await Promise.all(
      ['bob', 'cid'].map(async (name) => {
        return http.stream(path, { token: await surroundings.issuer.token(name, 'watch') })
      }),
    )
    expect(others.map(({ status }) => status).sort()).toEqual([200, 429])
    for (const stream of [...streams, ...others]) stream.close()
  })
})
