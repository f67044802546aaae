import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'
import type { TestStream } from './support/test-stream.ts'

const definition = testGateway({ challengeMs: 30_000, streamBufferBytes: 20_000, slowClientTimeoutMs: 500 })
let surroundings: Surroundings
let gateway: TestGateway

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
})
afterAll(() => surroundings.close())
beforeEach(async () => {
  gateway = await openTestGateway(definition, surroundings)
})
afterEach(() => gateway.close())

type Challenge = { readonly url: string; readonly streamId: string; readonly expiresAt: number }

async function challengeOf(stream: TestStream): Promise<Challenge> {
  const { data } = await stream.event(({ event }) => event === 'challenge')
  return JSON.parse(data ?? '') as Challenge
}

describe('a token about to expire', () => {
  it('is asked for again 30 s before, and the stream lives on with a new one', async () => {
    const { issuer, log } = surroundings
    const stream = await gateway.http2.stream('/entries', {
      token: await issuer.token('ada', 'read', { expiresIn: 2 }),
    })
    const challenge = await challengeOf(stream)
    expect(challenge.expiresAt - Date.now()).toBeLessThanOrEqual(2_000)
    const renewed = await gateway.http2.call(challenge.url, {
      method: 'POST',
      token: await issuer.token('ada', 'read'),
    })
    expect(renewed.status).toBe(204)
    // Past the first token's expiry, the stream still tells what happens.
    await expect.poll(() => Date.now() > challenge.expiresAt + 200, { timeout: 5_000 }).toBe(true)
    await log.put('entries', 'ada', { n: 1 }, { 'x:identity': 'ada' })
    await stream.event(({ data }) => data === '{"n":1}')
    expect(stream.events.some(({ event }) => event === 'expired')).toBe(false)
    stream.close()
  })

  it('is refused with 403 if the subject differs or the scope is missing', async () => {
    const { issuer } = surroundings
    const stream = await gateway.http2.stream('/entries', {
      token: await issuer.token('ada', 'read', { expiresIn: 20 }),
    })
    const { url } = await challengeOf(stream)
    const post = async (token: string | undefined) => (await gateway.http1.call(url, { method: 'POST', token })).status
    expect(await post(await issuer.token('bob', 'read'))).toBe(403)
    expect(await post(await issuer.token('ada', 'write'))).toBe(403)
    expect(await post(undefined)).toBe(401)
    expect(await post(await issuer.token('ada', 'read'))).toBe(204)
    stream.close()
  })

  it('gets 404 where the stream is not open', async () => {
    const token = await surroundings.issuer.token('ada', 'read')
    for (const id of ['0c8b9a6e-3c76-4d13-9e0c-2f6f4b5a7d11', 'x']) {
      expect((await gateway.http2.call(`/streams/${id}/token`, { method: 'POST', token })).status).toBe(404)
    }
  })

  it('ends the stream visibly when it is not renewed', async () => {
    const token = await surroundings.issuer.token('ada', 'read', { expiresIn: 1 })
    const stream = await gateway.http1.stream('/entries', { token })
    await stream.ended
    expect(stream.events.map(({ event }) => event)).toEqual(expect.arrayContaining(['challenge', 'expired']))
    expect(stream.events.at(-1)?.event).toBe('expired')
  })
})

describe('a slow client', () => {
  it.each(['http1', 'http2'] as const)(
    'is cut off within its bound of memory over %s, and resumes where it was',
    async (protocol) => {
      const { issuer, log } = surroundings
      const token = await issuer.token(protocol, 'read')
      const total = 60
      const stream = await gateway[protocol].stream('/entries', { token })
      await stream.caughtUp()
      stream.pause()
      const padding = 'x'.repeat(200_000)
      for (let n = 0; n < total; n++) await log.put('entries', protocol, { n, padding }, { 'x:identity': protocol })
      await expect
        .poll(gateway.metrics, { timeout: 15_000 })
        .toMatch(/gateway_streams_ended_total\{view="entries",reason="slow"\} 1/)
      stream.resume()
      await stream.ended
      const seen = stream.values().length
      expect(seen).toBeLessThan(total)
      const resumed = await gateway.http1.stream('/entries', {
        token,
        headers: { 'last-event-id': stream.lastId() ?? '' },
      })
      await resumed.caughtUp()
      const numbers = [...stream.values(), ...resumed.values()].map((value) => (value as { n: number }).n)
      expect(numbers).toEqual(Array.from({ length: total }, (_, n) => n))
      resumed.close()
    },
    40_000,
  )
})

describe('a gateway that stops', () => {
  it('ends its streams with their position, and answers what is under way', async () => {
    const { issuer, replier, log } = surroundings
    const token = await issuer.token('ada', 'read write')
    const other = await openTestGateway(definition, surroundings)
    const streams = await Promise.all([other.http1, other.http2].map((client) => client.stream('/news', { token })))
    await Promise.all(streams.map((stream) => stream.caughtUp()))
    const asked = Promise.withResolvers<string>()
    replier.answering = (_command, headers) => {
      asked.resolve(headers['x:correlation-id'] ?? '')
      return undefined
    }
    const command = other.http2.call('/do', { token, body: { what: 'x' } })
    const correlationId = await asked.promise
    const closing = other.running.close()
    await Promise.all(streams.map((stream) => stream.ended))
    await log.put(
      'replies',
      correlationId,
      { done: 1 },
      { ':status': '200', 'x:identity': 'ada', 'x:correlation-id': correlationId },
    )
    expect((await command).status).toBe(200)
    await closing
    for (const stream of streams) expect(stream.lastId()).toMatch(/^news:/)
    other.http2.close()
  })
})
