import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { actionOf, authorizationRequest, openBrowser, postToken, redeem, signIn } from './support/browser.ts'
import { issuer, openIssuer, origin, otherOrigin, verify } from './support/issuer.ts'

test('signs in by authorization code with PKCE, and the tokens say who and what for', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  const { url, verifier } = authorizationRequest({ nonce: 'n' })

  const page = await browser.open(url)
  expect(page.status).toBe(200)
  expect(page.text).toContain('Ada Lovelace')

  const done = await browser.submit(actionOf(page), { person: 'ada', console: 'on' })
  expect(done.location).toMatch(`${origin}/callback?code=`)
  expect(new URL(done.location).searchParams.get('state')).toBe('some-state')

  const { status, body } = await redeem(identity, done, verifier)
  expect(status).toBe(200)
  const { payload } = await verify(identity, body.access_token)
  expect(payload).toMatchObject({ sub: 'ada', name: 'Ada Lovelace', preferred_username: 'ada' })
  expect(payload.scope).toBe('write:pay read:balances read:console')
  expect(decodeJwt(body.id_token)).toMatchObject({ sub: 'ada', name: 'Ada Lovelace', nonce: 'n', aud: 'streampay-ui' })
  expect(body.refresh_token).toBeTypeOf('string')
})

test('discovery names endpoints below the issuer, at each address of it', async () => {
  const identity = await openIssuer()
  for (const path of ['/identity/.well-known/openid-configuration', '/.well-known/openid-configuration']) {
    const response = await fetch(`http://127.0.0.1:${identity.port}${path}`)
    expect(await response.json()).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/session/end`,
    })
  }
})

test('signs in at a second gateway, whose endpoints discovery then names; the issuer stays the same', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity, otherOrigin)
  const discovered = await browser.open('/identity/.well-known/openid-configuration')
  expect(JSON.parse(discovered.text)).toMatchObject({
    issuer,
    authorization_endpoint: `${otherOrigin}/identity/auth`,
    token_endpoint: `${otherOrigin}/identity/token`,
    end_session_endpoint: `${otherOrigin}/identity/session/end`,
  })
  const { url, verifier } = authorizationRequest({ redirect_uri: `${otherOrigin}/callback` })
  const page = await browser.open(url)
  const done = await browser.submit(actionOf(page), { person: 'ada', console: 'on' })
  expect(done.location).toMatch(`${otherOrigin}/callback?code=`)
  const { status, body } = await redeem(identity, done, verifier, otherOrigin)
  expect(status).toBe(200)
  expect((await verify(identity, body.access_token)).payload.sub).toBe('ada')
})

test('never accepts an address that only a client names', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity, 'https://evil.example')
  const discovered = await browser.open('/identity/.well-known/openid-configuration')
  expect(JSON.parse(discovered.text)).toMatchObject({ issuer, authorization_endpoint: `${issuer}/auth` })
})

test('leaves the console permission out when its switch is off, and remembers the choice', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  const first = await signIn(identity, browser, { person: 'ada' })
  expect(first.body.scope).toBe('write:pay read:balances')

  const { url, verifier } = authorizationRequest()
  const silent = await redeem(identity, await browser.open(url), verifier)
  expect(silent.body.scope).toBe('write:pay read:balances')
})

test('signs in a browser with a session without a page, as the same person', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  await signIn(identity, browser, { person: 'grace', console: 'on' })
  const { url, verifier } = authorizationRequest({ prompt: 'none' })
  const { body } = await redeem(identity, await browser.open(url), verifier)
  expect(decodeJwt(body.access_token)).toMatchObject({ sub: 'grace', scope: 'write:pay read:balances read:console' })
})

test('asks again with prompt=login, and then signs in another person', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  await signIn(identity, browser, { person: 'grace' })
  const { url, verifier } = authorizationRequest({ prompt: 'login' })
  const done = await browser.submit(actionOf(await browser.open(url)), { person: 'alan' })
  const { body } = await redeem(identity, done, verifier)
  expect(decodeJwt(body.access_token).sub).toBe('alan')
})

test('goes back to the application with access_denied when the sign-in is cancelled', async () => {
  const browser = openBrowser(await openIssuer())
  const page = await browser.open(authorizationRequest().url)
  const { location } = await browser.submit(actionOf(page), { cancel: 'yes' })
  expect(new URL(location).searchParams.get('error')).toBe('access_denied')
})

test('refuses a form larger than any of ours', async () => {
  const browser = openBrowser(await openIssuer())
  const page = await browser.open(authorizationRequest().url)
  expect((await browser.submit(actionOf(page), { name: 'x'.repeat(5000) })).status).toBe(413)
})

test('a sign-in can be finished only by the browser that began it', async () => {
  const browser = openBrowser(await openIssuer())
  const action = actionOf(await browser.open(authorizationRequest().url))
  browser.forgetCookies()
  const page = await browser.submit(action, { person: 'ada' })
  expect(page.status).toBe(400)
  expect(page.text).toContain('started elsewhere')
})

test.each([
  ['an address that is not its own', { redirect_uri: 'https://evil.example/callback' }, 'redirect_uri'],
  ['another client', { client_id: 'somebody' }, 'client'],
])('shows its own error page for %s, and never redirects there', async (_case, parameters, detail) => {
  const browser = openBrowser(await openIssuer())
  const page = await browser.open(authorizationRequest(parameters).url)
  expect(page.status).toBe(400)
  expect(page.location).toBe('')
  expect(page.text).toContain('That didn’t work')
  expect(page.text).toContain(detail)
})

test('refuses an authorization request without PKCE', async () => {
  const browser = openBrowser(await openIssuer())
  const { url } = authorizationRequest()
  const bare = new URL(url)
  bare.searchParams.delete('code_challenge')
  bare.searchParams.delete('code_challenge_method')
  const { location } = await browser.open(bare.href)
  expect(new URL(location).searchParams.get('error')).toBe('invalid_request')
})

test('signing out ends session and refresh token, and goes back to the application', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  const { body } = await signIn(identity, browser, { person: 'ada' })
  const query = new URLSearchParams({
    id_token_hint: body.id_token,
    post_logout_redirect_uri: `${origin}/`,
    state: 's',
  })
  const page = await browser.open(`${issuer}/session/end?${query}`)
  expect(page.text).toContain('Sign out of StreamPay?')
  const script = /<script>(.+)<\/script>/.exec(page.text)?.[1]
  expect(script).toContain('.click()')
  expect(page.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[\w+/]+=*'/)

  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const done = await browser.submit(actionOf(page), { xsrf, logout: 'yes' })
  expect(done.location).toBe(`${origin}/?state=s`)

  const refused = await postToken(identity, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
  expect(refused.body.error).toBe('invalid_grant')
  expect((await browser.open(authorizationRequest().url)).text).toContain('Sign in to StreamPay')
})

test('asks before signing out when no application proves that it was asked to', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  await signIn(identity, browser, { person: 'ada' })
  const page = await browser.open(`${issuer}/session/end`)
  expect(page.text).toContain('signed in as ada')
  expect(page.text).not.toContain('<script')
})

test('its pages load nothing from elsewhere and cannot be framed', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  const page = await browser.open(authorizationRequest().url)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//)
  const style = /rel="stylesheet" href="([^"]+)"/.exec(page.text)?.[1] ?? ''
  expect((await browser.open(style)).headers.get('content-type')).toContain('text/css')
})
