import { afterEach, describe, expect, it } from 'vitest'
import { type LiveStream, openStream, type StreamState } from '../src/live/live-stream.ts'
import { fakeStreams, type OpenedStream } from './support/fake-gateway-stream.ts'

type Seen = { readonly kind: string; readonly data?: unknown }

let stream: LiveStream | undefined
afterEach(() => stream?.close())

/** Opens a stream and notes what it delivers, in order; a test can wait for it. */
function open(statusOf?: (opened: OpenedStream, count: number) => number) {
  const gateway = fakeStreams(statusOf)
  const seen: Seen[] = []
  const waiting: (() => void)[] = []
  const states: StreamState[] = []
  let token = 'first'
  let canRenew = true
  const see = (kind: string, data?: unknown) => {
    seen.push(data === undefined ? { kind } : { kind, data })
    for (const wake of waiting.splice(0)) wake()
  }
  stream = openStream({
    url: 'https://gateway.test/activities',
    fetch: gateway.fetchLike,
    tokens: {
      token: async () => token,
      renew: async () => {
        if (!canRenew) return undefined
        token = 'second'
        return token
      },
    },
    onRecords: (records) => see('records', records),
    onDelete: (key) => see('delete', key),
    onReset: () => see('reset'),
    onSettled: () => see('settled'),
    onState: (state) => {
      states.push(state)
      see('state', state)
    },
  })
  async function until(found: (seen: readonly Seen[]) => boolean) {
    while (!found(seen)) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return { ...gateway, seen, states, until, refuseRenewal: () => (canRenew = false), stream }
}

const record = (id: string, value: unknown) => `id: ${id}\ndata: ${JSON.stringify(value)}\n\n`
const sawRecords = (count: number) => (seen: readonly Seen[]) =>
  seen.filter(({ kind }) => kind === 'records').length >= count

describe('a live stream', () => {
  it('sends the token, delivers history at once, and says when it is complete', async () => {
    const { request, until, seen } = open()
    const first = await request(1)
    expect(first.token).toBe('Bearer first')
    first.send(`${record('1', { n: 1 })}${record('2', { n: 2 })}event: caught-up\nid: 2\ndata: {}\n\n`)
    await until((all) => all.some(({ kind }) => kind === 'settled'))
    expect(seen.filter(({ kind }) => kind !== 'state')).toEqual([
      { kind: 'records', data: [{ n: 1 }, { n: 2 }] },
      { kind: 'settled' },
    ])
  })

  it('keeps the order of records, deletions and resets', async () => {
    const { request, until, seen } = open()
    const first = await request(1)
    first.send(
      `${record('1', 1)}event: delete\nid: 2\ndata: some key\n\n${record('3', 2)}event: reset\ndata: {}\n\n${record('4', 3)}`,
    )
    await until(sawRecords(3))
    expect(seen.filter(({ kind }) => kind !== 'state')).toEqual([
      { kind: 'records', data: [1] },
      { kind: 'delete', data: 'some key' },
      { kind: 'records', data: [2] },
      { kind: 'reset' },
      { kind: 'records', data: [3] },
    ])
  })

  it('goes on from its position after the connection was lost', async () => {
    const { request, until, states } = open()
    const first = await request(1)
    first.send(`retry: 1\n\n${record('position-7', 1)}`)
    await until(sawRecords(1))
    first.cut()
    const second = await request(2)
    expect(second.lastEventId).toBe('position-7')
    second.send(record('position-8', 2))
    await until(sawRecords(2))
    expect(states).toEqual(['live', 'reconnecting', 'live'])
  })

  it('answers a challenge with a new token, and stays open', async () => {
    const { request, until } = open()
    const first = await request(1)
    const challenge = { url: '/streams/s1/token', streamId: 's1', expiresAt: 1 }
    first.send(`event: challenge\ndata: ${JSON.stringify(challenge)}\n\n`)
    const answer = await request(2)
    expect(answer).toMatchObject({
      url: '/streams/s1/token',
      method: 'POST',
      token: 'Bearer second',
      body: '{"streamId":"s1"}',
    })
    first.send(record('1', 1))
    await until(sawRecords(1))
  })

  it('opens a new stream from its position when another gateway holds the challenged one', async () => {
    const { request, until } = open((opened) => (opened.method === 'POST' ? 404 : 200))
    const first = await request(1)
    first.send(record('position-3', 1))
    await until(sawRecords(1))
    first.send(`event: challenge\ndata: {"url":"/streams/s1/token","streamId":"s1"}\n\n`)
    expect(await request(3)).toMatchObject({ method: 'GET', lastEventId: 'position-3', token: 'Bearer second' })
  })

  it('renews the token and goes on from its position when it has expired', async () => {
    const { request, until } = open()
    const first = await request(1)
    first.send(record('position-5', 1))
    await until(sawRecords(1))
    first.send('event: expired\ndata: {}\n\n')
    expect(await request(2)).toMatchObject({ lastEventId: 'position-5', token: 'Bearer second' })
  })

  it('says that it is refused when the session can’t be renewed', async () => {
    const { request, until, states, refuseRenewal } = open(() => 401)
    refuseRenewal()
    await request(1)
    await until((all) => all.some(({ data }) => data === 'refused'))
    expect(states).toEqual(['reconnecting', 'refused'])
  })

  it('says that it is refused without the permission, and does not try again', async () => {
    const { request, until, opened } = open(() => 403)
    await request(1)
    await until((all) => all.some(({ data }) => data === 'refused'))
    expect(opened).toHaveLength(1)
  })

  it('begins again when the gateway does not know its position', async () => {
    const { request, until, stream: opened } = open((_opened, count) => (count === 2 ? 400 : 200))
    const first = await request(1)
    first.send(record('of-another-view', 1))
    await until(sawRecords(1))
    opened.reconnect()
    await until((all) => all.some(({ kind }) => kind === 'reset'))
    expect(await request(3)).toMatchObject({ lastEventId: null })
  })

  it('pauses without losing its position, and continues', async () => {
    const { request, until, stream: opened } = open()
    const first = await request(1)
    first.send(record('position-9', 1))
    await until(sawRecords(1))
    opened.hold()
    opened.reconnect()
    expect(await request(2)).toMatchObject({ lastEventId: 'position-9' })
  })

  it('delivers nothing after it was closed', async () => {
    const { request, until, seen, stream: opened } = open()
    const first = await request(1)
    await until((all) => all.some(({ data }) => data === 'live'))
    first.send(record('1', 1))
    opened.close()
    expect(seen.filter(({ kind }) => kind === 'records')).toEqual([])
  })
})
