/** What one identity or address may do in a second, while another is served. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boundLines } from '../src/operation/log-lines.ts'
import { testGateway } from './support/definition.ts'
import type { Answer } from './support/http-client.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const readsPerSecond = 5
const anonymousPerSecond = 8
const logLinesPerSecond = 2
let surroundings: Surroundings
let gateway: TestGateway

beforeAll(async () => {
  surroundings = await openSurroundings(testGateway())
  gateway = await openTestGateway(
    testGateway({ readsPerSecond, anonymousPerSecond, logLinesPerSecond }),
    surroundings,
    {
      trustedProxies: ['127.0.0.1'],
    },
  )
})
afterAll(async () => {
  await gateway.close()
  await surroundings.close()
})

const burst = 40
const many = (ask: (n: number) => Promise<Answer>) => Promise.all(Array.from({ length: burst }, (_, n) => ask(n)))

function refusedOf(answers: readonly Answer[]): Answer[] {
  const refused = answers.filter(({ status }) => status === 429)
  for (const { headers, text } of refused) {
    expect(headers['retry-after']).toBe('1')
    expect(JSON.parse(text)).toMatchObject({ type: 'urn:test:problem:too-many-requests' })
  }
  return refused
}

/** A burst may lie across the end of a second, which then counts twice. */
function expectBound(answers: readonly Answer[], most: number): void {
  const refused = refusedOf(answers)
  expect(refused.length).toBeGreaterThanOrEqual(burst - 2 * most)
  expect(refused.length).toBeLessThan(burst)
}

describe('reads', () => {
  it('of one identity are bounded over all routes, while another reads', async () => {
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => surroundings.issuer.token(name, 'read watch')))
    const paths = ['/news', '/tasks', '/replies/x', '/console/topics', '/live?view=/news']
    const greedy = many((n) =>
      gateway.http2.call(paths[n % paths.length] ?? '/news', { token: ada, headers: { accept: 'application/json' } }),
    )
    const [answers, other] = await Promise.all([greedy, gateway.http2.call('/news', { token: bob })])
    expectBound(answers, readsPerSecond)
    expect(other.status).toBe(200)
  })

  it('do not count as commands', async () => {
    surroundings.replier.answering = () => ({ status: 200, body: {} })
    const token = await surroundings.issuer.token('cid', 'read write')
    await many(() => gateway.http2.call('/news', { token }))
    expect((await gateway.http2.call('/do', { token, body: { what: 'x' } })).status).toBe(200)
  })
})

describe('requests without a valid token', () => {
  const from = (address: string, path: string, token?: string) =>
    gateway.http2.call(path, { token, headers: { 'x-forwarded-for': address } })

  it.each([
    ['of what is there for everybody', '/openapi.json', undefined],
    ['of what does not exist', '/nowhere', undefined],
    ['without any', '/news', undefined],
    ['with a wrong one', '/news', 'nonsense'],
  ])('%s are bounded for each address, while another is served', async (what, path, token) => {
    const address = `192.0.2.${what.length}`
    const valid = await surroundings.issuer.token(`from ${what}`, 'read')
    const [answers, other, signedIn] = await Promise.all([
      many(() => from(address, path, token)),
      from('192.0.2.250', '/openapi.json'),
      // Who has a token is counted by name, wherever the request comes from.
      from(address, '/news', valid),
    ])
    expectBound(answers, anonymousPerSecond)
    expect([other.status, signedIn.status]).toEqual([200, 200])
  })
})

describe('lines of the log', () => {
  const written = () =>
    gateway.lines.map((line) => JSON.parse(line) as { msg: string; leftOut?: { kind: string; lines: number }[] })

  it('are none for an unknown method', async () => {
    const before = gateway.lines.length
    const answers = await many((n) => gateway.http2.call('/news', { method: `MADE-UP-${n}` }))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([405]))
    // Other lines may come meanwhile: on a busy machine the log of the test is late.
    expect(gateway.lines.slice(before).filter((line) => /MADE-UP|method|route/i.test(line))).toEqual([])
    expect(await gateway.metrics()).not.toContain('MADE-UP')
  })

  it('that records cause are so many a second, and it is said how many more there were', async () => {
    // All at once: on a slow machine records that wait for each other would come within the bound of each second.
    const records = 100
    const put = () => surroundings.log.put('scores', 'x', 'no json', { 'x:identity': 'x' })
    await Promise.all(Array.from({ length: records }, put))
    const passedOver = () => written().filter(({ msg }) => msg === 'a record is skipped').length
    const leftOut = () =>
      written()
        .flatMap((line) => line.leftOut ?? [])
        .filter(({ kind }) => kind.endsWith('a record is skipped'))
        .reduce((sum, { lines }) => sum + lines, 0)
    await expect.poll(() => passedOver() + leftOut(), { timeout: 10_000 }).toBe(records)
    expect(leftOut()).toBeGreaterThan(0)
  })
})

describe('a bound log', () => {
  it('writes some of each kind, says what it left out, and never holds back fatal lines', () => {
    let now = 0
    const lines: unknown[][] = []
    const write =
      (level: string) =>
      (...args: unknown[]) =>
        void lines.push([level, ...args])
    const target = {
      level: 'info',
      fatal: write('fatal'),
      error: write('error'),
      warn: write('warn'),
      info: write('info'),
      debug: write('debug'),
      trace: write('trace'),
      silent: () => undefined,
      child: () => target,
    }
    const log = boundLines(target, { perSecond: 2, elapsed: () => now })
    for (let n = 0; n < 5; n++) log.warn({ n }, 'often')
    log.child({}).warn({ n: 9 }, 'often')
    log.error('once')
    log.debug('never')
    for (let n = 0; n < 5; n++) log.fatal({ n }, 'fatal')
    expect(lines.map(([level]) => level).join(' ')).toBe(`warn warn error${' fatal'.repeat(5)}`)
    now = 1_000
    log.warn('often')
    expect(lines.at(-1)).toEqual(['warn', 'often'])
    lines.length = 0
    now = 2_000
    for (let n = 0; n < 1_000; n++) log.info(`kind ${n}`)
    expect(lines).toHaveLength(20)
  })
})
