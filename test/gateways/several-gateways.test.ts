/** Two gateways before one log, as `npm start -- --gateways 2` runs them: what is begun at one can be finished at the other. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, openHttp1, type TestClient } from '../../packages/gateway/test/support/http-client.ts'
import type { TestStream } from '../../packages/gateway/test/support/test-stream.ts'
import { BankClient } from '../support/bank-client.ts'
import { type StreamPay, startStreamPay } from '../support/streampay-process.ts'

let streamPay: StreamPay
let gateways: [TestClient, TestClient]
const tokens: Record<string, string> = {}

beforeAll(async () => {
  streamPay = await startStreamPay({ gateways: 2, args: ['--no-simulation'], readyTimeoutMs: 120_000 })
  const [first, second] = streamPay.origins.map((origin) => openHttp1(Number(new URL(origin).port)))
  if (first === undefined || second === undefined) throw new Error('there should be two gateways')
  gateways = [first, second]
  // Each serves the issuer, and accepts tokens from the other one's issuer.
  for (const [index, name] of ['ann', 'bea', 'cid'].entries()) {
    const bank = new BankClient({ origins: [streamPay.origins[index % 2] ?? ''], ca: streamPay.caCertificate() })
    tokens[name] = await bank.token(name)
    bank.close()
    const body = { name, username: name }
    const registered = await gateways[(index + 1) % 2]?.call('/current-user', {
      method: 'PUT',
      token: tokens[name],
      body,
    })
    expect(registered?.status).toBe(200)
  }
}, 180_000)
afterAll(async () => {
  await streamPay?.stop()
}, 60_000)

type PayOptions = { readonly key?: string; readonly prefer?: string }

function pay(gateway: TestClient, amount: number, { key = randomUUID(), prefer }: PayOptions = {}): Promise<Answer> {
  const headers = { 'idempotency-key': key, ...(prefer === undefined ? {} : { prefer }) }
  return gateway.call('/pay', { token: tokens.ann, body: { userId: 'bea', amount }, headers })
}

const newestBalance = async (name: string) =>
  ((await gateways[0].call('/current-balance', { token: tokens[name] })).json() as { balance: number }).balance
/** A view shows the effect a little later than the reply. */
const eventualBalance = (name: string) => expect.poll(() => newestBalance(name), { timeout: 10_000 })

describe('a command', () => {
  it('is answered by the gateway that it was sent to, while others are under way at the other', async () => {
    const before = await newestBalance('ann')
    const amounts = Array.from({ length: 40 }, (_, n) => n + 1)
    const answers = await Promise.all(amounts.map((amount, n) => pay(gateways[n % 2] ?? gateways[0], amount)))
    expect(answers.map(({ status }) => status)).toEqual(amounts.map(() => 200))
    const replies = answers.map((answer) => answer.json() as { transferId: string; balance: number })
    expect(new Set(replies.map(({ transferId }) => transferId)).size).toBe(amounts.length)
    const total = amounts.reduce((sum, amount) => sum + amount, 0)
    expect(Math.min(...replies.map(({ balance }) => balance))).toBe(before - total)
  })

  it('that is repeated at the other gets the first answer again, and is done once', async () => {
    const key = randomUUID()
    const first = await pay(gateways[0], 25, { key })
    const again = await pay(gateways[1], 25, { key })
    expect([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']]).toEqual([undefined, 'true'])
    expect([again.status, again.text, again.headers['idempotency-key']]).toEqual([200, first.text, key])
    expect((await pay(gateways[1], 26, { key })).status).toBe(422)
    await eventualBalance('ann').toBe((first.json() as { balance: number }).balance)
  })

  it('that both get at the same moment with one key is done once', async () => {
    const key = randomUUID()
    const answers = await Promise.all([0, 1, 0, 1].map((n) => pay(gateways[n as 0 | 1], 7, { key })))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] !== 'true')).toHaveLength(1)
  })

  it('can be asked for at the other, by its sender only', async () => {
    const accepted = await pay(gateways[0], 3, { prefer: 'respond-async' })
    expect(accepted.status).toBe(202)
    const location = accepted.headers.location ?? ''
    const ask = () => gateways[1].call(location, { token: tokens.ann })
    await expect.poll(async () => (await ask()).status, { timeout: 10_000 }).toBe(200)
    expect((await ask()).headers['idempotency-key']).toBe(accepted.headers['idempotency-key'])
    expect((await gateways[1].call(location, { token: tokens.bea })).text).toBe('{"status":"pending"}')
  })
})

describe('a stream', () => {
  /** Goes from gateway to gateway, and resumes at its position each time, until it has seen the expected events. */
  async function follow(path: string, token: string, isOver: (values: readonly unknown[]) => boolean) {
    const values: unknown[] = []
    const events: string[] = []
    let lastId: string | undefined
    for (let turn = 0; !isOver(values); turn++) {
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
      const stream: TestStream = await (gateways[turn % 2] ?? gateways[0]).stream(path, { token, headers })
      expect(stream.status).toBe(200)
      const wanted = values.length + 3
      // A few events, in the history or the live part, or all there are.
      await Promise.race([
        stream.event(() => values.length + stream.values().length >= wanted),
        stream.event(() => isOver([...values, ...stream.values()])),
      ])
      values.push(...stream.values())
      events.push(...stream.events.map(({ event }) => event))
      lastId = stream.lastId()
      stream.close()
    }
    expect(events).not.toContain('reset')
    return values
  }

  it('resumes at the other without loss or repetition, on a topic that keeps everything', async () => {
    const target = (await newestBalance('bea')) + 30
    const following = follow('/balance-histories', tokens.bea ?? '', (values) =>
      values.some((row) => (row as { balance: number }).balance >= target),
    )
    for (let n = 0; n < 30; n++) expect((await pay(gateways[n % 2] ?? gateways[0], 1)).status).toBe(200)
    const rows = (await following) as { sequence: number }[]
    expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, n) => n + 1))
  }, 60_000)

  it('resumes at the other without repetition and in order, on a compacted one', async () => {
    type Request = { id: string; status: string; amount: number }
    const ask = async (amount: number) => {
      const answer = await gateways[amount % 2 === 0 ? 0 : 1].call('/request', {
        token: tokens.bea,
        body: { userId: 'cid', amount },
      })
      expect(answer.status).toBe(201)
      return (answer.json() as { id: string }).id
    }
    const following = follow('/sent-payment-requests', tokens.bea ?? '', (values) => {
      return (values as Request[]).filter(({ status }) => status === 'cancelled').length >= 8
    })
    for (let n = 1; n <= 12; n++) {
      const id = await ask(n)
      if (n % 3 === 0) continue
      const cancel = { token: tokens.bea, method: 'POST', body: {} }
      await expect
        .poll(async () => (await gateways[n % 2 === 0 ? 1 : 0].call(`/payment-requests/${id}/cancel`, cancel)).status)
        .toBe(200)
    }
    const versions = (await following) as Request[]
    const seen = new Set(versions.map(({ id, status }) => `${id} ${status}`))
    expect(seen.size).toBe(versions.length)
    for (const [at, { id, status }] of versions.entries()) {
      if (status === 'open') expect(versions.slice(0, at).some((earlier) => earlier.id === id)).toBe(false)
    }
    const last = new Map(versions.map((version) => [version.id, version]))
    for (const gateway of gateways) {
      await expect
        .poll(async () => {
          const now = (await gateway.call('/sent-payment-requests', { token: tokens.bea })).json() as Request[]
          return now.filter(({ id }) => last.has(id)).map(({ id, status }) => `${id} ${status}`)
        })
        .toEqual(expect.arrayContaining([...last.values()].map(({ id, status }) => `${id} ${status}`)))
    }
  }, 60_000)
})

it('a gateway that is killed loses nothing: what was begun there is finished at the other', async () => {
  const key = randomUUID()
  const pid = streamPay.pidOf('gateway-1')
  const stream = await gateways[1].stream('/balance-histories', { token: tokens.bea })
  await stream.caughtUp()
  const lost = pay(gateways[1], 11, { key }).catch((error: unknown) => error)
  process.kill(pid, 'SIGKILL')
  await Promise.all([lost, stream.ended])
  const settled = await pay(gateways[0], 11, { key })
  expect(settled.status).toBe(200)
  const { balance } = settled.json() as { balance: number }
  await eventualBalance('ann').toBe(balance)
  const resumed = await gateways[0].stream('/balance-histories', {
    token: tokens.bea,
    headers: { 'last-event-id': stream.lastId() ?? '' },
  })
  await resumed.event(({ data }) => data?.includes('"amount":11') === true)
  const sequences = [...stream.values(), ...resumed.values()].map((row) => (row as { sequence: number }).sequence)
  expect(sequences).toEqual(sequences.map((_, n) => n + 1))
  resumed.close()
  await streamPay.restarted('gateway-1', pid, 60_000)
  const again = await pay(gateways[1], 11, { key })
  expect([again.status, again.headers['idempotency-replayed'], again.text]).toEqual([200, 'true', settled.text])
}, 120_000)

it('signs people in at each of them, with one issuer', async () => {
  for (const [index, origin] of streamPay.origins.entries()) {
    const gateway = gateways[index] ?? gateways[0]
    const config = (await gateway.call('/config.json')).json() as { issuer: string; discoveryPath: string }
    expect(config.issuer).toBe(`${streamPay.origin}/identity`)
    const discovered = (await openAt(origin, config.discoveryPath)).json()
    expect(discovered).toMatchObject({ issuer: config.issuer, authorization_endpoint: `${origin}/identity/auth` })
    const { headers } = await gateway.call('/', { headers: { accept: 'text/html' } })
    expect(headers['content-security-policy']).toMatch(/connect-src 'self'(;|$)/)
  }
})

/** Under the host name that browsers use, which the issuer accepts. */
function openAt(origin: string, path: string): Promise<Answer> {
  const { host, port } = new URL(origin)
  return openHttp1(Number(port)).call(path, { headers: { host } })
}
