import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hiddenForMs, type StreamFault, type StreamState, silenceMs } from '../src/live/event-connection.ts'
import { LiveHub } from '../src/live/live-hub.ts'
import { fakeStreams, type OpenedStream } from './support/fake-gateway-stream.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

type Reported = { readonly state: StreamState; readonly fault: StreamFault | undefined }

function fakeVisibility() {
  let hidden = false
  const listeners = new Set<() => void>()
  return {
    isHidden: () => hidden,
    onChange: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    show: (shown: boolean) => {
      hidden = !shown
      for (const listener of listeners) listener()
    },
  }
}

function setUp(answerOf?: (opened: OpenedStream, count: number) => number | Response) {
  const gateway = fakeStreams(answerOf)
  const visibility = fakeVisibility()
  const states: Reported[] = []
  const hub = new LiveHub({
    tokens: { token: async () => 'token', renew: async () => undefined },
    fetch: gateway.fetchLike,
    visibility,
    onState: (state, fault) => states.push({ state, fault }),
  })

  /** Opens a view, and notes what it is told. */
  function show(url: string, { scope = 'read:balances', resumes = true } = {}) {
    const seen: unknown[] = []
    const handle = hub.open({
      url: () => url,
      scope,
      resumes,
      onRecords: (records) => seen.push(...records),
      onDelete: (key) => seen.push(`deleted ${key}`),
      onReset: () => seen.push('reset'),
      onRestart: () => seen.push('anew'),
      onSettled: () => seen.push('settled'),
      onState: (state) => seen.push(state),
    })
    return { seen, ...handle }
  }

  /** Lets the hub act, and the gateway answer. */
  const pass = (ms = 100) => vi.advanceTimersByTimeAsync(ms)
  const viewsOf = ({ url }: OpenedStream) => new URL(url, 'https://gateway.test').searchParams.getAll('view')
  return { ...gateway, visibility, states, hub, show, pass, viewsOf }
}

const record = (index: number, id: string, value: unknown) =>
  `event: ${index}:message\nid: ${index}:${id}\ndata: ${JSON.stringify(value)}\n\n`
const caughtUp = (index: number, id: string) => `event: ${index}:caught-up\nid: ${index}:${id}\ndata: {}\n\n`

describe('the views of a page', () => {
  it('share one connection, and each gets its own events', async () => {
    const { show, pass, opened, viewsOf, request } = setUp()
    const balance = show('/current-balance')
    const entries = show('/transactions?last=20')
    await pass()
    expect(opened).toHaveLength(1)
    const first = await request(1)
    expect(viewsOf(first)).toEqual(['/current-balance', '/transactions?last=20'])
    first.send(record(1, 'a', { n: 1 }) + record(0, 'b', { n: 2 }) + caughtUp(0, 'b') + caughtUp(1, 'a'))
    first.send('event: 1:delete\nid: 1:c\ndata: gone:1\n\n')
    await pass()
    expect(balance.seen).toEqual(['anew', 'connecting', 'live', { n: 2 }, 'settled'])
    expect(entries.seen).toEqual(['anew', 'connecting', 'live', { n: 1 }, 'settled', 'deleted gone:1'])
  })

  it('go on from their own positions when a view comes or goes, heartbeats included', async () => {
    const { show, pass, viewsOf, request, opened } = setUp()
    show('/current-balance')
    const leaving = show('/activities?last=5')
    await pass()
    const first = await request(1)
    first.send(`${record(0, 'b1', 1)}${record(1, 'a1', 1)}id: 0:b2\n\n`)
    await pass()
    leaving.close()
    show('/transactions?last=20')
    await pass()
    const second = await request(2)
    expect(viewsOf(second)).toEqual(['/current-balance?lastEventId=b2', '/transactions?last=20'])
    second.send(record(1, 't 1&', 1))
    await pass()
    second.cut()
    await pass(2_000)
    expect(viewsOf(await request(3))).toEqual([
      '/current-balance?lastEventId=b2',
      '/transactions?last=20&lastEventId=t%201%26',
    ])
    expect(opened).toHaveLength(3)
  })

  it('let the connection go with the last one', async () => {
    const { show, pass, request, states } = setUp()
    const only = show('/current-balance')
    await pass()
    const first = await request(1)
    only.close()
    await pass(2_000)
    expect(first.signal?.aborted).toBe(true)
    expect(states.at(-1)?.state).toBe('closed')
  })

  it('begin anew after a reset, the others go on', async () => {
    const { show, pass, request, viewsOf } = setUp()
    const one = show('/current-balance')
    const other = show('/transactions')
    await pass()
    const first = await request(1)
    first.send(`${record(0, 'b1', 1)}${record(1, 't1', 1)}event: 0:reset\ndata: {"reason":"other-topic"}\n\n`)
    await pass()
    first.cut()
    await pass(2_000)
    expect(viewsOf(await request(2))).toEqual(['/current-balance', '/transactions?lastEventId=t1'])
    expect(one.seen.filter((each) => each === 'anew')).toHaveLength(2)
    expect(other.seen.filter((each) => each === 'anew')).toHaveLength(1)
  })

  it('are shown without the one that lacks a permission, which is told', async () => {
    const forbidden = new Response(
      JSON.stringify({ type: 'urn:streampay:problem:missing-scope', scope: 'read:activities', view: '/activities' }),
      { status: 403, headers: { 'content-type': 'application/problem+json' } },
    )
    const { show, pass, viewsOf, request } = setUp((_opened, count) => (count === 1 ? forbidden : 200))
    const allowed = show('/current-balance')
    const refused = show('/activities', { scope: 'read:activities' })
    await pass()
    expect(viewsOf(await request(2))).toEqual(['/current-balance'])
    expect(refused.seen.at(-1)).toBe('refused')
    expect(allowed.seen.at(-1)).toBe('live')
  })
})

describe('a connection that carries nothing', () => {
  // Once the balance stood still for five minutes behind a proxy that hung, and nothing was said.
  it('is given up after two heartbeats, and made anew from its positions', async () => {
    const { show, pass, request, states, viewsOf, opened } = setUp()
    show('/current-balance')
    await pass()
    const first = await request(1)
    first.send(record(0, 'b1', 1))
    await pass(silenceMs - 1_000)
    first.send('id: 0:b2\n\n')
    await pass(silenceMs - 1)
    expect(opened).toHaveLength(1)
    await pass(2)
    expect(states.map(({ state }) => state)).toContain('reconnecting')
    expect(first.signal?.aborted).toBe(true)
    await pass(1)
    expect(viewsOf(await request(2))).toEqual(['/current-balance?lastEventId=b2'])
    expect(states.at(-1)?.state).toBe('live')
  })

  it('is given up when no answer comes at all', async () => {
    const { show, pass, opened } = setUp(() => 0)
    show('/current-balance')
    await pass(15_200)
    expect(opened.length).toBe(2)
  })
})

describe('too many streams', () => {
  const tooMany = (seconds: number) => new Response(null, { status: 429, headers: { 'retry-after': `${seconds}` } })

  it('are told as such, and no attempt is made before the pause is over', async () => {
    const { show, pass, states, opened } = setUp((_opened, count) => (count === 1 ? tooMany(40) : 200))
    show('/current-balance')
    await pass()
    expect(states.at(-1)).toEqual({ state: 'reconnecting', fault: { kind: 'tooMany', retryAfterMs: 40_000 } })
    await pass(39_800)
    expect(opened).toHaveLength(1)
    await pass(300)
    expect(opened).toHaveLength(2)
    expect(states.at(-1)).toEqual({ state: 'live', fault: undefined })
  })
})

describe('a page that nobody sees', () => {
  it('lets its connection go after a while, and comes back without loss', async () => {
    const { show, pass, request, visibility, opened, viewsOf } = setUp()
    show('/transactions')
    const activities = show('/activities?last=5', { resumes: false })
    await pass()
    const first = await request(1)
    first.send(record(0, 't1', 1) + caughtUp(0, 't1') + record(1, 'a1', 1) + caughtUp(1, 'a1'))
    await pass()
    visibility.show(false)
    await pass(hiddenForMs - 1)
    expect(first.signal?.aborted).toBe(false)
    await pass(2)
    expect(first.signal?.aborted).toBe(true)
    await pass(600_000)
    expect(opened).toHaveLength(1)
    visibility.show(true)
    await pass()
    // What everybody did meanwhile could be any number of records: there the newest are asked for.
    expect(viewsOf(await request(2))).toEqual(['/transactions?lastEventId=t1', '/activities?last=5'])
    expect(activities.seen).toContain('anew')
  })

  it('keeps its connection when it is looked at again in time', async () => {
    const { show, pass, request, visibility } = setUp()
    show('/transactions')
    await pass()
    visibility.show(false)
    await pass(hiddenForMs - 1)
    visibility.show(true)
    const first = await request(1)
    first.send('id: 0:t1\n\n')
    await pass(hiddenForMs)
    expect((await request(1)).signal?.aborted).toBe(false)
  })
})
