import { createHash, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { refusalOf, setUp } from './support/guarded.ts'
import { shapes } from './support/provider.ts'

test('reads subject and permissions from other claims when their names are set', async () => {
  const claims = { subject: 'oid', scopes: ['roles'] }
  const { provider, guard } = await setUp(shapes.entra, { claims })
  const identity = await guard.identify(`Bearer ${await provider.token('ada', ['read'])}`)
  expect(identity.subject).toBe('00000000-0000-0000-66f3-3332eca7ea81')
  expect([...identity.scopes]).toEqual(['Payments.Operator'])
  const nameless = await provider.token('ada', ['read'], { claims: { oid: undefined } })
  expect(await refusalOf(guard.identify(`Bearer ${nameless}`))).toBe('The token has no subject.')
})

const logoutEvents = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const otherType = 'The token is of another type than an access token.'
const idToken = 'The token is an ID token, not an access token.'
const bound = 'The token is bound to a key (DPoP or mutual TLS), which is not supported here.'
const event = 'The token is about an event, such as a logout: it is not an access token.'

test.each([
  ['a logout token', { header: { typ: 'logout+jwt' } }, otherType],
  ['a logout token without its type', { claims: { events: logoutEvents } }, event],
  ['an ID token of Keycloak', { claims: { typ: 'ID' } }, otherType],
  ['a refresh token of Keycloak', { claims: { typ: 'Refresh' } }, otherType],
  ['an ID token with a digest of its access token', { claims: { at_hash: 'x' } }, idToken],
  ['an ID token with a nonce', { claims: { nonce: 'x', scope: undefined } }, idToken],
  ['an ID token of Cognito', { claims: { token_use: 'id' } }, idToken],
  ['an introspection answer', { header: { typ: 'application/token-introspection+jwt' } }, otherType],
  ['a type that is no text', { header: { typ: 5 } }, otherType],
  ['a body type that is no text', { claims: { typ: {} } }, otherType],
  ['a token bound to a certificate', { claims: { cnf: { 'x5t#S256': 'x' } } }, bound],
  ['a token bound to a certificate, of the right type', { header: { typ: 'at+jwt' }, claims: { cnf: {} } }, bound],
])('refuses %s, and says why', async (_what, changes, reason) => {
  const { provider, guard } = await setUp(shapes.keycloak)
  const token = await provider.token('ada', ['read'], changes)
  expect(await refusalOf(guard.identify(`Bearer ${token}`))).toBe(reason)
})

test.each(['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT'])('takes the type %s', async (typ) => {
  const { provider, guard } = await setUp(shapes.keycloak)
  const token = await provider.token('ada', ['read'], { header: { typ } })
  expect((await guard.identify(`Bearer ${token}`)).subject).toBe('ada')
})

test('refuses a token that the issuer bound to a key by DPoP', async () => {
  const { provider, guard } = await setUp(shapes.keycloak)
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const dpop = (htu: string) =>
    new SignJWT({ htm: 'POST', htu, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey)
  const token = await provider.token('ada', ['read'], { dpop })
  expect(await refusalOf(guard.identify(`Bearer ${token}`))).toBe(bound)
})

test.each([
  ['a line feed', 'a\nb', 'The subject of the token contains control characters.'],
  ['a control character of Latin-1', 'a\u0085', 'The subject of the token contains control characters.'],
  ['half of a surrogate pair', 'a\ud800', 'The subject of the token is not valid Unicode.'],
  ['256 characters', 'x'.repeat(256), 'The subject of the token has 256 characters; at most 255 are accepted.'],
  ['no text', '', 'The token has no subject.'],
])('refuses a subject with %s', async (_what, sub, reason) => {
  const { provider, guard } = await setUp(shapes.keycloak)
  const token = await provider.token('ada', ['read'], { claims: { sub } })
  expect(await refusalOf(guard.identify(`Bearer ${token}`))).toBe(reason)
})

test('takes a subject of 255 characters', async () => {
  const { provider, guard } = await setUp(shapes.keycloak)
  const sub = 'é'.repeat(255)
  const token = await provider.token('ada', ['read'], { claims: { sub } })
  expect((await guard.identify(`Bearer ${token}`)).subject).toBe(sub)
})

test('accepts a token up to its size, and gives the true reason beyond it', async () => {
  const { provider, guard } = await setUp(shapes.entra)
  const tokenOf = async (length: number) => {
    // Three bytes are four characters of Base64.
    let padding = Math.floor(((length - 1_100) * 3) / 4)
    for (;;) {
      const token = await provider.token('ada', ['read'], { claims: { groups: 'x'.repeat(padding) } })
      if (token.length >= length) return token
      padding += Math.max(1, Math.floor(((length - token.length) * 3) / 4))
    }
  }
  const atTheBound = await tokenOf(12_288)
  expect(atTheBound).toHaveLength(12_288)
  expect((await guard.identify(`Bearer ${atTheBound}`)).subject).toBe('AAAAA_ada')
  expect(await refusalOf(guard.identify(`Bearer ${await tokenOf(12_290)}`))).toMatch(
    /^The token has 122\d\d characters; at most 12288 are accepted\.$/,
  )
})

test.each([
  ['an opaque token', 'c2VjcmV0', 'The token is not a JWT: opaque tokens are not supported.'],
  ['an encrypted token', 'a.b.c.d.e', 'The token is encrypted (JWE); only signed ones (JWS) are accepted.'],
])('says of %s what it is', async (_what, token, reason) => {
  const { guard } = await setUp(shapes.auth0)
  expect(await refusalOf(guard.identify(`Bearer ${token}`))).toBe(reason)
})

test('forgives clocks that differ by less than a minute, and no more', async () => {
  const { provider, guard } = await setUp(shapes.okta)
  const now = Math.floor(Date.now() / 1000)
  const identify = async (claims: object) =>
    guard.identify(`Bearer ${await provider.token('ada', ['read'], { claims: { ...claims } })}`)
  expect((await identify({ exp: now - 50 })).subject).toBe('ada@example.com')
  expect((await identify({ nbf: now + 50 })).subject).toBe('ada@example.com')
  expect(await refusalOf(identify({ exp: now - 61 }))).toBe('The token has expired.')
  expect(await refusalOf(identify({ nbf: now + 70 }))).toBe('The claim "nbf" of the token is not accepted here.')
})

test('keeps a digest of the subject with a refusal, where the issuer signed it', async () => {
  const { provider, guard } = await setUp(shapes.keycloak)
  const token = await provider.token('ada', ['read'], { claims: { aud: 'elsewhere' } })
  const digest = createHash('sha256').update('ada').digest('hex').slice(0, 16)
  await expect(guard.identify(`Bearer ${token}`)).rejects.toMatchObject({ subjectDigest: digest })
  await expect(guard.identify(`Bearer ${token.slice(0, -4)}AAAA`)).rejects.toMatchObject({ subjectDigest: undefined })
})
