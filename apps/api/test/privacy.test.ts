/** INV-6 at the gateway: no person reads another's balance, statement, requests or replies, or acts for another. */
import { headerNames, slugOf, statementKey, statementPersonKey, topicNames } from '@streampay/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openSurroundings,
  openTestGateway,
  type Surroundings,
  type TestGateway,
} from '../../../packages/gateway/test/support/test-gateway.ts'
import { streampayGateway } from '../src/index.ts'

const everything =
  'write:pay write:request write:users read:activities read:payment-requests read:balances read:total-transactions read:average-transactions read:users'

let surroundings: Surroundings
let gateway: TestGateway
const tokens: Record<string, string> = {}

beforeAll(async () => {
  const definition = streampayGateway()
  surroundings = await openSurroundings(definition)
  const { log, issuer } = surroundings
  for (const name of ['ada', 'bob', 'eve']) tokens[name] = await issuer.token(name, everything)
  const mine = { [headerNames.identity]: 'ada' }
  await log.put(topicNames.users, 'ada', { id: 'ada', name: 'Ada', username: 'ada' })
  await log.put(
    topicNames.balances,
    'ada',
    { account: 'ada', balance: 4711, sequence: 1, transferId: 't0-0', at: 1, opened: true },
    mine,
  )
  const row = {
    account: 'ada',
    sequence: 1,
    balance: 4711,
    amount: 4711,
    transferId: 't0-0',
    counterparty: 'bob',
    kind: 'payment',
    at: 1,
  }
  await log.put(topicNames.balanceHistories, 'ada', row, mine)
  const sums = { account: 'ada', month: '1970-01', moneyIn: 4711, moneyOut: 0, countIn: 1, countOut: 0, sequence: 1 }
  const ofMonth = { ...mine, [headerNames.month]: '1970-01' }
  await log.put(topicNames.statements, statementKey(sums), { ...sums, opening: 0, closing: 4711 }, ofMonth)
  const person = { ...sums, counterparty: 'bob' }
  await log.put(topicNames.statementPeople, statementPersonKey(person), person, ofMonth)
  const entry = {
    transferId: 't0-0',
    account: 'ada',
    counterparty: 'bob',
    amount: 4711,
    kind: 'payment',
    notes: 'for the boat',
    commandPartition: 0,
    commandOffset: 0,
    applied: 'reader',
    at: 1,
  }
  await log.put(topicNames.transactions, 'ada', entry, mine)
  const request = {
    id: 'r0-1',
    requester: 'bob',
    debtor: 'ada',
    amount: 4711,
    notes: 'for the boat',
    status: 'open',
    createdAt: 1,
  }
  await log.put(topicNames.paymentRequests, 'r0-1', request, {
    ...mine,
    [headerNames.requester]: 'bob',
    [headerNames.requestStatus]: 'open',
  })
  const declined = { ...request, id: 'r0-2', amount: 4712, status: 'declined', closedAt: 2 }
  await log.put(topicNames.paymentRequests, 'r0-2', declined, {
    ...mine,
    [headerNames.requester]: 'bob',
    [headerNames.requestStatus]: 'declined',
  })
  const block = { id: '3:adamallory', blocker: 'ada', blocked: 'mallory', at: 4711 }
  await log.put(topicNames.blockedPeople, block.id, block, mine)
  const favourite = { id: '3:adamallory', owner: 'ada', favourite: 'mallory', at: 4711 }
  await log.put(topicNames.favouritePeople, favourite.id, favourite, mine)
  gateway = await openTestGateway(definition, surroundings)
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

const privateViews = [
  '/current-balance',
  '/balance-histories',
  '/transactions',
  '/transactions?search=boat',
  '/transactions?direction=in',
  '/statements',
  '/statement-people?month=1970-01',
  '/payment-requests',
  '/payment-requests?status=declined',
  '/sent-payment-requests',
  '/blocked-people',
  '/favourite-people',
  '/payment-requests/r0-1',
]

describe('a stranger', () => {
  it.each(privateViews)('learns nothing from %s, in any form', async (path) => {
    for (const accept of ['application/json', 'text/csv', 'text/event-stream']) {
      if (accept === 'text/event-stream') {
        const stream = await gateway.http2.stream(path, { token: tokens.eve })
        if (stream.status === 200) expect(await stream.caughtUp()).toEqual([])
        else expect(stream.status).toBe(404)
        stream.close()
        continue
      }
      const answer = await gateway.http2.call(path, { token: tokens.eve, headers: { accept } })
      expect([200, 400, 404, 406]).toContain(answer.status)
      expect(answer.text).not.toMatch(/4711|4712|boat|t0-0|mallory/)
    }
  })

  it('cannot act as another, with any headers and bodies', async () => {
    surroundings.replier.answering = () => ({ status: 200, body: { transferId: 't', balance: 0 } })
    const answer = await gateway.http1.call('/pay', {
      token: tokens.eve,
      body: { userId: 'bob', amount: 1 },
      headers: { 'zilla-identity': 'ada', 'x-forwarded-user': 'ada' },
    })
    expect(answer.status).toBe(200)
    const command = surroundings.replier.commands.at(-1)
    expect(command?.key?.toString()).toBe('eve')
    const profile = await gateway.http1.call('/current-user', {
      token: tokens.eve,
      method: 'PUT',
      body: { id: 'ada', name: 'x', username: 'x' },
    })
    expect(profile.status).toBe(400)
  })
})

describe('a party', () => {
  it.each([
    ['ada', '/current-balance', 4711],
    ['ada', '/transactions', 4711],
    ['ada', '/balance-histories', 4711],
    ['ada', '/transactions?search=BOAT', 4711],
    ['ada', '/transactions?search=$47.11&direction=in', 4711],
    ['ada', '/statements', 4711],
    ['ada', '/statement-people?month=1970-01', 4711],
    ['ada', '/payment-requests', 4711],
    ['ada', '/payment-requests', 4712],
    ['ada', '/payment-requests?status=open', 4711],
    ['bob', '/sent-payment-requests?status=declined', 4712],
    ['ada', '/blocked-people', 4711],
    ['ada', '/favourite-people', 4711],
    ['bob', '/sent-payment-requests', 4711],
    ['bob', '/payment-requests/r0-1', 4711],
    ['ada', '/payment-requests/r0-1', 4711],
  ])('%s sees %s', async (name, path, amount) => {
    const answer = await gateway.http2.call(path, { token: tokens[name] })
    expect(answer.status).toBe(200)
    expect(answer.text).toContain(String(amount))
  })

  it.each([
    ['/statement-people', 'month is required'],
    ['/statement-people?month=1970-1', 'month must be a month, as 2026-11'],
    ['/statement-people?month=1970-01&month=1970-01', 'month'],
    ['/statement-people?month=1970-01%2Fada', 'month must be a month'],
    ['/transactions?search=', 'search'],
    ['/transactions?direction=up', 'direction must be'],
  ])('is told what is wrong with %s', async (path, words) => {
    const answer = await gateway.http2.call(path, { token: tokens.ada })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(words)])
  })

  it.each(['/transactions?search=canoe', '/transactions?direction=out', '/statement-people?month=1970-02'])(
    'sees nothing in %s',
    async (path) => {
      const answer = await gateway.http2.call(path, { token: tokens.ada })
      expect([answer.status, answer.text.includes('4711')]).toEqual([200, false])
    },
  )

  it('is refused a CSV that is searched, which would not say what it leaves out', async () => {
    const answer = await gateway.http2.call('/transactions?search=boat', {
      token: tokens.ada,
      headers: { accept: 'text/csv' },
    })
    expect(answer.status).toBe(400)
  })

  it('sees open and closed requests, or those of one status alone, live as well', async () => {
    const ids = async (path: string) => {
      const list = (await gateway.http2.call(path, { token: tokens.ada })).json() as { id: string }[]
      return list.map(({ id }) => id).sort()
    }
    expect(await ids('/payment-requests')).toEqual(['r0-1', 'r0-2'])
    expect(await ids('/payment-requests?status=open')).toEqual(['r0-1'])
    expect(await ids('/payment-requests?status=expired')).toEqual([])
    const stream = await gateway.http2.stream('/payment-requests?status=declined', { token: tokens.ada })
    expect((await stream.caughtUp()).map((value) => (value as { id: string }).id)).toEqual(['r0-2'])
    stream.close()
    expect((await gateway.http2.call('/payment-requests?status=lost', { token: tokens.ada })).status).toBe(400)
  })

  it('is told when a request closes: by its status, or that it is gone from the open ones', async () => {
    const { log } = surroundings
    const put = (status: string) =>
      log.put(
        topicNames.paymentRequests,
        'r0-3',
        { id: 'r0-3', requester: 'bob', debtor: 'cleo', amount: 1, status, createdAt: 1 },
        {
          [headerNames.identity]: 'cleo',
          [headerNames.requester]: 'bob',
          [headerNames.requestStatus]: status,
        },
      )
    const token = await surroundings.issuer.token('cleo', everything)
    const [all, open] = await Promise.all(
      ['', '?status=open'].map((query) => gateway.http2.stream(`/payment-requests${query}`, { token })),
    )
    await Promise.all([all?.caughtUp(), open?.caughtUp()])
    await put('open')
    await open?.event(({ event, data }) => event === 'message' && data?.includes('"open"') === true)
    await put('declined')
    await all?.event(({ event, data }) => event === 'message' && data?.includes('"declined"') === true)
    expect((await open?.event(({ event }) => event === 'delete'))?.data).toBe('r0-3')
    all?.close()
    open?.close()
  })

  it.each([
    ['blocked-people', 'unblock', 'BlockCommand', 'UnblockCommand'],
    ['favourite-people', 'remove', 'FavouriteCommand', 'UnfavouriteCommand'],
  ])('puts people on and off %s by their ids, and is told when a bound is reached', async (list, verb, on, off) => {
    surroundings.replier.answering = () => ({ status: 200, body: { userId: 'bob' } })
    const listed = await gateway.http2.call(`/${list}`, { token: tokens.ada, body: { userId: 'bob' } })
    expect([listed.status, listed.json()]).toEqual([200, { userId: 'bob' }])
    surroundings.replier.answering = () => ({ status: 429, body: { status: 429 }, retryAfter: '3600' })
    const path = `/${list}/auth0%7Cbob/${verb}`
    const refused = await gateway.http2.call(path, { token: tokens.ada, body: {} })
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '3600'])
    const commands = surroundings.replier.commands.slice(-2).map(({ headers }) => {
      const text = (name: string) => headers.find(([other]) => other === name)?.[1]?.toString()
      return [text(headerNames.domainModel), text(headerNames.identity), text(headerNames.requestId)]
    })
    expect(commands).toEqual([
      [on, 'ada', undefined],
      [off, 'ada', 'auth0|bob'],
    ])
    const own = await gateway.http2.call(`/${list}`, { token: tokens.ada, body: { userId: 'ada' } })
    expect(own.status).toBe(422)
  })

  it('does not see requests made by oneself among those to pay', async () => {
    expect((await gateway.http2.call('/payment-requests', { token: tokens.bob })).json()).toEqual([])
    expect((await gateway.http2.call('/sent-payment-requests', { token: tokens.ada })).json()).toEqual([])
  })
})

describe('the edge refuses', () => {
  it.each([
    ['a negative amount', { userId: 'bob', amount: -1 }, 400, 'must not be negative'],
    ['nothing', { userId: 'bob', amount: 0 }, 400, 'must be at least 1 cent'],
    ['half a cent', { userId: 'bob', amount: 0.5 }, 400, 'must be a whole number of cents'],
    ['more than the limit', { userId: 'bob', amount: 1_000_000_001 }, 400, 'must be at most 1000000000 cents'],
    ['an infinite amount', '{"userId":"bob","amount":-1e999}', 400, 'has more digits than can be kept exactly'],
    ['an amount as text', { userId: 'bob', amount: '12' }, 400, 'must be a number'],
    ['an unknown member', { userId: 'bob', amount: 1, from: 'ada' }, 400, 'is not a member of this command'],
    ['oneself', { userId: 'eve', amount: 1 }, 422, undefined],
    ['the treasury', { userId: 'streampay:treasury', amount: 1 }, 422, undefined],
  ])('to pay %s', async (_what, body, status, message) => {
    const before = surroundings.replier.commands.length
    for (const path of ['/pay', '/request']) {
      const answer = await gateway.http2.call(path, { token: tokens.eve, body })
      expect(answer.status).toBe(status)
      if (message !== undefined) expect(JSON.stringify(answer.json())).toContain(message)
      const { type } = answer.json() as { type: string }
      expect(slugOf(type)).toBeDefined()
    }
    expect(surroundings.replier.commands.length).toBe(before)
  })
})

// The guard compared subjects byte by byte, the issuer by their look: one of them accepted a subject that the other took for the system's.
it.each(['streampay:x', 'ѕtreampay:x', 'ＳtreamPay:x'])(
  'refuses the subject %s, which looks reserved',
  async (subject) => {
    const token = await surroundings.issuer.token(subject, everything)
    const answer = await gateway.http2.call('/pay', { token, body: { userId: 'bob', amount: 1 } })
    expect([answer.status, slugOf((answer.json() as { type: string }).type)]).toEqual([403, 'reserved-identity'])
  },
)

describe('a profile', () => {
  it.each([
    ['a blank name', { name: ' ', username: 'eve' }, 'name must be visible characters'],
    ['a name that turns the text around', { name: '\u202eeve', username: 'eve' }, 'name must be visible characters'],
    [
      'a username with a space',
      { name: 'Eve', username: 'e ve' },
      'username must be visible characters without spaces',
    ],
    ['no username', { name: 'Eve' }, 'username is required'],
    ['the name of the system', { name: 'Stream Pay', username: 'eve' }, 'must not look like the name of the system'],
    ['a username like it', { name: 'Eve', username: 'strеampay' }, 'must not look like the name of the system'],
  ])('is refused at the edge with %s, in words', async (_what, body, detail) => {
    const answer = await gateway.http2.call('/current-user', { token: tokens.eve, method: 'PUT', body })
    expect([answer.status, answer.json()]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringContaining(detail) }),
    ])
  })
})
