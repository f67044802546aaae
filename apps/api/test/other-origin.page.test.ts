/** A front end of another origin, in a real browser: what it may read of a gateway that knows its origin, and of one that does not. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  openSurroundings,
  openTestGateway,
  type Surroundings,
  type TestGateway,
} from '../../../packages/gateway/test/support/test-gateway.ts'
import { launchBrowser } from '../../ui/test/support/browser.ts'
import { streampayGateway } from '../src/index.ts'

const definition = streampayGateway({})
let surroundings: Surroundings
let frontEnd: Server
let browser: Browser
let page: Page
let gateway: TestGateway
let stranger: TestGateway
let token: string

beforeAll(async () => {
  surroundings = await openSurroundings(definition)
  surroundings.replier.answering = () => ({ status: 200, body: { transferId: 't1' } })
  token = await surroundings.issuer.token('ada', 'write:pay read:balances')
  frontEnd = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Shop</title>')
  })
  await new Promise<void>((resolve) => frontEnd.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(frontEnd.address() as AddressInfo).port}`
  gateway = await openTestGateway(definition, surroundings, { corsOrigins: [origin] })
  stranger = await openTestGateway(definition, surroundings, { corsOrigins: ['https://other.example.com'] })
  browser = await launchBrowser()
  page = await browser.newPage()
  await page.goto(origin)
}, 60_000)
afterAll(async () => {
  await browser.close()
  await gateway.close()
  await stranger.close()
  await surroundings.close()
  await new Promise((resolve) => frontEnd.close(resolve))
})

type Init = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}
type Asking = { readonly url: string; readonly init: Init; readonly names: readonly string[] }

/** Status, headers and body as the script of the page sees them; 'blocked' if the browser gives it nothing. */
function ask({ running }: TestGateway, path: string, { init = {}, names = [] }: Partial<Asking> = {}) {
  const asking = { url: `https://localhost:${running.port}${path}`, init, names }
  return page.evaluate(async ({ url, init, names }: Asking) => {
    const response = await fetch(url, init).catch(() => undefined)
    if (response === undefined) return 'blocked'
    const headers = Object.fromEntries(names.map((name) => [name, response.headers.get(name)]))
    return { status: response.status, headers, body: (await response.json()) as unknown }
  }, asking)
}

const authorization = () => ({ authorization: `Bearer ${token}` })
const payment = () => ({
  method: 'POST',
  headers: { ...authorization(), 'content-type': 'application/json', 'idempotency-key': 'k1', prefer: 'wait=5' },
  body: JSON.stringify({ userId: 'bob', amount: 100 }),
})

it('pays, and reads the key that was used', async () => {
  expect(await ask(gateway, '/pay', { init: payment(), names: ['idempotency-key'] })).toEqual({
    status: 200,
    headers: { 'idempotency-key': 'k1' },
    body: { transferId: 't1' },
  })
})

it.each([
  ['/current-balance', {}, 401, 'unauthorized'],
  ['/activities', { headers: { authorization: 'token' } }, 403, 'missing-scope'],
  ['/nowhere', {}, 404, 'not-found'],
])('reads why %s with %j is refused', async (path, init, status, slug) => {
  const known = 'headers' in init ? { headers: authorization() } : {}
  const names = status === 401 ? ['www-authenticate'] : []
  const answer = await ask(gateway, path, { init: known, names })
  expect(answer).toMatchObject({ status, body: { type: `urn:streampay:problem:${slug}` } })
  if (status === 401)
    expect(answer).toMatchObject({ headers: { 'www-authenticate': expect.stringMatching(/^Bearer/) } })
})

it('reads a live view as it changes, and continues after its last event', async () => {
  const put = (balance: number) =>
    surroundings.log.put(
      'balances',
      'ada',
      { account: 'ada', balance, sequence: balance, transferId: `t${balance}`, at: 1, opened: false },
      { [definition.headers.identity]: 'ada' },
    )
  await put(1)
  const read = (lastEventId: string | undefined) =>
    page.evaluate(
      async ({ url, headers }) => {
        const response = await fetch(url, { headers })
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
        let text = ''
        while (reader !== undefined && !/^data: .*balance/m.test(text)) {
          const { done, value } = await reader.read()
          if (done) break
          text += value
        }
        await reader?.cancel()
        const [, id = ''] = /^id: (.*)\ndata: .*balance/m.exec(text) ?? []
        return { id, balance: /"balance":(\d+)/.exec(text)?.[1] }
      },
      {
        url: `https://localhost:${gateway.running.port}/current-balance`,
        headers: {
          ...authorization(),
          accept: 'text/event-stream',
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
        } as Record<string, string>,
      },
    )
  const first = await read(undefined)
  expect(first).toEqual({ id: expect.stringMatching(/./), balance: '1' })
  const next = read(first.id)
  await put(2)
  expect(await next).toMatchObject({ balance: '2' })
})

it('is given nothing by a gateway that does not know its origin', async () => {
  const before = surroundings.replier.commands.length
  expect(await ask(stranger, '/openapi.json')).toBe('blocked')
  expect(await ask(stranger, '/current-balance', { init: { headers: authorization() } })).toBe('blocked')
  expect(await ask(stranger, '/pay', { init: payment() })).toBe('blocked')
  // Its preflight was refused: the command was never sent.
  expect(surroundings.replier.commands.length).toBe(before)
})
