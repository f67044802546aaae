/**
 * An OpenID Connect provider (oidc-provider) that writes access tokens in the form of another product: the same protocol,
 * discovery, keys and signatures, and the header and claims of Auth0, Okta, Entra ID or Keycloak.
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type Adapter, type KoaContextWithOIDC, Provider } from 'oidc-provider'

export type Shape = {
  /** What the product writes into the header beside `alg` and `kid`. */
  readonly header: Readonly<Record<string, unknown>>
  /** Its claims beside `iss`, `iat` and `exp`, for a subject and its permissions. */
  readonly claims: (subject: string, scopes: readonly string[]) => Readonly<Record<string, unknown>>
  readonly audience: string
}

const client = { client_id: 'wallet', client_secret: 'a-secret-of-the-test' }

/** By the products' own documentation of their access tokens; the values are made up. */
export const shapes = {
  auth0: {
    header: { typ: 'JWT' },
    audience: 'https://streampay.example/api',
    claims: (sub, scopes) => ({
      sub: `auth0|${sub}`,
      aud: ['https://streampay.example/api', 'https://tenant.auth0.example/userinfo'],
      azp: client.client_id,
      scope: 'openid profile',
      permissions: scopes,
    }),
  },
  okta: {
    header: { typ: undefined },
    audience: 'api://default',
    claims: (sub, scopes) => ({
      sub: `${sub}@example.com`,
      aud: 'api://default',
      ver: 1,
      cid: client.client_id,
      uid: '00u1abcd2345EfGh6789',
      scp: ['openid', ...scopes],
      auth_time: 1_700_000_000,
    }),
  },
  entra: {
    header: { typ: 'JWT' },
    audience: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
    claims: (sub, scopes) => ({
      sub: `AAAAA_${sub}`,
      aud: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
      azp: client.client_id,
      oid: '00000000-0000-0000-66f3-3332eca7ea81',
      tid: '9122040d-6c67-4c5b-b112-36a304b66dad',
      scp: scopes.join(' '),
      roles: ['Payments.Operator'],
      ver: '2.0',
    }),
  },
  keycloak: {
    header: { typ: 'JWT' },
    audience: 'streampay',
    claims: (sub, scopes) => ({
      sub,
      aud: ['streampay', 'account'],
      typ: 'Bearer',
      azp: client.client_id,
      sid: '8f8b6c1e-5a44-4c53-bb7c-1f9d4e9c0f11',
      acr: '1',
      scope: ['openid', 'email', ...scopes].join(' '),
      realm_access: { roles: ['offline_access', 'payments-operator'] },
    }),
  },
} as const satisfies Record<string, Shape>

export type ShapedProvider = {
  readonly issuer: string
  /** An access token by the client credentials grant; `changes` go over the shape's claims. */
  token(subject: string, scopes: readonly string[], changes?: TokenChanges): Promise<string>
  /** The issuer signs with a new key from now on; the old one is withdrawn. */
  rotate(): Promise<void>
  /** Answers with 503 from now on, or serves again. */
  goAway(away: boolean): void
  /** How many requests came, of whatever kind. */
  asked(): number
  close(): Promise<void>
}

export type TokenChanges = {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  /** The token request's DPoP proof (RFC 9449). */
  readonly dpop?: (url: string) => Promise<string>
}

export async function openProvider(shape: Shape): Promise<ShapedProvider> {
  let next: { header: Readonly<Record<string, unknown>>; claims: Readonly<Record<string, unknown>> }
  let away = false
  let asked = 0
  let listener: RequestListener = () => undefined
  const server = createServer((request, response) => {
    asked++
    if (!away) return listener(request, response)
    response.statusCode = 503
    return response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const customize = (_ctx: KoaContextWithOIDC, _token: unknown, parts: Structured) => {
    parts.header = { ...next.header }
    for (const name of ['scope', 'client_id', 'jti']) Reflect.deleteProperty(parts.payload, name)
    Object.assign(parts.payload, next.claims)
  }
  const rotate = async () => {
    listener = providerOf(issuer, shape.audience, { key: await signingKey(), customize }).callback()
  }
  await rotate()
  return {
    issuer,
    rotate,
    goAway(now) {
      away = now
    },
    asked: () => asked,
    async token(subject, scopes, { header = {}, claims = {}, dpop } = {}) {
      next = { header: { ...shape.header, ...header }, claims: { ...shape.claims(subject, scopes), ...claims } }
      const url = `${issuer}/token`
      const response = await fetch(url, {
        method: 'POST',
        headers: dpop === undefined ? {} : { dpop: await dpop(url) },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: 'urn:api', ...client }),
      })
      const { access_token: token } = (await response.json()) as { access_token?: string }
      if (token === undefined) throw new Error(`no token: ${response.status}`)
      return token
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** As oidc-provider hands a token over before it is signed. */
type Structured = { header?: Record<string, unknown> | undefined; payload: object }

type Parts = {
  readonly key: JWK
  readonly customize: (ctx: KoaContextWithOIDC, token: unknown, parts: Structured) => void
}

function providerOf(issuer: string, audience: string, { key, customize }: Parts): Provider {
  const server = { scope: 'read', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } } as const
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...key, kty: 'RSA' }] },
    adapter: () => nothingKept,
    ttl: { ClientCredentials: 600 },
    cookies: { keys: ['a-key-of-the-test'] },
    clients: [
      {
        ...client,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    formats: { customizers: { jwt: customize } },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: () => server },
    },
  })
  return provider
}

/** Signed tokens need no memory, and each is asked for once. */
const nothingKept: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
}

let keys = 0

async function signingKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: `key-${++keys}`, alg: 'RS256', use: 'sig' }
}
