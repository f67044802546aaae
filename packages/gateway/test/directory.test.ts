/** A directory over HTTPS: searched a page at a time, asked for by ids, never sent whole. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { longestCursor, longestKey } from '../src/views/directory.ts'
import { testGateway } from './support/definition.ts'
import type { Answer, TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

type Page = { readonly items: readonly { readonly id: string; readonly name: string }[]; readonly next?: string }

const people = 130
const definition = testGateway()
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  const { producer } = surroundings.log
  const records = Array.from({ length: people }, (_, n) => {
    const id = `user-${n}`
    return { topic: 'profiles', key: id, value: JSON.stringify({ id, name: `Émilie Number${n}` }) }
  })
  await producer.send(records)
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
  token = await surroundings.issuer.token('ada', 'read')
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

function get(query: string, headers: Record<string, string> = {}): Promise<Answer> {
  return http.call(`/profiles${query}`, { token, headers })
}

async function page(query: string): Promise<Page> {
  return (await get(query)).json() as Page
}

describe('a directory', () => {
  it('is never sent whole: without a search it is a page', async () => {
    const first = await page('')
    expect([first.items.length, first.next !== undefined]).toEqual([20, true])
    expect((await page('?limit=100')).items).toHaveLength(100)
  })

  it('gives everybody once over all pages', async () => {
    const ids: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const found: Page = await page(`?search=emilie&limit=17${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ids.push(...found.items.map(({ id }) => id))
      cursor = found.next
    }
    expect(ids.toSorted()).toEqual(Array.from({ length: people }, (_, n) => `user-${n}`).toSorted())
  })

  it('is searched by the beginnings of words, whatever their case and marks', async () => {
    for (const search of ['number77', 'NUMBER77', 'EMI number77', 'émi%20number77', '%EF%BC%AE%EF%BC%B5MBER77'])
      expect((await page(`?search=${search.replace(' ', '%20')}`)).items.map(({ id }) => id)).toEqual(['user-77'])
    expect(await page('?search=umber77')).toEqual({ items: [] })
  })

  it('shows a new name at once, and the old one no more', async () => {
    await surroundings.log.put('profiles', 'changing', { id: 'changing', name: 'Before' })
    await expect.poll(() => page('?search=before')).toEqual({ items: [{ id: 'changing', name: 'Before' }] })
    await surroundings.log.put('profiles', 'changing', { id: 'changing', name: 'After' })
    await expect.poll(() => page('?search=after')).toEqual({ items: [{ id: 'changing', name: 'After' }] })
    expect(await page('?search=before')).toEqual({ items: [] })
    await surroundings.log.put('profiles', 'changing', null)
    await expect.poll(() => page('?search=after')).toEqual({ items: [] })
    expect(await page('?id=changing')).toEqual({ items: [] })
  })

  it('gives records by their ids, in this order, without those that it does not have', async () => {
    const { items, next } = await page('?id=user-7&id=nobody&id=user-3&id=user-7')
    expect([items.map(({ id }) => id), next]).toEqual([['user-7', 'user-3'], undefined])
    const many = Array.from({ length: 100 }, (_, n) => `id=user-${n}`).join('&')
    expect((await page(`?${many}`)).items).toHaveLength(100)
  })

  it('answers 304 to a client that has the page', async () => {
    const { headers } = await get('?search=number7')
    expect((await get('?search=number7', { 'if-none-match': headers.etag ?? '' })).status).toBe(304)
    expect((await get('?search=number8', { 'if-none-match': headers.etag ?? '' })).status).toBe(200)
  })

  it('is a stream only of those whose ids are named', async () => {
    const accept = { accept: 'text/event-stream' }
    expect((await get('?search=emilie', accept)).status).toBe(406)
    expect((await get('', accept)).status).toBe(406)
    const several = await http.call(`/live?view=${encodeURIComponent('/profiles')}`, { token, headers: accept })
    expect([several.status, (several.json() as { view: string }).view]).toEqual([406, '/profiles'])
    const stream = await http.stream(`/live?view=${encodeURIComponent('/profiles?id=user-1&id=user-2')}`, { token })
    await stream.event(({ event }) => event === '0:caught-up')
    expect(stream.events.filter(({ event }) => event === '0:message')).toHaveLength(2)
    stream.close()
  })

  it.each([
    ['limit=0', 'malformed-request'],
    ['limit=101', 'malformed-request'],
    ['limit=1e2', 'malformed-request'],
    [`search=${'x'.repeat(101)}`, 'malformed-request'],
    ['search=a&search=b', 'malformed-request'],
    ['last=5', 'malformed-request'],
    ['id=', 'malformed-request'],
    [`id=${'x'.repeat(longestKey + 1)}`, 'malformed-request'],
    [Array.from({ length: 101 }, (_, n) => `id=${n}`).join('&'), 'malformed-request'],
    ['id=a&search=b', 'malformed-request'],
    ['cursor=nonsense', 'invalid-position'],
    [`cursor=${Buffer.from('["a",1,"b"]').toString('base64url')}`, 'invalid-position'],
    [`search=x&cursor=${Buffer.from('["a","b","c"]').toString('base64url')}`, 'invalid-position'],
    [`cursor=${'x'.repeat(longestCursor + 1)}`, 'malformed-request'],
  ])('refuses ?%s with 400', async (query, slug) => {
    const answer = await get(`?${query}`)
    expect([answer.status, (answer.json() as { type: string }).type]).toEqual([400, `urn:test:problem:${slug}`])
  })

  it.each([
    ['search=a&search=b', 'search may appear only once.'],
    [Array.from({ length: 101 }, (_, n) => `id=${n}`).join('&'), 'id may appear at most 100 times.'],
    [`id=a&id=${'x'.repeat(longestKey + 1)}`, `id.1 may have at most ${longestKey} characters.`],
    ['id=', 'id must have at least 1 character.'],
    ['limit=0', 'limit must be a whole number from 1 to 100.'],
    ['last=5', 'last is not known here.'],
  ])('says what is wrong with ?%s', async (query, detail) => {
    expect((await get(`?${query}`)).json()).toMatchObject({ detail })
  })

  it('pages over names and keys that are as long as they may be', async () => {
    // The cursor must hold whatever the place is made of, at its longest.
    const key = (n: number) => `${n}`.padEnd(longestKey, '\u0001')
    for (const n of [1, 2]) {
      const value = { id: key(n), name: `${'語'.repeat(200)} ${n}` }
      await surroundings.log.put('profiles', key(n), value)
    }
    await expect.poll(async () => (await page(`?search=${encodeURIComponent('語')}`)).items.length).toBe(2)
    const first = await page(`?search=${encodeURIComponent('語')}&limit=1`)
    expect(first.next?.length).toBeLessThanOrEqual(longestCursor)
    const second = await page(`?search=${encodeURIComponent('語')}&limit=1&cursor=${first.next}`)
    expect([first.items.length, second.items.length, second.next]).toEqual([1, 1, undefined])
    expect(first.items[0]?.id).not.toBe(second.items[0]?.id)
  })
})
