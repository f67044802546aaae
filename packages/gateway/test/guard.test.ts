import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Guard, openGuard, requireScope } from '../src/guard/guard.ts'
import { issuerFault, openKeySource } from '../src/guard/key-source.ts'
import { defaultClaims, type ScopeRules, type TokenClaims } from '../src/guard/token-claims.ts'
import { type Clock, systemClock } from '../src/shared/clock.ts'
import { ProblemError } from '../src/shared/problem.ts'
import { audience, openTestIssuer, type TestIssuer } from './support/issuer.ts'

let issuer: TestIssuer
let guard: Guard

beforeEach(async () => {
  issuer = await openTestIssuer()
  guard = openTestGuard()
})
afterEach(() => issuer.close())

type TestGuardOptions = {
  readonly cooldownMs?: number
  readonly timeoutMs?: number
  readonly jwksUri?: string
  readonly clock?: Clock
  readonly claims?: TokenClaims
  readonly rules?: ScopeRules
  readonly logger?: { readonly warn: (details: object, message: string) => void }
}

const isReserved = (subject: string) => subject.startsWith('system:')
const quiet = { warn: () => undefined }

function openTestGuard(options: TestGuardOptions = {}): Guard {
  const { cooldownMs = 0, timeoutMs = 500, jwksUri, clock = systemClock, logger = quiet } = options
  const { claims = defaultClaims, rules = new Map() } = options
  const keys = openKeySource({
    staleMs: 24 * 3_600_000,
    clock,
    logger,
    issuer: issuer.url,
    timeoutMs,
    cooldownMs,
    maxAgeMs: 60_000,
    ...(jwksUri === undefined ? {} : { jwksUri }),
  })
  const { url } = issuer
  const shared = { issuer: url, audience, isReserved, claims, rules, clock, realm: 'test' }
  return openGuard({ ...shared, keys: keys.key })
}

async function refusalOf(authorization: string | undefined, by: Guard = guard): Promise<ProblemError> {
  const result = await by.identify(authorization).catch((error: unknown) => error)
  if (result instanceof ProblemError) return result
  throw new Error(`not refused but ${JSON.stringify(result)}`)
}

const now = () => Math.floor(Date.now() / 1000)

describe('the guard', () => {
  it('finds the keys by discovery and knows subject, scopes and expiry', async () => {
    const identity = await guard.identify(`Bearer ${await issuer.token('ada', 'read write')}`)
    expect(identity.subject).toBe('ada')
    expect([...identity.scopes]).toEqual(['read', 'write'])
    expect(identity.expiresAt).toBeGreaterThan(Date.now() + 3_500_000)
  })

  it('takes the scopes of `permissions`, too', async () => {
    const { scopes } = await guard.identify(`Bearer ${await issuer.token('ada', 'openid', { permissions: ['read'] })}`)
    expect([...scopes].sort()).toEqual(['openid', 'read'])
  })

  it('forgives clocks that differ by a minute', async () => {
    const token = await issuer.token('ada', 'read', { expiresIn: -50, nbf: now() + 50 })
    expect((await guard.identify(`Bearer ${token}`)).subject).toBe('ada')
  })

  it.each([
    ['no header', async () => undefined],
    ['another scheme', async () => 'Basic YTpi'],
    ['no token', async () => 'Bearer '],
    ['what is no JWT', async () => 'Bearer abc.def.ghi'],
    [
      'a token without signature',
      async () => `Bearer ${new UnsecuredJWT({ sub: 'ada' }).setExpirationTime('1h').encode()}`,
    ],
    ['a forged signature', async () => `Bearer ${await issuer.forged('ada', 'read')}`],
    ['an expired token', async () => `Bearer ${await issuer.token('ada', 'read', { expiresIn: -70 })}`],
    ['a token of tomorrow', async () => `Bearer ${await issuer.token('ada', 'read', { nbf: now() + 70 })}`],
    ['another issuer', async () => `Bearer ${await issuer.token('ada', 'read', { iss: 'https://elsewhere' })}`],
    ['another audience', async () => `Bearer ${await issuer.token('ada', 'read', { aud: 'elsewhere' })}`],
    ['no subject', async () => `Bearer ${await issuer.token('', 'read')}`],
    ['a subject too long', async () => `Bearer ${await issuer.token('x'.repeat(256), 'read')}`],
  ])('refuses %s with 401', async (_what, authorization) => {
    const refusal = await refusalOf(await authorization())
    expect(refusal.slug).toBe('unauthorized')
    expect(refusal.headers['www-authenticate']).toMatch(/^Bearer realm="test"/)
  })

  it('refuses the identities of the system itself', async () => {
    expect((await refusalOf(`Bearer ${await issuer.token('system:treasury', 'read')}`)).slug).toBe('reserved-identity')
  })

  it('names the scope that is missing', async () => {
    const identity = await guard.identify(`Bearer ${await issuer.token('ada', 'read')}`)
    expect(() => requireScope(identity, 'write', 'test')).toThrow(
      expect.objectContaining({ slug: 'missing-scope', status: 403, members: { scope: 'write' } }),
    )
  })

  it('fetches the keys once for many tokens, and again for an unknown one', async () => {
    for (const subject of ['ada', 'bob', 'eve']) await guard.identify(`Bearer ${await issuer.token(subject, 'read')}`)
    expect(issuer.fetches()).toBe(1)
    await issuer.rotate()
    expect((await guard.identify(`Bearer ${await issuer.token('zoe', 'read')}`)).subject).toBe('zoe')
    expect(issuer.fetches()).toBe(2)
  })

  it('does not fetch for each of many unknown keys', async () => {
    const patient = openTestGuard({ cooldownMs: 60_000 })
    await patient.identify(`Bearer ${await issuer.token('ada', 'read')}`)
    await issuer.rotate()
    for (let i = 0; i < 5; i++) {
      expect((await refusalOf(`Bearer ${await issuer.token(`user-${i}`, 'read')}`, patient)).slug).toBe('unauthorized')
    }
    expect(issuer.fetches()).toBe(1)
  })

  it('does not wait for an issuer that hangs as long as it has keys', async () => {
    const held: (() => void)[] = []
    let isHanging = false
    const server = createServer(async (_request, response) => {
      const keys = await (await fetch(issuer.jwksUri)).text()
      const answer = () => response.setHeader('content-type', 'application/json').end(keys)
      if (isHanging) held.push(answer)
      else answer()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    let passedMs = 0
    const clock = { now: Date.now, elapsed: () => passedMs }
    const patient = openTestGuard({ jwksUri: `http://127.0.0.1:${port}/jwks`, clock, timeoutMs: 60_000 })
    await patient.identify(`Bearer ${await issuer.token('ada', 'read')}`)
    isHanging = true
    passedMs = 60_000
    expect((await patient.identify(`Bearer ${await issuer.token('bob', 'read')}`)).subject).toBe('bob')
    await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1)
    isHanging = false
    for (const answer of held) answer()
    await new Promise((resolve) => server.close(resolve))
  })

  it('does not blame the token when the keys are out of reach, and recovers', async () => {
    const server = createServer((_request, response) => {
      response.statusCode = 500
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const lost = openTestGuard({ jwksUri: `http://127.0.0.1:${port}/jwks` })
    const refusal = await refusalOf(`Bearer ${await issuer.token('ada', 'read')}`, lost)
    expect([refusal.slug, refusal.headers['retry-after']]).toEqual(['try-again', '2'])
    await new Promise((resolve) => server.close(resolve))
    expect((await refusalOf(`Bearer ${await issuer.token('ada', 'read')}`, lost)).slug).toBe('try-again')
  })
})

describe('the check of the issuer at the start', () => {
  it('finds nothing wrong with one that answers', async () => {
    expect(await issuerFault({ issuer: issuer.url, timeoutMs: 5_000 })).toBeUndefined()
    expect(await issuerFault({ issuer: issuer.url, jwksUri: issuer.jwksUri, timeoutMs: 5_000 })).toBeUndefined()
  })

  it('says what is out of reach', async () => {
    await issuer.close()
    expect(await issuerFault({ issuer: issuer.url, timeoutMs: 5_000 })).toMatch(
      /\/\.well-known\/openid-configuration cannot be read: .*ECONNREFUSED/,
    )
    expect(await issuerFault({ issuer: issuer.url, jwksUri: issuer.jwksUri, timeoutMs: 5_000 })).toContain(
      'ECONNREFUSED',
    )
    issuer = await openTestIssuer()
  })

  it('says that the document is another’s', async () => {
    expect(await issuerFault({ issuer: `${issuer.url}/`, timeoutMs: 5_000 })).toContain('is the document of')
  })
})
