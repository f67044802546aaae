import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import type { TestClient } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const definition = testGateway({ consoleStreams: 3, consoleStreamsOfOne: 2 })
let surroundings: Surroundings
let gateway: TestGateway
let http: TestClient
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  token = await surroundings.issuer.token('ada', 'watch')
  gateway = await openTestGateway(definition, surroundings)
  http = gateway.http2
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

describe('the console', () => {
  it('is for operators', async () => {
    const user = await surroundings.issuer.token('bob', 'read write')
    const below = ['topics', 'topics/news/records', 'groups', 'groups/g', 'transactions', 'dead-letters/0/0']
    for (const path of below.map((name) => `/console/${name}`)) {
      const answer = await http.call(path, { token: user })
      expect([answer.status, answer.json()]).toEqual([403, expect.objectContaining({ scope: 'watch' })])
    }
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
