import { randomUUID } from 'node:crypto'
import { bodyText, json, type MockContext, type MockRequest, type MockResponse } from './mock-http.ts'

const hourSeconds = 3600
/** The parameters of the sign-in under way. */
let nonce = ''
let scope = ''

/** An issuer that signs Ada in without a question; its tokens are unsigned, since nothing here checks them. */
export async function answerIdentity(
  request: MockRequest,
  response: MockResponse,
  url: URL,
  { faults, refreshed }: MockContext,
) {
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
      scope = url.searchParams.get('scope') ?? ''
      const back = new URL(url.searchParams.get('redirect_uri') ?? '/')
      back.searchParams.set('code', 'code')
      back.searchParams.set('state', url.searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href }).end()
      return
    }
    case '/token': {
      const form = new URLSearchParams(await bodyText(request))
      const used = form.get('refresh_token')
      if (used !== null) {
        const isStolen = refreshed.includes(used) || faults.sessionOver === true
        refreshed.push(used)
        if (isStolen) return json(response, 400, { error: 'invalid_grant' })
      }
      const tokenSeconds = faults.tokenSeconds ?? hourSeconds
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
        access_token: `access-${randomUUID()}`,
        refresh_token: randomUUID(),
        id_token: `${encoded({ alg: 'none' })}.${encoded(claims)}.`,
        token_type: 'Bearer',
        expires_in: tokenSeconds,
        scope: faults.noConsole ? scope.replace('read:console', '') : scope,
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
