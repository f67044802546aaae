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

const definition = testGateway()
let surroundings: KeptSurroundings
let gateway: TestGateway
let http: TestClient
let token: string

beforeAll(async () => {
  surroundings = await openKeptSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'read write watch')
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
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
})
