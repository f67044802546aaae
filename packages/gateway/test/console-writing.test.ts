import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consolePaths, consoleWritingPaths } from '../src/definition/definition.ts'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

let surroundings: Surroundings
let gateway: TestGateway
let token: string

beforeAll(async () => {
  const definition = testGateway()
  surroundings = await openSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'watch')
  gateway = await openTestGateway(definition, surroundings)
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

async function read<T>(name: string): Promise<T> {
  const answer = await gateway.http2.call(`/console/${name}`, { token })
  expect(answer.status).toBe(200)
  return answer.json() as T
}

describe('what operators write', () => {
  const post = async (path: string, body: unknown, scopes = 'watch write-by-hand') => {
    const writer = await surroundings.issuer.token('ada', scopes)
    const headers = { 'content-type': 'application/json' }
    const answer = await gateway.http2.call(`/console/${path}`, {
      method: 'POST',
      token: writer,
      body: JSON.stringify(body),
      headers,
    })
    return { status: answer.status, body: answer.json() as Record<string, unknown> }
  }
  const record = { key: 'eve', value: 'no JSON', headers: [{ name: 'x:note', value: 'by hand' }], partition: 3 }

  it('is a record, as it was given, in their own name', async () => {
    const { status, body } = await post('topics/profiles/records', record)
    expect([status, body]).toEqual([201, { topic: 'profiles', partition: 3, offset: expect.any(Number) }])
    const written = (await surroundings.log.records('profiles')).at(-1)
    const headers = Object.fromEntries(written?.headers.map(([name, value]) => [name, value?.toString()]) ?? [])
    expect([written?.key?.toString(), written?.value?.toString(), headers]).toEqual([
      'eve',
      'no JSON',
      { 'x:identity': 'ada', 'x:note': 'by hand', 'x:correlation-id': expect.stringMatching(/^[0-9a-f-]{36}$/) },
    ])
    expect((await post('topics/profiles/records', { key: 'eve', value: null })).status).toBe(201)
    expect((await surroundings.log.records('profiles')).filter(({ value }) => value === null)).toHaveLength(1)
  })

  it.each([
    ['topics/tasks/records', record, 403, 'A record can be written by hand to profiles, not to "tasks".'],
    ['topics/nowhere/records', record, 403, 'A record can be written by hand to profiles, not to "nowhere".'],
    [
      'topics/profiles/records',
      { ...record, headers: [{ name: 'x:identity', value: 'bob' }] },
      400,
      'must not have x:identity',
    ],
    [
      'topics/profiles/records',
      { ...record, headers: [{ name: 'x:correlation-id', value: 'c' }] },
      400,
      'the gateway sets it',
    ],
    ['topics/profiles/records', { ...record, headers: [record.headers[0], record.headers[0]] }, 400, 'x:note twice'],
    ['topics/profiles/records', { ...record, partition: 4 }, 400, 'partition must be from 0 to 3'],
    ['topics/profiles/records', { ...record, key: 'k'.repeat(1_025) }, 400, 'key'],
    [
      'topics/profiles/records',
      { ...record, headers: Array.from({ length: 51 }, () => record.headers[0]) },
      400,
      'headers',
    ],
    ['topics/profiles/records', { value: 'x' }, 400, 'key is required'],
    ['topics/profiles/records', { ...record, value: 'x'.repeat(20_000) }, 413, 'at most 16384 bytes'],
    ['dead-letters/0/9/replay', {}, 404, 'no such dead letter'],
    ['dead-letters/0/-1/replay', {}, 404, 'no dead letter'],
  ])('to %s with %o is refused', async (path, body, status, detail) => {
    const refused = await post(path, body)
    expect([refused.status, refused.body.detail]).toEqual([status, expect.stringContaining(detail)])
  })

  it('needs a permission of its own, which does not come with that to see everything', async () => {
    const before = (await surroundings.log.records('profiles')).length
    for (const [path, body] of [
      ['topics/profiles/records', record],
      ['dead-letters/0/0/replay', {}],
    ] as const) {
      const refused = await post(path, body, 'watch read write')
      expect([refused.status, refused.body.scope]).toEqual([403, 'write-by-hand'])
    }
    expect(await surroundings.log.records('profiles')).toHaveLength(before)
  })

  it('is described with everything else that the console answers', async () => {
    const { paths } = (await gateway.http2.call('/openapi.json')).json() as { paths: Record<string, object> }
    const described = Object.entries(paths).flatMap(([path, of]) =>
      Object.keys(of).map((method) => `${method} ${path}`),
    )
    const below = (method: string, of: Readonly<Record<string, string>>) =>
      Object.values(of).map((path) => `${method} /console${path}`)
    expect(described).toEqual(
      expect.arrayContaining([...below('get', consolePaths), ...below('post', consoleWritingPaths)]),
    )
  })

  it('is a dead letter put back, which those who watch may only ask about', async () => {
    expect(await read('dead-letters/0/0')).toEqual({ refusal: null })
    expect(await read('dead-letters/0/1')).toEqual({ refusal: 'it is old' })
    expect((await gateway.http2.call('/console/dead-letters/0/2', { token })).status).toBe(404)
    const back = { kind: 'written', place: 'commands/0/7', answer: { status: 200 } }
    expect(await post('dead-letters/0/0/replay', {})).toEqual({ status: 200, body: back })
  })
})
