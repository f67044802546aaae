/**
 * INV-6, with the real payments behind the gateway: a third person finds nothing of a private payment or request in any view. Every view of
 * the definition is read, as snapshot and live, so that a new one is tested, too.
 */
import { type Entry, headerNames, monthOf, type PaymentRequest, topicNames } from '@streampay/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openSurroundings,
  openTestGateway,
  type Surroundings,
  type TestGateway,
} from '../../../packages/gateway/test/support/test-gateway.ts'
import type { TestStream } from '../../../packages/gateway/test/support/test-stream.ts'
import { streampayGateway } from '../src/index.ts'
import { openPayments } from './support/payments.ts'

const everything =
  'write:pay write:request write:users read:activities read:payment-requests read:balances read:total-transactions read:average-transactions read:users'
const definition = streampayGateway({ heartbeatMs: 200 })
/** Amounts of private payments; no other amount begins like these. */
const secretAmounts = {
  payment: 7_771,
  paid: 7_772,
  declined: 7_773,
  cancelled: 7_774,
  expired: 7_775,
  settling: 7_776,
}
const secret = /777\d|boat|private/
const visibility = 'private'
/** Of one stream. */
const mostViews = 16

let surroundings: Surroundings
let payments: Awaited<ReturnType<typeof openPayments>>
let gateway: TestGateway
const tokens: Record<string, string> = {}

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  // The real service answers.
  await surroundings.replier.close()
  payments = await openPayments(surroundings.log)
  gateway = await openTestGateway(definition, surroundings)
  for (const name of ['ada', 'bob', 'eve']) {
    tokens[name] = await surroundings.issuer.token(name, everything)
    const body = { name: `${name} by name`, username: name }
    await gateway.http2.call('/current-user', { token: tokens[name], method: 'PUT', body })
  }
  // Something that all may see, before and after.
  await command('ada', '/pay', { userId: 'bob', amount: 100 })
  await command('bob', '/request', { userId: 'ada', amount: 200 })
}, 60_000)
afterAll(async () => {
  await gateway.close()
  await payments.close()
  await surroundings.log.close()
  await surroundings.issuer.close()
})

/** All paths that a person can read, except single requests. */
const paths = definition.routes.flatMap((route) => {
  if (route.kind !== 'view' || route.show === 'item') return []
  if (route.show === 'directory') return [`${route.path}?id=ada&id=bob&id=eve`]
  const isOfMonth = route.owners?.some((owner) => owner !== 'key' && owner.part?.text === 'month')
  if (isOfMonth) return [`${route.path}?month=${monthOf(Date.now())}`]
  const filtered = Object.entries(route.filters ?? {}).flatMap(([name, { values }]) =>
    values.map((value) => `${route.path}?${name}=${value}`),
  )
  return [route.path, ...filtered]
})

async function command(identity: string, path: string, body: object) {
  const answer = await gateway.http2.call(path, { token: tokens[identity], body })
  expect([path, answer.status]).toEqual([path, path === '/request' ? 201 : 200])
  return answer.json() as { id: string; transferId: string }
}

/** Every view as the person gets it: status, bytes and the header fields that depend on them. */
async function look(identity: string) {
  const found: unknown[] = []
  for (const path of [...paths, '/users?search=a']) {
    for (const accept of ['application/json', 'text/csv']) {
      const { status, text, headers } = await gateway.http2.call(path, { token: tokens[identity], headers: { accept } })
      found.push({ path, accept, status, text, etag: headers.etag, link: headers.link })
    }
  }
  return found
}

/** Each view on a stream of its own, and all of them together; resolves when each has shown what there is. */
async function openStreams(identity: string): Promise<TestStream[]> {
  const streams: TestStream[] = []
  const open = async (path: string, ends: readonly string[]) => {
    const stream = await gateway.http2.stream(path, { token: tokens[identity] })
    expect([path, stream.status]).toEqual([path, 200])
    streams.push(stream)
    await Promise.all(ends.map((end) => stream.event(({ event }) => event === end)))
  }
  for (const path of paths) await open(path, ['caught-up'])
  const together = paths.filter((path) => !path.includes('status='))
  for (let from = 0; from < together.length; from += mostViews) {
    const views = together.slice(from, from + mostViews)
    const live = `/live?${views.map((path) => `view=${encodeURIComponent(path)}`).join('&')}`
    await open(
      live,
      views.map((_, index) => `${index}:caught-up`),
    )
  }
  return streams
}

/** Waits until nothing new has come with two further heartbeats: a view shows a record within 10 ms. */
async function quiet(streams: readonly TestStream[]): Promise<number> {
  await Promise.all(streams.map((stream) => stream.nextHeartbeat().then(() => stream.nextHeartbeat())))
  return streams.reduce((sum, { events }) => sum + events.length, 0)
}

/** All that two people can do in private; returns the ids that were made. */
async function actInPrivate(): Promise<string[]> {
  const notes = 'for the boat'
  const ask = async (amount: number) =>
    (await command('bob', '/request', { userId: 'ada', amount, notes, visibility })).id
  const payment = await command('ada', '/pay', { userId: 'bob', amount: secretAmounts.payment, notes, visibility })
  const paid = await ask(secretAmounts.paid)
  // With any visibility in the form that settles it.
  const settled = { userId: 'bob', amount: secretAmounts.paid, requestId: paid, visibility: 'public' }
  const settlement = await command('ada', '/pay', settled)
  const declined = await ask(secretAmounts.declined)
  await command('ada', `/payment-requests/${declined}/decline`, {})
  const cancelled = await ask(secretAmounts.cancelled)
  await command('bob', `/payment-requests/${cancelled}/cancel`, {})
  const expired = await ask(secretAmounts.expired)
  await expire(expired)
  const preferred = await gateway.http2.call('/current-preferences', {
    token: tokens.ada,
    method: 'PUT',
    body: { visibility },
  })
  expect(preferred.status).toBe(200)
  return [payment.transferId, paid, settlement.transferId, declined, cancelled, expired]
}

/** As payments write it after 30 days. */
async function expire(id: string): Promise<void> {
  const { log } = surroundings
  const records = await log.records(topicNames.paymentRequests)
  const open = records.find(({ key }) => key?.toString() === id)
  const request = JSON.parse(open?.value?.toString() ?? '') as PaymentRequest
  await log.put(
    topicNames.paymentRequests,
    id,
    { ...request, status: 'expired', closedAt: request.createdAt },
    {
      [headerNames.identity]: request.debtor,
      [headerNames.requester]: request.requester,
      [headerNames.requestStatus]: 'expired',
    },
  )
}

describe('a third person', () => {
  it('reads the same bytes everywhere, and gets no event, while two others act in private', async () => {
    await payments.counted()
    const streams = await openStreams('eve')
    const heard = await quiet(streams)
    const before = await look('eve')

    const ids = await actInPrivate()
    await payments.counted()
    expect(await quiet(streams)).toBe(heard)
    expect(await look('eve')).toEqual(before)

    // Then something public: it appears in every public view, and the totals are those of the public payments.
    await command('ada', '/pay', { userId: 'bob', amount: 300 })
    await payments.counted()
    await expect
      .poll(async () => (await gateway.http2.call('/total-transactions', { token: tokens.eve })).json())
      .toEqual({ count: 2, volume: 400 })
    expect((await gateway.http2.call('/average-transactions', { token: tokens.eve })).json()).toMatchObject({
      mean: 200,
    })
    const activities = (await gateway.http2.call('/activities', { token: tokens.eve })).json() as { amount: number }[]
    expect(activities.map(({ amount }) => amount).toSorted()).toEqual([100, 200, 300])
    await quiet(streams)
    const all = JSON.stringify([await look('eve'), streams.map(({ events }) => events)])
    expect(all).not.toMatch(secret)
    for (const id of ids) expect(all).not.toContain(`"${id}"`)
    for (const stream of streams) stream.close()
  }, 60_000)

  it('gets the same answer about a private request as about an unknown one', async () => {
    const { id } = await command('bob', '/request', { userId: 'ada', amount: secretAmounts.expired, visibility })
    const answersAbout = async (requestId: string) => {
      const asked: [string, object?][] = [
        [`/payment-requests/${requestId}`],
        [`/payment-requests/${requestId}/decline`, {}],
        [`/payment-requests/${requestId}/cancel`, {}],
        ['/pay', { userId: 'bob', amount: secretAmounts.expired, requestId }],
        ['/pay', { userId: 'bob', amount: 1, requestId }],
      ]
      const answers: unknown[] = []
      for (const [path, body] of asked) {
        const { status, text } = await gateway.http2.call(path, { token: tokens.eve, ...(body && { body }) })
        answers.push([status, text.replaceAll(requestId, 'it')])
      }
      return answers
    }
    const answers = await answersAbout(id)
    expect(answers).toEqual(await answersAbout('r0-987654'))
    expect(answers.map((answer) => (answer as [number])[0])).toEqual([404, 404, 404, 404, 404])
  })

  it('sees that a public request was made, and not that it was paid in private', async () => {
    const { id } = await command('bob', '/request', { userId: 'ada', amount: 500 })
    await payments.counted()
    const before = await gateway.http2.call('/total-transactions', { token: tokens.eve })
    await command('ada', '/pay', { userId: 'bob', amount: 500, requestId: id, visibility })
    await payments.counted()
    const activities = (await gateway.http2.call('/activities', { token: tokens.eve })).json() as object[]
    expect(activities.filter((activity) => 'amount' in activity && activity.amount === 500)).toMatchObject([
      { id, type: 'request' },
    ])
    expect((await gateway.http2.call('/total-transactions', { token: tokens.eve })).text).toBe(before.text)
  })
})

describe('the two people', () => {
  it.each(['ada', 'bob'])('%s sees all of it, marked as private', async (name) => {
    const list = async <T>(path: string) => {
      const found = (await gateway.http2.call(path, { token: tokens[name] })).json()
      return (Array.isArray(found) ? found : (found as { items: T[] }).items) as T[]
    }
    const entries = (await list<Entry>('/transactions')).filter(({ amount }) => secret.test(String(amount)))
    expect(entries.map((entry) => [Math.abs(entry.amount), entry.visibility]).toSorted()).toEqual([
      [secretAmounts.payment, visibility],
      [secretAmounts.paid, visibility],
    ])
    const path = name === 'ada' ? '/payment-requests' : '/sent-payment-requests'
    const requests = (await list<PaymentRequest>(path)).filter(({ amount }) => secret.test(String(amount)))
    expect(requests.every((request) => request.visibility === visibility)).toBe(true)
    expect(new Set(requests.map(({ status }) => status))).toEqual(
      new Set(['open', 'paid', 'declined', 'cancelled', 'expired']),
    )
    const csv = await gateway.http2.call('/transactions', { token: tokens[name], headers: { accept: 'text/csv' } })
    expect(csv.text).toMatch(/for the boat,private\r?\n/)
  })

  it('alone can read the visibility that their new payments begin with', async () => {
    const ask = (name: string) => gateway.http2.call('/current-preferences', { token: tokens[name] })
    expect((await ask('ada')).json()).toEqual({ id: 'ada', visibility })
    expect((await ask('bob')).status).toBe(404)
    const wrong = await gateway.http2.call('/current-preferences', {
      token: tokens.bob,
      method: 'PUT',
      body: { visibility: 'friends' },
    })
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('must be \\"public\\" or \\"private\\"')])
  })

  it('do not get a setting that others wrote for them', async () => {
    const { log } = surroundings
    const claims: [object, Record<string, string>][] = [
      [{ id: 'eve', visibility }, {}],
      [{ id: 'bob', visibility }, { [headerNames.identity]: 'eve' }],
      [{ id: 'bob', visibility: 'friends' }, {}],
    ]
    for (const [value, headers] of claims) await log.put(topicNames.preferences, 'bob', value, headers)
    await gateway.http2.call('/current-preferences', { token: tokens.eve, method: 'PUT', body: { visibility } })
    expect((await gateway.http2.call('/current-preferences', { token: tokens.bob })).status).toBe(404)
  })
})
