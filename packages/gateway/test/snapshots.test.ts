import { randomUUID } from 'node:crypto'
import { openTransactionalProducer } from '@streampay/kafka'
import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queryErrorsOf } from '../src/http/error-handler.ts'
import { viewQuery } from '../src/queries/view-route.ts'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway()
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
const tokens: Record<string, string> = {}

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  const { log, issuer } = surroundings
  for (const name of ['ada', 'bob', 'eve']) tokens[name] = await issuer.token(name, 'read write')
  for (let n = 0; n < 300; n++) {
    const identity = n % 3 === 0 ? 'bob' : 'ada'
    await log.put('entries', identity, { n, note: `"${n}"` }, { 'x:identity': identity })
  }
  // A millisecond apart: between partitions the log knows no other order than time.
  const startedAt = Date.now()
  await log.producer.send(
    Array.from({ length: 40 }, (_, n) => ({
      topic: 'news',
      key: `author-${n}`,
      value: JSON.stringify({ n }),
      timestamp: startedAt + n,
    })),
  )
  await log.put('scores', 'ada', { score: 1 }, { 'x:identity': 'ada' })
  await log.put('tasks', 't1', { id: 't1', text: 'one' }, { 'x:identity': 'ada', 'x:author': 'bob', 'x:state': 'open' })
  await log.put('tasks', 't2', { id: 't2', text: 'two' }, { 'x:identity': 'ada', 'x:author': 'bob', 'x:state': 'done' })
  await log.put(
    'tasks',
    't3',
    { id: 't3', text: 'three' },
    { 'x:identity': 'bob', 'x:author': 'ada', 'x:state': 'open' },
  )
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

const numbers = (values: unknown) => (values as { n: number }[]).map(({ n }) => n)

describe('a list', () => {
  it('is an array in log order, newest last', async () => {
    const answer = await http.call('/news', { token: tokens.ada })
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect(numbers(answer.json())).toEqual(Array.from({ length: 40 }, (_, n) => n))
  })

  it('keeps the newest with last=N', async () => {
    expect(numbers((await http.call('/news?last=3', { token: tokens.ada })).json())).toEqual([37, 38, 39])
    expect((await http.call('/news?last=0', { token: tokens.ada })).json()).toEqual([])
  })

  it('tells where the older ones are, until there are none', async () => {
    const pages: number[][] = []
    for (let path: string | undefined = '/news?last=15'; path !== undefined; ) {
      const answer = await http.call(path, { token: tokens.ada })
      pages.unshift(numbers(answer.json()))
      expect(answer.status).toBe(200)
      path = answer.headers.link?.match(/^<(.*)>; rel="next"$/)?.[1]
    }
    expect(pages.map(({ length }) => length)).toEqual([10, 15, 15])
    expect(pages.flat()).toEqual(Array.from({ length: 40 }, (_, n) => n))
    const ofTable = await http.call('/tasks?last=1', { token: tokens.ada })
    // The other task of ada's does not pass the filter: it was looked at, and there is no more.
    expect([ofTable.json(), ofTable.headers.link]).toEqual([[{ id: 't1', text: 'one' }], undefined])
    expect((await http.call('/news?before=nonsense', { token: tokens.ada })).status).toBe(400)
  })

  it('holds only what is the caller’s and passes the filter', async () => {
    expect((await http.call('/tasks', { token: tokens.ada })).json()).toEqual([{ id: 't1', text: 'one' }])
    expect((await http.call('/tasks', { token: tokens.bob })).json()).toEqual([{ id: 't3', text: 'three' }])
    expect((await http.call('/tasks', { token: tokens.eve })).json()).toEqual([])
  })

  it.each(['last=1001', 'last=-1', 'last=x', 'last=1.5', 'unknown=1'])(
    'refuses the parameter %s, naming it',
    async (query) => {
      const answer = await http.call(`/news?${query}`, { token: tokens.ada })
      expect(answer.status).toBe(400)
      expect(answer.json()).toMatchObject({
        type: 'urn:test:problem:malformed-request',
        errors: [{ field: query.split('=')[0] }],
      })
    },
  )
})

describe('an ETag', () => {
  it('is strong, quoted, and answers 304 until the view changes', async () => {
    const first = await http.call('/score', { token: tokens.ada })
    const tag = first.headers.etag ?? ''
    expect(tag).toMatch(/^"[\w-]+"$/)
    const again = await http.call('/score', { token: tokens.ada, headers: { 'if-none-match': tag } })
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', tag])
    const written = await surroundings.log.put('scores', 'ada', { score: 2 }, { 'x:identity': 'ada' })
    expect(written.offset).toBeGreaterThan(0)
    await expect
      .poll(async () => (await http.call('/score', { token: tokens.ada, headers: { 'if-none-match': tag } })).status)
      .toBe(200)
  })

  it('does not change with what others do', async () => {
    const tagOf = async (path: string) => (await http.call(path, { token: tokens.ada })).headers.etag
    const before = [await tagOf('/entries'), await tagOf('/tasks')]
    await surroundings.log.put('entries', 'eve', { n: 1 }, { 'x:identity': 'eve' })
    await expect
      .poll(
        async () => ((await http.call('/entries', { token: tokens.eve })).json() as { items: unknown[] }).items.length,
      )
      .toBe(1)
    expect([await tagOf('/entries'), await tagOf('/tasks')]).toEqual(before)
  })

  it('is another one for another representation', async () => {
    const json = await http.call('/entries', { token: tokens.ada })
    const csv = await http.call('/entries', { token: tokens.ada, headers: { accept: 'text/csv' } })
    expect(csv.headers.etag).not.toBe(json.headers.etag)
  })

  it('is the same from every gateway', async () => {
    const second = await openTestGateway(definition, surroundings)
    for (const path of ['/news', '/tasks', '/entries', '/score']) {
      const tags = await Promise.all(
        [http, second.http1].map(async (client) => (await client.call(path, { token: tokens.ada })).headers.etag),
      )
      expect(tags[0]).toBe(tags[1])
    }
    await second.close()
  })
})

describe('one value', () => {
  it('is the value, or 404 while there is none', async () => {
    expect((await http.call('/score', { token: tokens.ada })).json()).toMatchObject({ score: expect.any(Number) })
    const none = await http.call('/score', { token: tokens.eve })
    expect([none.status, (none.json() as { type: string }).type]).toEqual([404, 'urn:test:problem:not-found'])
  })
})

describe('an item', () => {
  it.each([
    ['ada', 't1', 200],
    ['bob', 't1', 200],
    ['eve', 't1', 404],
    ['ada', 't2', 200],
    ['ada', 'none', 404],
  ])('is for %s at %s: %i', async (name, id, status) => {
    const json = await http.call(`/tasks/${id}`, { token: tokens[name] })
    expect(json.status).toBe(status)
    const stream = await http.stream(`/tasks/${id}`, { token: tokens[name] })
    expect(stream.status).toBe(status)
    stream.close()
  })
})

describe('a page', () => {
  it('is newest first, and its cursors lead through all, each once', async () => {
    const seen: number[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const before = cursor === '' ? '' : `&before=${cursor}`
      const answer = await http.call(`/entries?limit=37${before}`, { token: tokens.ada })
      const page = answer.json() as { items: { n: number }[]; before: string | null }
      seen.push(...numbers(page.items))
      cursor = page.before
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => 299 - n).filter((n) => n % 3 !== 0))
  })

  it('has fifty by default and at most a thousand', async () => {
    const size = async (query: string) =>
      ((await http.call(`/entries${query}`, { token: tokens.ada })).json() as { items: unknown[] }).items.length
    expect(await size('')).toBe(50)
    expect(await size('?limit=1000')).toBe(200)
    expect((await http.call('/entries?limit=1001', { token: tokens.ada })).status).toBe(400)
    expect((await http.call('/entries?limit=0', { token: tokens.ada })).status).toBe(400)
  })

  it.each(['nonsense', '1', '1.2.3.4.5', '-1.0.0.0'])('refuses the cursor %s', async (cursor) => {
    const answer = await http.call(`/entries?before=${cursor}`, { token: tokens.ada })
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([
      400,
      'urn:test:problem:invalid-position',
    ])
  })

  it('shows no other user’s, with any cursor', async () => {
    const answer = await http.call('/entries?limit=10', { token: tokens.ada })
    const { before } = answer.json() as { before: string }
    const bobs = (await http.call(`/entries?before=${before}&limit=1000`, { token: tokens.bob })).json() as {
      items: unknown
    }
    expect(numbers(bobs.items).every((n) => n % 3 === 0)).toBe(true)
  })

  it('streams as CSV, oldest first', async () => {
    const answer = await gateway.http1.call('/entries', { token: tokens.bob, headers: { accept: 'text/csv' } })
    expect(answer.headers['content-type']).toMatch(/^text\/csv/)
    expect(answer.headers['content-disposition']).toBe('attachment; filename="entries.csv"')
    const lines = answer.text.trimEnd().split('\r\n')
    expect(lines.length).toBe(101)
    expect(lines.slice(0, 3)).toEqual(['n,note', '0,"""0"""', '3,"""3"""'])
  })
})

describe('PUT of the own record', () => {
  it('takes the id from the token, and can be read at once', async () => {
    const put = await http.call('/profile', { token: tokens.ada, method: 'PUT', body: { name: 'Ada' } })
    expect([put.status, put.json()]).toEqual([200, { id: 'ada', name: 'Ada' }])
    const get = await http.call('/profile', { token: tokens.ada })
    expect([get.json(), get.headers.etag]).toEqual([{ id: 'ada', name: 'Ada' }, put.headers.etag])
    const [record] = await surroundings.log.records('profiles')
    expect(record?.key?.toString()).toBe('ada')
  })

  it('waits for its view as long as it says, though the wall clock is set back all the time', async () => {
    const { log } = surroundings
    let wallClock = Date.now()
    const clock = { now: () => (wallClock -= 3_600_000), elapsed: () => performance.now() }
    const ofOwnTime = await openTestGateway(testGateway({ replyTimeoutMs: 2_000 }), surroundings, { clock })
    // A transaction that is open in front of it: the view does not come to it.
    const producer = await openTransactionalProducer(log.cluster, { transactionalId: randomUUID() })
    producer.begin()
    await producer.send([{ topic: 'profiles', key: 'eve', value: '{"id":"eve","name":"Eve"}' }])
    const put = await ofOwnTime.http2.call('/profile', { token: tokens.eve, method: 'PUT', body: { name: 'Eve' } })
    expect([put.status, put.headers.etag]).toEqual([200, undefined])
    await producer.abort()
    await producer.close()
    await log.put('profiles', 'eve', null)
    await ofOwnTime.close()
  })

  it('refuses a body that names another id', async () => {
    const put = await http.call('/profile', { token: tokens.ada, method: 'PUT', body: { id: 'bob', name: 'x' } })
    expect(put.status).toBe(400)
  })

  it('with If-Match writes only over the version that was read', async () => {
    const first = await http.call('/profile', {
      token: tokens.bob,
      method: 'PUT',
      body: { name: 'Bob' },
      headers: { 'if-none-match': '*' },
    })
    expect(first.status).toBe(200)
    const tag = first.headers.etag ?? ''
    const change = (name: string, headers: Record<string, string>) =>
      http.call('/profile', { token: tokens.bob, method: 'PUT', body: { name }, headers })
    expect((await change('Bobby', { 'if-match': tag })).status).toBe(200)
    const stale = await change('Robert', { 'if-match': tag })
    expect([stale.status, (stale.json() as { type: string }).type]).toEqual([
      412,
      'urn:test:problem:precondition-failed',
    ])
    expect((await change('Robert', { 'if-none-match': '*' })).status).toBe(412)
    expect((await http.call('/profile', { token: tokens.bob })).json()).toEqual({ id: 'bob', name: 'Bobby' })
  })

  it('with If-Match needs something to match', async () => {
    const put = await http.call('/profile', {
      token: tokens.eve,
      method: 'PUT',
      body: { name: 'E' },
      headers: { 'if-match': '*' },
    })
    expect(put.status).toBe(412)
  })
})

describe('a topic that any client may write', () => {
  it('skips records that no client may write', async () => {
    const { log } = surroundings
    await log.put('profiles', 'mallory', { id: 'ada', name: 'Not Ada' })
    await log.put('profiles', 'mallory2', 'no json')
    await log.put('profiles', 'mallory3', { id: 'mallory3', name: 7 })
    await log.put('profiles', 'mallory4', '{"id":"mallory4","name":"Mallory","name":"Ada"}')
    await log.producer.send([
      { topic: 'profiles', partition: 0, key: 'wrong-place', value: '{"id":"wrong-place","name":"x"}' },
    ])
    await log.producer.send([
      { topic: 'profiles', partition: 1, key: 'wrong-place', value: '{"id":"wrong-place","name":"x"}' },
    ])
    await log.put('profiles', 'victim', { id: 'victim', name: 'Victim' })
    await log.put('profiles', 'victim', { id: 'victim', name: 'Mallory' }, { 'x:identity': 'mallory' })
    await log.put('profiles', 'victim', null, { 'x:identity': 'mallory' })
    await log.put('profiles', 'last', { id: 'last', name: 'Last' })
    const listed = async (query: string) => {
      const answer = await http.call(`/profiles${query}`, { token: tokens.ada })
      return (answer.json() as { items: { id: string }[] }).items
    }
    const ids = async () => (await listed('?limit=100')).map(({ id }) => id)
    await expect.poll(ids).toContain('last')
    const found = await ids()
    expect(found.filter((id) => id.startsWith('mallory'))).toEqual([])
    expect(found.filter((id) => id === 'ada')).toHaveLength(1)
    expect(found.filter((id) => id === 'wrong-place').length).toBeLessThanOrEqual(1)
    expect(await listed('?search=victim')).toEqual([{ id: 'victim', name: 'Victim' }])
  })
})

describe('what is asked for', () => {
  it('must be something that there is', async () => {
    const answer = await http.call('/news', { token: tokens.ada, headers: { accept: 'image/png' } })
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([406, 'urn:test:problem:not-acceptable'])
  })

  it.each([
    ['/entries?limit=1001', 'limit must be a whole number from 1 to 1000.'],
    ['/entries?last=-1', 'last must be a whole number from 0 to 1000.'],
    [`/entries?before=${'x'.repeat(256)}`, 'before may have at most 255 characters.'],
  ])('is told in words when it is another: %s', async (path, detail) => {
    const answer = await http.call(path, { token: tokens.ada })
    expect([answer.status, (answer.json() as { detail: string }).detail]).toEqual([400, detail])
  })

  it('is told in words when it is none of a few', () => {
    const filters = { status: { header: 'x:status', values: ['open', 'closed'] } }
    const query = Compile(
      viewQuery({ kind: 'view', path: '/x', summary: 'X', scope: 'read', topic: 'news', show: 'list', filters }),
    )
    expect(queryErrorsOf(query.Errors({ status: 'paid' }))).toEqual([
      { field: 'status', message: 'must be open or closed' },
    ])
  })

  it('needs the scope', async () => {
    const answer = await http.call('/news', { token: await surroundings.issuer.token('ada', 'write') })
    expect([answer.status, answer.json()]).toEqual([403, expect.objectContaining({ scope: 'read' })])
  })
})
