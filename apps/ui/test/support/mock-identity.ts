import { json, type MockRequest, type MockResponse } from './mock-http.ts'

const tokenSeconds = 3600
let nonce = ''

/** An issuer that signs Ada in without a word; its tokens are unsigned, since nothing here checks them. */
export function answerIdentity(_request: MockRequest, response: MockResponse, url: URL) {
  const issuer = `${url.origin}/identity`
  switch (url.pathname.slice('/identity'.length)) {
    case '/.well-known/openid-configuration':
      return json(response, 200, {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        end_session_endpoint: `${issuer}/end`,
        jwks_uri: `${issuer}/jwks`,
      })
    case '/auth': {
      nonce = url.searchParams.get('nonce') ?? ''
      const back = new URL(url.searchParams.get('redirect_uri') ?? '/')
      back.searchParams.set('code', 'code')
      back.searchParams.set('state', url.searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href }).end()
      return
    }
    case '/token': {
      const issuedAt = Math.floor(Date.now() / 1000)
      const claims = {
        iss: issuer,
        aud: 'streampay-ui',
        sub: 'ada',
        name: 'Ada Lovelace',
        preferred_username: 'ada',
        iat: issuedAt,
        exp: issuedAt + tokenSeconds,
        nonce,
      }
      return json(response, 200, {
        access_token: `access-${issuedAt}`,
        refresh_token: 'refresh',
        id_token: `${encoded({ alg: 'none' })}.${encoded(claims)}.`,
        token_type: 'Bearer',
        expires_in: tokenSeconds,
        scope:
          'openid profile offline_access write:pay write:request write:users read:activities read:payment-requests read:balances read:total-transactions read:average-transactions read:users read:console',
      })
    }
    case '/end':
      response.writeHead(302, { location: '/' }).end()
      return
    default:
      return json(response, 404, {})
  }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
