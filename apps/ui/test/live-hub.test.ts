import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hiddenForMs, silenceMs } from '../src/live/event-connection.ts'
import { mostWaiting } from '../src/live/hub/tab.ts'
import { fakeStreams, type OpenedStream } from './support/fake-gateway-stream.ts'
import { fakeTab, fakeWorker } from './support/fake-tabs.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

type AnswerOf = (opened: OpenedStream, count: number) => number | Response

/** Lets the hub act, and the gateway answer. */
const pass = (ms = 100) => vi.advanceTimersByTimeAsync(ms)
const viewsOf = ({ url }: OpenedStream) => new URL(url, 'https://gateway.test').searchParams.getAll('view')

/** A tab without workers: it has a connection of its own. */
function oneTab(answerOf?: AnswerOf) {
  const gateway = fakeStreams(answerOf)
  return { ...gateway, ...fakeTab(gateway.fetchLike) }
}

/** Tabs that share a worker. */
function tabsOf(count: number, answerOf?: AnswerOf) {
  const gateway = fakeStreams(answerOf)
  const worker = fakeWorker(gateway.fetchLike)
  const newTab = () => fakeTab(gateway.fetchLike, worker.openShared)
  const tabs = Array.from({ length: count }, newTab)
  return { ...gateway, worker, tabs, newTab }
}

const row = (id: string, n = 0) => ({ id, n })
const record = (index: number, id: string, value: unknown) =>
  `event: ${index}:message\nid: ${index}:${id}\ndata: ${JSON.stringify(value)}\n\n`
const caughtUp = (index: number, id: string) => `event: ${index}:caught-up\nid: ${index}:${id}\ndata: {}\n\n`

describe('the views of a page', () => {
  it('share one connection, and each gets its own events', async () => {
    const { open, opened, request } = oneTab()
    const balance = open('/current-balance')
    const entries = open('/transactions?last=20')
    await pass()
    expect(opened).toHaveLength(1)
    const first = await request(1)
    expect(viewsOf(first)).toEqual(['/current-balance', '/transactions?last=20'])
    first.send(record(1, 'a', row('1')) + record(0, 'b', row('2')) + caughtUp(0, 'b') + caughtUp(1, 'a'))
    first.send('event: 1:delete\nid: 1:c\ndata: gone:1\n\n')
    await pass()
    expect(balance.seen).toEqual(['anew', 'connecting', 'live', row('2'), 'settled'])
    expect(entries.seen).toEqual(['anew', 'connecting', 'live', row('1'), 'settled', 'deleted gone:1'])
  })

  it('go on from their own positions when a view comes or goes, heartbeats included', async () => {
    const { open, request, opened } = oneTab()
    open('/current-balance')
    const leaving = open('/activities?last=5')
    await pass()
    const first = await request(1)
    first.send(`${record(0, 'b1', row('1'))}${record(1, 'a1', row('1'))}id: 0:b2\n\n`)
    await pass()
    leaving.close()
    open('/transactions?last=20')
    await pass()
    const second = await request(2)
    expect(viewsOf(second)).toEqual(['/current-balance?lastEventId=b2', '/transactions?last=20'])
    second.send(record(1, 't 1&', row('1')))
    await pass()
    second.cut()
    await pass(2_000)
    expect(viewsOf(await request(3))).toEqual([
      '/current-balance?lastEventId=b2',
      '/transactions?last=20&lastEventId=t%201%26',
    ])
    expect(opened).toHaveLength(3)
  })

  it('close the connection with the last one', async () => {
    const { open, request, states } = oneTab()
    const only = open('/current-balance')
    await pass()
    const first = await request(1)
    only.close()
    await pass(2_000)
    expect(first.signal?.aborted).toBe(true)
    expect(states.at(-1)?.state).toBe('closed')
  })

  it('begin anew after a reset, the others go on', async () => {
    const { open, request } = oneTab()
    const one = open('/current-balance')
    const other = open('/transactions')
    await pass()
    const first = await request(1)
    first.send(
      `${record(0, 'b1', row('1'))}${record(1, 't1', row('1'))}event: 0:reset\ndata: {"reason":"other-topic"}\n\n`,
    )
    await pass()
    first.cut()
    await pass(2_000)
    expect(viewsOf(await request(2))).toEqual(['/current-balance', '/transactions?lastEventId=t1'])
    expect(one.seen.filter((each) => each === 'anew')).toHaveLength(2)
    expect(other.seen.filter((each) => each === 'anew')).toHaveLength(1)
  })

  it('answer one challenge together, and renew their token once', async () => {
    const { open, request, tokens } = oneTab(({ method }) =>
      method === 'POST' ? new Response(null, { status: 204 }) : 200,
    )
    open('/current-balance')
    const entries = open('/transactions')
    await pass()
    const first = await request(1)
    const used = ['token', 'second', 'third']
    tokens.token = async () => used[0]
    tokens.renew = async (refused) => {
      expect(refused).toBe(used.shift())
      return used[0]
    }
    first.send(`event: challenge\ndata: {"url":"/streams/s1/token","streamId":"s1","expiresAt":1}\n\n`)
    await pass()
    expect(await request(2)).toMatchObject({ url: '/streams/s1/token', method: 'POST', token: 'Bearer second' })
    first.send(record(1, 't1', row('1')))
    first.send('event: expired\ndata: {}\n\n')
    await pass()
    const third = await request(3)
    expect(third.token).toBe('Bearer third')
    expect(viewsOf(third)).toEqual(['/current-balance', '/transactions?lastEventId=t1'])
    expect(entries.seen).toContainEqual(row('1'))
  })

  it('are shown without the one that lacks a permission, which is reported', async () => {
    const forbidden = new Response(
      JSON.stringify({ type: 'urn:streampay:problem:missing-scope', scope: 'read:activities', view: '/activities' }),
      { status: 403, headers: { 'content-type': 'application/problem+json' } },
    )
    const { open, request } = oneTab((_opened, count) => (count === 1 ? forbidden : 200))
    const allowed = open('/current-balance')
    const refused = open('/activities', { scope: 'read:activities' })
    await pass()
    expect(viewsOf(await request(2))).toEqual(['/current-balance'])
    await pass()
    expect(refused.seen.at(-1)).toBe('refused')
    expect(allowed.seen.at(-1)).toBe('live')
  })
})

describe('a connection that carries nothing', () => {
  // The balance did not change for five minutes behind a proxy that hung, and no error was shown.
  it('is given up after two heartbeats, and made anew from its positions', async () => {
    const { open, request, states, opened } = oneTab()
    open('/current-balance')
    await pass()
    const first = await request(1)
    first.send(record(0, 'b1', row('1')))
    await pass(silenceMs - 1_000)
    first.send('id: 0:b2\n\n')
    await pass(silenceMs - 1)
    expect(opened).toHaveLength(1)
    await pass(2)
    expect(first.signal?.aborted).toBe(true)
    await pass()
    expect(states.map(({ state }) => state)).toContain('reconnecting')
    expect(viewsOf(await request(2))).toEqual(['/current-balance?lastEventId=b2'])
    expect(states.at(-1)?.state).toBe('live')
  })

  it('is closed when no answer comes at all', async () => {
    const { open, opened } = oneTab(() => 0)
    open('/current-balance')
    await pass(15_200)
    expect(opened.length).toBe(2)
  })
})

describe('too many streams', () => {
  const tooMany = (seconds: number) => new Response(null, { status: 429, headers: { 'retry-after': `${seconds}` } })

  it('are told as such, and no attempt is made before the pause is over', async () => {
    const { open, states, opened } = oneTab((_opened, count) => (count === 1 ? tooMany(40) : 200))
    open('/current-balance')
    await pass()
    expect(states.at(-1)).toEqual({ state: 'reconnecting', fault: { kind: 'tooMany', retryAfterMs: 40_000 } })
    await pass(39_800)
    expect(opened).toHaveLength(1)
    await pass(300)
    expect(opened).toHaveLength(2)
    expect(states.at(-1)).toEqual({ state: 'live', fault: undefined })
  })
})

describe('a hidden page', () => {
  it('closes its connection after a while, and continues without loss', async () => {
    const { open, request, show, opened } = oneTab()
    open('/transactions')
    const activities = open('/activities?last=5', { resumes: false })
    await pass()
    const first = await request(1)
    first.send(record(0, 't1', row('1')) + caughtUp(0, 't1') + record(1, 'a1', row('1')) + caughtUp(1, 'a1'))
    await pass()
    show(false)
    await pass(hiddenForMs - 1)
    expect(first.signal?.aborted).toBe(false)
    await pass(2)
    expect(first.signal?.aborted).toBe(true)
    await pass(600_000)
    expect(opened).toHaveLength(1)
    show(true)
    await pass()
    // The activities of that time could be any number of records: the newest are requested.
    expect(viewsOf(await request(2))).toEqual(['/transactions?lastEventId=t1', '/activities?last=5'])
    expect(activities.seen.filter((each) => each === 'anew')).toHaveLength(2)
  })

  it('keeps its connection when it is shown again in time', async () => {
    const { open, request, show } = oneTab()
    open('/transactions')
    await pass()
    show(false)
    await pass(hiddenForMs - 1)
    show(true)
    const first = await request(1)
    first.send('id: 0:t1\n\n')
    await pass(hiddenForMs)
    expect((await request(1)).signal?.aborted).toBe(false)
  })
})

describe('the tabs of a browser', () => {
  it('share one connection, and one that joins gets the rows that the hub has', async () => {
    const { tabs, newTab, opened, request } = tabsOf(2)
    const [one, two] = tabs
    const first = one?.open('/transactions?last=2')
    const second = two?.open('/transactions?last=2')
    await pass()
    expect(opened).toHaveLength(1)
    const stream = await request(1)
    expect(viewsOf(stream)).toEqual(['/transactions?last=2'])
    stream.send(record(0, 't2', row('b')) + record(0, 't3', row('a', 1)) + caughtUp(0, 't3'))
    stream.send(record(0, 't4', row('c')) + record(0, 't5', row('a', 2)))
    await pass()
    for (const view of [first, second]) {
      expect(view?.seen).toEqual([
        'anew',
        'connecting',
        'live',
        row('b'),
        row('a', 1),
        'settled',
        row('c'),
        row('a', 2),
      ])
    }
    const later = newTab().open('/transactions?last=2')
    await pass()
    expect(opened).toHaveLength(1)
    // As the gateway would give them: the newest two, each once, in the order of the log.
    expect(later.seen).toEqual(['anew', 'live', row('c'), row('a', 2), 'settled'])
    stream.send('event: 0:delete\nid: 0:t6\ndata: c\n\n')
    await pass()
    const last = newTab().open('/transactions?last=2')
    await pass()
    expect(last.seen).toEqual(['anew', 'live', row('a', 2), 'settled'])
    expect(later.seen.at(-1)).toBe('deleted c')
  })

  it('continue when one of them ends, with notice or without, and the last one ends the connection', async () => {
    const { tabs, worker, request, opened } = tabsOf(3)
    for (const tab of tabs) tab.open('/current-balance')
    const alone = tabs[0]?.open('/activities?last=5')
    await pass()
    const first = await request(1)
    first.send(record(0, 'b1', row('1')) + record(1, 'a1', row('1')))
    await pass()
    worker.tabEnds(1)
    await pass(2_000)
    // The view that only this tab showed is no longer requested.
    const second = await request(2)
    expect(viewsOf(second)).toEqual(['/current-balance?lastEventId=b1'])
    second.send(record(0, 'b2', row('1', 2)))
    await pass()
    expect(alone?.seen).toEqual(['anew', 'connecting', 'live', row('1')])
    tabs[1]?.client.leave()
    await pass(2_000)
    expect(second.signal?.aborted).toBe(false)
    expect(opened).toHaveLength(2)
    tabs[2]?.client.leave()
    await pass(1)
    expect(second.signal?.aborted).toBe(true)
  })

  it('all get the state of trouble, also one that joins meanwhile, and catch up once', async () => {
    const { tabs, newTab, request } = tabsOf(2, (_opened, count) => (count === 2 ? 503 : 200))
    const views = tabs.map((tab) => tab.open('/transactions?last=9'))
    await pass()
    const first = await request(1)
    first.send(`retry: 500\n\n${record(0, 't1', row('1'))}${caughtUp(0, 't1')}`)
    await pass()
    first.cut()
    await pass(600)
    const late = newTab()
    views.push(late.open('/transactions?last=9'))
    await pass()
    expect([...tabs, late].map(({ states }) => states.at(-1)?.state)).toEqual([
      'reconnecting',
      'reconnecting',
      'reconnecting',
    ])
    await pass(2_000)
    const third = await request(3)
    expect(viewsOf(third)).toEqual(['/transactions?last=9&lastEventId=t1'])
    third.send(record(0, 't2', row('2')) + caughtUp(0, 't2'))
    await pass()
    for (const { seen } of views) {
      expect(seen.filter((each) => typeof each === 'object')).toEqual([row('1'), row('2')])
      expect(seen.at(-1)).toBe('settled')
    }
    expect([...tabs, late].map(({ states }) => states.at(-1)?.state)).toEqual(['live', 'live', 'live'])
  })

  it('are asked for a token together, and the first answer counts', async () => {
    const { tabs, request, opened } = tabsOf(3)
    const [frozen, one, other] = tabs
    if (frozen === undefined || one === undefined || other === undefined) throw new Error('no tabs')
    frozen.tokens.token = () => new Promise(() => {})
    for (const tab of tabs) tab.open('/current-balance')
    await pass()
    expect((await request(1)).token).toBe('Bearer token')
    const renewed: string[] = []
    frozen.tokens.renew = () => new Promise(() => {})
    one.tokens.renew = async (refused) => {
      renewed.push(refused)
      for (const { tokens } of [one, other]) tokens.token = async () => 'second'
      return 'second'
    }
    other.tokens.renew = () => new Promise(() => {})
    ;(await request(1)).send('event: expired\ndata: {}\n\n')
    await pass()
    expect(opened.map(({ token }) => token)).toEqual(['Bearer token', 'Bearer second'])
    expect(renewed).toEqual(['token'])
  })

  it('reconnect once when the network is back for all of them', async () => {
    const { tabs, opened } = tabsOf(3)
    for (const tab of tabs) tab.open('/current-balance')
    await pass()
    for (const { client } of tabs) client.reconnect()
    await pass()
    expect(opened).toHaveLength(2)
  })

  it('close the connection when all of them are hidden', async () => {
    const { tabs, request, opened } = tabsOf(2)
    for (const tab of tabs) tab.open('/current-balance')
    await pass()
    const first = await request(1)
    tabs[0]?.show(false)
    await pass(hiddenForMs + 1)
    first.send('id: 0:b1\n\n')
    await pass()
    expect(first.signal?.aborted).toBe(false)
    tabs[1]?.show(false)
    await pass(hiddenForMs + 1)
    expect(first.signal?.aborted).toBe(true)
    tabs[0]?.show(true)
    await pass()
    expect(viewsOf(await request(2))).toEqual(['/current-balance?lastEventId=b1'])
    expect(opened).toHaveLength(2)
  })

  it('have connections of their own after their worker has died, and show what is there', async () => {
    const { tabs, worker, request, opened } = tabsOf(2)
    const views = tabs.map((tab) => tab.open('/transactions?last=5'))
    await pass()
    const first = await request(1)
    first.send(record(0, 't1', row('1')) + caughtUp(0, 't1'))
    await pass()
    worker.dies()
    await pass()
    expect(opened.slice(1).map(viewsOf)).toEqual([['/transactions?last=5'], ['/transactions?last=5']])
    for (const stream of opened.slice(1))
      stream.send(record(0, 't1', row('1')) + record(0, 't2', row('2')) + caughtUp(0, 't2'))
    await pass()
    for (const { seen } of views) {
      expect(seen.slice(-6)).toEqual(['anew', 'connecting', 'live', row('1'), row('2'), 'settled'])
    }
  })

  const refused = () => Promise.reject(new TypeError('ERR_CERT_AUTHORITY_INVALID'))

  it('have connections of their own if the worker reaches nothing', async () => {
    const worker = fakeWorker(refused, async () => false)
    const gateway = fakeStreams()
    const tab = fakeTab(gateway.fetchLike, worker.openShared)
    const view = tab.open('/current-balance')
    await pass(300)
    expect(gateway.opened).toHaveLength(1)
    expect(tab.states.at(-1)?.state).toBe('live')
    expect(view.seen.at(-1)).toBe('live')
  })

  it('leave a worker that does not reach the gateway if they do, but not when the gateway is down', async () => {
    const gateway = fakeStreams()
    const answers = { toWorker: true }
    const fetchOfWorker = ((input, init) =>
      answers.toWorker ? gateway.fetchLike(input, init) : refused()) as typeof fetch
    const worker = fakeWorker(fetchOfWorker, async () => answers.toWorker)
    const tab = fakeTab(gateway.fetchLike, worker.openShared)
    const view = tab.open('/transactions?last=5')
    await pass()
    const first = await gateway.request(1)
    first.send(`retry: 500\n\n${record(0, 't1', row('1'))}${caughtUp(0, 't1')}`)
    await pass()
    answers.toWorker = false
    tab.reach.can = false
    first.cut()
    await pass(20_000)
    expect(gateway.opened).toHaveLength(1)
    // One failure may come from a gateway that started just then; two do not.
    tab.reach.can = true
    await pass(30_000)
    expect(gateway.opened).toHaveLength(1)
    await pass(31_000)
    expect(viewsOf(await gateway.request(2))).toEqual(['/transactions?last=5'])
    gateway.opened[1]?.send(record(0, 't1', row('1')) + record(0, 't2', row('2')) + caughtUp(0, 't2'))
    await pass()
    expect(view.seen.slice(-4)).toEqual(['live', row('1'), row('2'), 'settled'])
  })

  it('have a connection of their own when they want more views than one can have', async () => {
    const { tabs, opened, request } = tabsOf(2)
    const [one, other] = tabs
    for (let n = 0; n < 16; n += 1) one?.open(`/payment-requests/${n}`)
    await pass()
    const known = other?.open('/payment-requests/3')
    await pass()
    expect(opened).toHaveLength(1)
    other?.open('/payment-requests/16')
    await pass(200)
    expect(viewsOf(await request(2))).toEqual(['/payment-requests/3', '/payment-requests/16'])
    expect((await request(1)).signal?.aborted).toBe(false)
    expect(known?.seen.at(-1)).toBe('live')
  })

  it('do not wait for one that takes nothing, for which little is kept', async () => {
    const { tabs, worker, request } = tabsOf(2)
    const [frozen, awake] = tabs.map((tab) => tab.open('/transactions?last=3'))
    await pass()
    const stream = await request(1)
    stream.send(record(0, 't0', row('0')) + caughtUp(0, 't0'))
    await pass()
    worker.freeze(1)
    for (let n = 1; n <= mostWaiting * 2; n += 1) {
      stream.send(record(0, `t${n}`, row(`${n}`)))
      if (n % 500 === 0) await pass()
    }
    await pass()
    expect(awake?.seen.at(-1)).toEqual(row(`${mostWaiting * 2}`))
    expect(worker.kept.get(1)).toHaveLength(1)
    worker.thaw(1)
    await pass()
    const newest = [2, 1, 0].map((before) => row(`${mostWaiting * 2 - before}`))
    expect(frozen?.seen.slice(-6)).toEqual(['anew', 'live', ...newest, 'settled'])
    expect(frozen?.seen.length).toBeLessThan(mostWaiting)
    stream.send(record(0, 'tx', row('x')))
    await pass()
    expect([frozen?.seen.at(-1), awake?.seen.at(-1)]).toEqual([row('x'), row('x')])
  })
})
