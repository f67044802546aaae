/** A token issuer of the test's own: signs what it is asked to, and serves its keys over HTTP. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export const audience = 'test-audience'

export type TestIssuer = {
  readonly url: string
  readonly jwksUri: string
  /** How often the keys were fetched. */
  readonly fetches: () => number
  /** Signs with a new key from now on; the old one is withdrawn. */
  readonly rotate: () => Promise<void>
  readonly token: (
    subject: string,
    scope: string,
    claims?: JWTPayload & { readonly expiresIn?: number },
  ) => Promise<string>
  /** Signed by a key that the issuer does not publish, under a published name. */
  readonly forged: (subject: string, scope: string) => Promise<string>
  readonly close: () => Promise<void>
}

export async function openTestIssuer(): Promise<TestIssuer> {
  let keyNumber = 0
  let fetches = 0
  let current = await newKey()
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` }))
      return
    }
    fetches++
    response.end(JSON.stringify({ keys: [current.jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function newKey() {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const kid = `key-${++keyNumber}`
    return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
  }

  function sign(key: typeof current, subject: string, claims: JWTPayload & { readonly expiresIn?: number }) {
    const { expiresIn = 3600, ...rest } = claims
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ iss: url, aud: audience, sub: subject, iat: now, exp: now + expiresIn, ...rest })
      .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'at+jwt' })
      .sign(key.privateKey)
  }

  return {
    url,
    jwksUri: `${url}/jwks`,
    fetches: () => fetches,
    rotate: async () => {
      current = await newKey()
    },
    token: (subject, scope, claims = {}) => sign(current, subject, { scope, ...claims }),
    forged: async (subject, scope) => sign({ ...(await newKey()), kid: current.kid }, subject, { scope }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
