import { describe, expect, it } from 'vitest'
import { createCommands } from '../src/api/commands.ts'
import { createHttp } from '../src/api/http.ts'
import { createIntents, type Intent } from '../src/api/intents.ts'
import { memoryStorage } from './support/memory-storage.ts'

type Sent = {
  readonly path: string
  readonly method: string
  readonly key: string | null
  readonly token: string | null
}
type Step = Response | 'unreachable'

const location = '/replies/019a1b2c-3d4e-7f60-8a1b-2c3d4e5f6071'
const payment = {
  kind: 'pay',
  identity: 'ada',
  path: '/pay',
  body: { userId: 'grace', amount: 500 },
  label: 'Payment',
  before: [],
} as const

/** A gateway that gives the answers that a test sets, one for each request. */
function setUp(steps: readonly Step[]) {
  const sent: Sent[] = []
  const left = [...steps]
  const http = createHttp({ token: async () => 'old', renew: async () => 'new' }, async (path, init) => {
    const headers = new Headers(init?.headers)
    const token = headers.get('authorization')
    sent.push({ path: String(path), method: init?.method ?? 'GET', key: headers.get('idempotency-key'), token })
    const step = left.shift()
    if (step === undefined) throw new Error(`nothing is told for ${String(path)}`)
    if (step === 'unreachable') throw new TypeError('Failed to fetch')
    return step
  })
  let made = 0
  const intents = createIntents({ storage: memoryStorage(), now: () => 0, newKey: () => `key-${++made}` })
  const commands = createCommands({ http, intents, wait: async () => {} })
  let intent: Intent | undefined
  /** Sends the payment, or the same one again. */
  const pay = () => {
    intent ??= intents.begin(payment)
    return commands.send<{ transferId: string }>(intent)
  }
  return { sent, intents, commands, pay }
}

const done = () => Response.json({ transferId: 't0-1', balance: 100 })
const pending = () => Response.json({ status: 'pending' }, { status: 202 })
const timedOut = () => refusal(504, 'outcome-unknown', { location })
function refusal(status: number, slug: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ type: `urn:streampay:problem:${slug}`, title: slug, status, detail: slug })
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json', ...headers } })
}

describe('sending a command', () => {
  it('is done with the first definite answer, and forgets the key', async () => {
    const { pay, intents, sent } = setUp([done()])
    expect(await pay()).toEqual({ kind: 'done', reply: { transferId: 't0-1', balance: 100 }, replayed: false })
    expect(intents.kept('ada')).toEqual([])
    expect(sent).toEqual([{ path: '/pay', method: 'POST', key: 'key-1', token: 'Bearer old' }])
  })

  it('tells that an answer is that of an earlier request', async () => {
    const replayed = Response.json(
      { transferId: 't0-1', balance: 100 },
      { headers: { 'idempotency-replayed': 'true' } },
    )
    const { pay, intents } = setUp(['unreachable', replayed])
    expect(await pay()).toEqual({ kind: 'unknown' })
    expect(await pay()).toMatchObject({ kind: 'done', replayed: true })
    expect(intents.effects()).toEqual(['t0-1'])
  })

  it.each([
    ['3', 3_000],
    ['7200', 7_200_000],
    ['9999999', 86_400_000],
    ['0', 2_000],
    ['soon', 2_000],
  ])('keeps the pause that a 429 asks for: %s', async (seconds, retryAfterMs) => {
    const { pay } = setUp([refusal(429, 'too-many-requests', { 'retry-after': seconds })])
    expect(await pay()).toMatchObject({ kind: 'notNow', retryAfterMs })
  })

  it('tells a refusal, which is definite too', async () => {
    const { pay, intents } = setUp([refusal(409, 'insufficient-funds')])
    expect(await pay()).toMatchObject({ kind: 'refused', problem: { status: 409 } })
    expect(intents.kept('ada')).toEqual([])
  })

  it.each([
    ['the connection breaks', 'unreachable' as const, 'unknown'],
    ['the gateway fails', refusal(500, 'internal-error'), 'unknown'],
    ['a proxy in between gives up', new Response('Bad gateway', { status: 502 }), 'unknown'],
    ['the log is unavailable', refusal(503, 'log-unavailable'), 'notNow'],
    ['it is too fast', refusal(429, 'too-many-requests', { 'retry-after': '3' }), 'notNow'],
  ])('keeps the key when %s, and sends it again on a retry', async (_when, step, kind) => {
    const { pay, sent } = setUp([step, done()])
    expect(await pay()).toMatchObject({ kind })
    expect(await pay()).toMatchObject({ kind: 'done' })
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-1'])
  })

  it('asks for the reply at the location of a 504 until it is there', async () => {
    const { pay, sent, intents } = setUp([timedOut(), pending(), pending(), done()])
    expect(await pay()).toMatchObject({ kind: 'done' })
    expect(sent.map(({ path }) => path)).toEqual(['/pay', location, location, location])
    expect(intents.kept('ada')).toEqual([])
  })

  it('tells a refusal that comes as a late reply', async () => {
    const { pay } = setUp([timedOut(), refusal(404, 'unknown-recipient', { 'idempotency-key': 'key-1' })])
    expect(await pay()).toMatchObject({ kind: 'refused', problem: { status: 404 } })
  })

  it('asks at the location first when it is repeated, and sends again only if there is no reply', async () => {
    const nothing = () => refusal(404, 'not-found')
    const { pay, sent } = setUp([timedOut(), 'unreachable', nothing(), done()])
    expect(await pay()).toEqual({ kind: 'unknown' })
    expect(await pay()).toMatchObject({ kind: 'done' })
    expect(sent.map(({ path, key }) => `${path} ${key}`)).toEqual([
      `/pay key-1`,
      `${location} null`,
      `${location} null`,
      '/pay key-1',
    ])
  })

  it('stays unknown when a retry is turned away: the first request may still have been taken', async () => {
    const { pay, intents } = setUp(['unreachable', refusal(503, 'log-unavailable')])
    await pay()
    expect(await pay()).toMatchObject({ kind: 'notNow' })
    expect(intents.kept('ada').map(({ state }) => state)).toEqual(['unknown'])
  })

  it('renews a refused token once and repeats with the same key', async () => {
    const { pay, sent } = setUp([refusal(401, 'unauthorized'), done()])
    expect(await pay()).toMatchObject({ kind: 'done' })
    expect(sent.map(({ key, token }) => `${key} ${token}`)).toEqual(['key-1 Bearer old', 'key-1 Bearer new'])
  })

  it('never follows a location that leads elsewhere', async () => {
    const { pay, sent } = setUp([refusal(504, 'outcome-unknown', { location: 'https://elsewhere.example/replies/1' })])
    expect(await pay()).toEqual({ kind: 'unknown' })
    expect(sent).toHaveLength(1)
  })
})
