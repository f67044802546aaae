/** Bounds on what clients can make a gateway hold, besides those of commands (overload.test.ts) and of one stream (sessions.test.ts). */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Session } from '../src/sse/session.ts'
import { type OpenStream, StreamRegistry } from '../src/sse/stream-registry.ts'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway } from './support/test-gateway.ts'

describe('what piles up for all streams together', () => {
  let openStreams: StreamRegistry
  beforeEach(() => {
    vi.useFakeTimers()
    openStreams = new StreamRegistry({ heartbeatMs: 60_000, streams: 10, streamsOfOne: 10, streamBuffersBytes: 1_000 })
  })
  afterEach(() => {
    openStreams.drain()
    vi.useRealTimers()
  })

  function open(id: string, bytes: number, ended: string[]): void {
    const stream: OpenStream = {
      id,
      session: { subject: id } as Session,
      scopes: ['read'],
      heartbeat: () => undefined,
      bufferedBytes: () => bytes,
      restart: async () => undefined,
      end: (reason) => {
        ended.push(`${id} ${reason}`)
        openStreams.remove(stream)
      },
    }
    openStreams.add(stream)
  }

  it('is bounded: those who are furthest behind are cut off, until the rest is within the bound', () => {
    const ended: string[] = []
    for (const [id, bytes] of Object.entries({ a: 300, b: 600, c: 100, d: 500 })) open(id, bytes, ended)
    vi.advanceTimersByTime(1_000)
    expect(ended).toEqual(['b slow'])
    open('e', 100, ended)
    vi.advanceTimersByTime(5_000)
    expect(ended).toEqual(['b slow'])
    open('f', 1, ended)
    vi.advanceTimersByTime(1_000)
    expect(ended).toEqual(['b slow', 'd slow'])
  })
})

describe('connections', () => {
  it('are bounded, and so are the requests at once on each', async () => {
    const definition = testGateway({ connections: 2, requestsOfConnection: 7 })
    const surroundings = await openSurroundings(definition)
    const gateway = await openTestGateway(definition, surroundings)
    const { port } = gateway.running
    const sessions = [1, 2].map(() => connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }))
    for (const session of sessions) await once(session, 'remoteSettings')
    expect(sessions.map(({ remoteSettings }) => remoteSettings.maxConcurrentStreams)).toEqual([7, 7])

    const third = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await new Promise<void>((resolve) => third.on('error', () => undefined).on('close', () => resolve()))
    sessions[0]?.close()
    // Its place is free as soon as the gateway has seen the end of it.
    const live = () => gateway.http1.call('/health/live').then(({ status }) => status, String)
    await expect.poll(live).toBe(200)
    sessions[1]?.close()
    await gateway.close()
    await surroundings.close()
  })
})
