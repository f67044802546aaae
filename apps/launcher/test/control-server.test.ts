import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Control } from '../src/control/control.ts'
import { type ControlServer, serveControl } from '../src/control/control-server.ts'
import { operatorAccess } from '../src/control/operator-access.ts'

const issuer = 'https://localhost:9090/identity'
const orders: unknown[] = []
let server: ControlServer
let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
let jwks: ReturnType<typeof createServer>

const control = {
  state: () => ({ services: [] }),
  act: (name: string, action: string) => {
    orders.push([name, action])
    return name === 'gone' ? { refused: 'gone is not running.' } : { id: 1 }
  },
  disturb: (what: string) => orders.push(what) && { id: 2 },
  setSpeed: (speed: number) => (orders.push(speed) && speed <= 100 ? 'done' : { refused: 'too fast' }),
} as unknown as Control

beforeAll(async () => {
  keys = (await generateKeyPair('RS256')) as typeof keys
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256' }
  jwks = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })))
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve))
  const jwksUri = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/`
  server = await serveControl({
    control: () => control,
    access: operatorAccess({ issuer, audience: 'streampay', jwksUri }),
  })
})
afterAll(async () => {
  await server.close()
  jwks.close()
})

function tokenWith(claims: Record<string, unknown> = {}, from = issuer, audience = 'streampay'): Promise<string> {
  return new SignJWT({ scope: 'read:balances operate:services', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(from)
    .setAudience(audience)
    .setSubject('ada')
    .setExpirationTime('5m')
    .sign(keys.privateKey)
}

async function call(method: string, path: string, { token, body }: { token?: string; body?: string } = {}) {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  }
}

test('only a token of the issuer with the permission of an operator opens it', async () => {
  expect((await call('GET', '/control/state', { token: await tokenWith() })).status).toBe(200)
  const strangers = [
    undefined,
    'nonsense',
    await tokenWith({}, 'https://other.example/'),
    await tokenWith({}, issuer, 'other'),
  ]
  for (const token of strangers) {
    const refused = await call('GET', '/control/state', token === undefined ? {} : { token })
    expect([refused.status, refused.body.type]).toEqual([401, 'urn:streampay:problem:unauthorized'])
    expect(refused.headers.get('www-authenticate')).toContain('Bearer')
  }
  for (const scope of ['read:console', 'operate:services-not', '']) {
    const refused = await call('POST', '/control/services/payments/kill', { token: await tokenWith({ scope }) })
    expect([refused.status, refused.body.scope]).toEqual([403, 'operate:services'])
  }
  expect(orders).toEqual([])
})

test('orders reach the control, and a refused one is a conflict', async () => {
  const token = await tokenWith()
  expect(await call('POST', '/control/services/payments-1/pause', { token })).toMatchObject({
    status: 202,
    body: { id: 1 },
  })
  expect(await call('POST', '/control/log/cut', { token })).toMatchObject({ status: 202, body: { id: 2 } })
  expect(await call('PUT', '/control/simulation', { token, body: '{"speed":40}' })).toMatchObject({ status: 202 })
  expect(orders).toEqual([['payments-1', 'pause'], 'cut', 40])
  const refused = await call('POST', '/control/services/gone/kill', { token })
  expect(refused).toMatchObject({ status: 409, body: { detail: 'gone is not running.' } })
  expect((await call('PUT', '/control/simulation', { token, body: '{"speed":101}' })).status).toBe(409)
})

test.each([
  ['GET', '/control/services/payments/kill'],
  ['POST', '/control/services/payments/explode'],
  ['POST', '/control/log/melt'],
  ['GET', '/other'],
  ['DELETE', '/control/state'],
])('%s %s is nothing to control', async (method, path) => {
  expect((await call(method, path, { token: await tokenWith() })).status).toBe(404)
})

test.each(['', 'speed', '{"speed":"fast"}', `{"speed":1,"more":"${'x'.repeat(2_000)}"}`])(
  'the body %# of a speed is refused',
  async (body) => {
    const refused = await call('PUT', '/control/simulation', { token: await tokenWith(), body })
    expect([refused.status, refused.body.type]).toEqual([400, 'urn:streampay:problem:malformed-body'])
  },
)
