/** What of a view is wanted: entries that match, a list of a time, an owner's part. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway()
/** More than one answer looks at, twice over. */
const entries = 2_300
const start = Date.UTC(2026, 0, 1)
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
const tokens: Record<string, string> = {}

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  const { log, issuer } = surroundings
  for (const name of ['ada', 'bob']) tokens[name] = await issuer.token(name, 'read write')
  await log.put('profiles', 'greta', { id: 'greta', name: 'Greta' })
  const rare: Readonly<Record<number, object>> = { 1: { note: 'boat' }, 2: { with: 'greta' }, 2250: { note: 'boat' } }
  await log.producer.send(
    Array.from({ length: entries }, (_, n) => ({
      topic: 'entries',
      key: 'ada',
      value: JSON.stringify({ n, ...rare[n] }),
      headers: { 'x:identity': 'ada' },
      timestamp: start + n * 60_000,
    })),
  )
  for (let n = 0; n < 10; n += 1) {
    await log.producer.send([{ topic: 'news', key: 'all', value: `{"n":${n}}`, timestamp: start + n * 60_000 }])
  }
  for (const [id, identity, month] of [
    ['a', 'ada', '2026-01'],
    ['b', 'ada', '2026-02'],
    ['c', 'bob', '2026-01'],
    ['d', 'ada', '2026-01'],
  ] as const) {
    await log.put('tasks', id, { id, text: month }, { 'x:identity': identity, 'x:month': month })
  }
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

type Page = { readonly items: readonly { readonly n: number }[]; readonly before: string | null }

async function pagesOf(query: string): Promise<Page[]> {
  const pages: Page[] = []
  for (let cursor: string | null | undefined = ''; cursor !== null && cursor !== undefined; ) {
    const path = `/entries?${query}${cursor === '' ? '' : `&before=${cursor}`}`
    const answer = await http.call(path, { token: tokens.ada })
    expect(answer.status).toBe(200)
    pages.push(answer.json() as Page)
    cursor = pages.at(-1)?.before
  }
  return pages
}

const found = (pages: readonly Page[]) => pages.flatMap(({ items }) => items.map(({ n }) => n))

describe('a search', () => {
  it('finds what matches, newest first, looking at so many for each answer and going on behind them', async () => {
    const pages = await pagesOf('note=boat')
    expect(found(pages)).toEqual([2_250, 1])
    expect(pages.length).toBeGreaterThan(2)
    expect(pages.length).toBeLessThan(6)
  })

  it('looks at names in the directory, as they are now', async () => {
    expect(found(await pagesOf('note=Greta'))).toEqual([2])
    await surroundings.log.put('profiles', 'greta', { id: 'greta', name: 'Gretel' })
    await expect.poll(async () => found(await pagesOf('note=Gretel'))).toEqual([2])
    expect(found(await pagesOf('note=Greta'))).toEqual([])
  })

  it('gives no more than a page, each once', async () => {
    const pages = await pagesOf('note=boat&limit=1')
    expect(pages.every(({ items }) => items.length <= 1)).toBe(true)
    expect(found(pages)).toEqual([2_250, 1])
  })

  it('keeps to a time', async () => {
    const at = (n: number) => start + n * 60_000
    expect(found(await pagesOf(`note=boat&from=${at(2)}`))).toEqual([2_250])
    expect(found(await pagesOf(`note=boat&to=${at(2)}`))).toEqual([1])
    expect(found(await pagesOf(`note=boat&from=${at(2)}&to=${at(2_250)}`))).toEqual([])
  })

  it('has no tag: what it finds is known once it was read', async () => {
    const answer = await http.call('/entries?note=boat', { token: tokens.ada })
    expect([answer.headers.etag, answer.headers['cache-control']]).toEqual([undefined, 'private, no-cache'])
  })
})

describe('a list of a time', () => {
  it('holds exactly what was then, oldest first, and says where older ones are', async () => {
    const query = `from=${start + 2 * 60_000}&to=${start + 8 * 60_000}&last=4`
    const newest = await http.call(`/news?${query}`, { token: tokens.ada })
    expect((newest.json() as { n: number }[]).map(({ n }) => n)).toEqual([4, 5, 6, 7])
    const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(String(newest.headers.link)) ?? []
    const older = await http.call(next, { token: tokens.ada })
    expect((older.json() as { n: number }[]).map(({ n }) => n)).toEqual([2, 3])
    expect(older.headers.link).toBeUndefined()
  })
})

describe("an owner's part", () => {
  const tasksOf = async (month: string, name = 'ada') => {
    const answer = await http.call(`/monthly-tasks?month=${month}`, { token: tokens[name] })
    return (answer.json() as { id: string }[]).map(({ id }) => id).sort()
  }

  it('holds what is of the owner and of the part', async () => {
    expect(await tasksOf('2026-01')).toEqual(['a', 'd'])
    expect(await tasksOf('2026-02')).toEqual(['b'])
    expect(await tasksOf('2026-03')).toEqual([])
    expect(await tasksOf('2026-01', 'bob')).toEqual(['c'])
  })

  it('is live, and a record that goes to another part leaves it', async () => {
    const stream = await http.stream('/monthly-tasks?month=2026-02', { token: tokens.ada })
    expect(await stream.caughtUp()).toMatchObject([{ id: 'b' }])
    await surroundings.log.put('tasks', 'd', { id: 'd', text: '' }, { 'x:identity': 'ada', 'x:month': '2026-02' })
    await stream.event(({ data }) => data?.includes('"d"') === true)
    stream.close()
    expect(await tasksOf('2026-01')).toEqual(['a'])
    expect(await tasksOf('2026-02')).toEqual(['b', 'd'])
  })

  it('has to be named', async () => {
    for (const path of ['/monthly-tasks', '/monthly-tasks?month=jan', '/live?view=%2Fmonthly-tasks']) {
      const answer = await http.call(path, {
        token: tokens.ada,
        headers: { accept: 'application/json, text/event-stream' },
      })
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('month')])
    }
  })
})
