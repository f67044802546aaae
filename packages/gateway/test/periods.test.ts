/** Pages and CSV of a time, of a topic that keeps every record. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway()
const day = 86_400_000
const start = Date.UTC(2026, 0, 1)
/** One entry an hour, of ten days; every third is Bob's. */
const hours = 240
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
const tokens: Record<string, string> = {}

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  const { log, issuer } = surroundings
  for (const name of ['ada', 'bob']) tokens[name] = await issuer.token(name, 'read write')
  for (let n = 0; n < hours; n += 1) {
    const identity = n % 3 === 0 ? 'bob' : 'ada'
    // Tasks write into one partition, each at its own time: every eighth record is half an hour late.
    const timestamp = start + n * 3_600_000 - (n % 8 === 7 ? 1_800_000 : 0)
    await log.producer.send([
      { topic: 'entries', key: identity, value: JSON.stringify({ n }), headers: { 'x:identity': identity }, timestamp },
    ])
  }
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

type Page = { readonly items: readonly { readonly n: number }[]; readonly before: string | null }

async function pageOf(query: string, name = 'ada'): Promise<Page> {
  const answer = await http.call(`/entries?${query}`, { token: tokens[name] })
  expect(answer.status).toBe(200)
  return answer.json() as Page
}

/** All of a period, a page after the other. */
async function allOf(query: string, name = 'ada'): Promise<number[]> {
  const found: number[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await pageOf(cursor === '' ? query : `${query}&before=${cursor}`, name)
    found.push(...page.items.map(({ n }) => n))
    cursor = page.before
  }
  return found
}

/** What is to be found, newest first. */
function expected(from: number, to: number, isMine: (n: number) => boolean): number[] {
  const times = Array.from({ length: hours }, (_, n) => ({
    n,
    at: start + n * 3_600_000 - (n % 8 === 7 ? 1_800_000 : 0),
  }))
  return times
    .filter(({ n, at }) => isMine(n) && at >= from && at < to)
    .map(({ n }) => n)
    .reverse()
}

const ofAda = (n: number) => n % 3 !== 0

describe('a page of a time', () => {
  it.each([
    { name: 'a day', from: start + 2 * day, to: start + 3 * day },
    { name: 'from half an hour before a late record', from: start + 6.5 * 3_600_000, to: start + 9 * 3_600_000 },
    { name: 'a time that ends before a late record', from: start, to: start + 6.6 * 3_600_000 },
    { name: 'everything', from: 0, to: start + 100 * day },
    { name: 'a time before the first', from: 0, to: start },
    { name: 'a time after the last', from: start + 50 * day, to: start + 60 * day },
    { name: 'one moment', from: start + 4 * 3_600_000, to: start + 4 * 3_600_000 + 1 },
    { name: 'no time', from: start + day, to: start + day },
    { name: 'a time that ends before it begins', from: start + 2 * day, to: start + day },
  ])('holds exactly what was then: $name', async ({ from, to }) => {
    expect(await allOf(`from=${from}&to=${to}&limit=7`)).toEqual(expected(from, to, ofAda))
  })

  it('needs only one of its bounds', async () => {
    const middle = start + 5 * day
    expect(await allOf(`from=${middle}&limit=50`)).toEqual(expected(middle, Number.POSITIVE_INFINITY, ofAda))
    expect(await allOf(`to=${middle}&limit=50`)).toEqual(expected(0, middle, ofAda))
  })

  it('shows no other user’s', async () => {
    expect(await allOf(`from=${start}&to=${start + day}`, 'bob')).toEqual(
      expected(start, start + day, (n) => !ofAda(n)),
    )
  })

  it('holds what came after it was asked for first', async () => {
    const from = start + 300 * day
    expect(await allOf(`from=${from}`)).toEqual([])
    await surroundings.log.producer.send([
      { topic: 'entries', key: 'ada', value: '{"n":1000}', headers: { 'x:identity': 'ada' }, timestamp: from + 5 },
    ])
    await expect.poll(() => allOf(`from=${from}`)).toEqual([1000])
    expect(await allOf(`from=${from}&to=${from + 5}`)).toEqual([])
    expect(await allOf(`from=${from}&to=${from + 6}`)).toEqual([1000])
  })

  it.each([
    ['from=-1', 'from'],
    ['to=tomorrow', 'to'],
    ['from=1e12', 'from'],
  ])('refuses %s', async (query, words) => {
    const answer = await http.call(`/entries?${query}`, { token: tokens.ada })
    expect(answer.status).toBe(400)
    expect(JSON.stringify(answer.json())).toContain(words.replaceAll('"', '\\"'))
  })

  it('is none of a stream, which continues', async () => {
    const stream = await http.stream(`/entries?to=${start}&last=1`, { token: tokens.ada })
    expect(stream.status).toBe(200)
    stream.close()
  })
})

describe('a CSV of a time', () => {
  it('holds the same, oldest first', async () => {
    const from = start + 2 * day
    const to = start + 3 * day
    const answer = await http.call(`/entries?from=${from}&to=${to}`, {
      token: tokens.ada,
      headers: { accept: 'text/csv' },
    })
    const [, ...lines] = answer.text.trim().split('\r\n')
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(expected(from, to, ofAda).reverse())
  })
})
