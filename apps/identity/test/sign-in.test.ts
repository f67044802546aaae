import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import type { RunningIdentity } from '../src/index.ts'
import { openStore } from '../src/store.ts'
import { actionOf, authorizationRequest, type Browser, openBrowser, postToken, redeem } from './support/browser.ts'
import { issuer, openIssuer, origin, otherOrigin, temporaryFolder } from './support/issuer.ts'

async function signIn(identity: RunningIdentity, browser: Browser, fields: Record<string, string>) {
  const { url, verifier } = authorizationRequest()
  const page = await browser.open(url)
  const done = await browser.submit(actionOf(page), fields)
  return redeem(identity, done, verifier)
}

function verify(identity: RunningIdentity, token: string) {
  const keys = createRemoteJWKSet(new URL(`http://127.0.0.1:${identity.port}/jwks`))
  return jwtVerify(token, keys, { issuer, audience: 'streampay' })
}

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

test('opens an account for a typed name, and finds it again by its username', async () => {
  const identity = await openIssuer()
  const first = await signIn(identity, openBrowser(identity), { name: '  Žofie   Nováková ' })
  expect(decodeJwt(first.body.access_token)).toMatchObject({ sub: 'zofie-novakova', name: 'Žofie Nováková' })

  const second = await signIn(identity, openBrowser(identity), { name: 'zofie-novakova' })
  expect(decodeJwt(second.body.access_token)).toMatchObject({ sub: 'zofie-novakova', name: 'Žofie Nováková' })
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

test.each([
  ['nothing', '', 'Type a name'],
  ['the treasury', 'streampay:treasury', 'belong to the system'],
  ['a reserved prefix in other letters', ' ＳtreamPay:x', 'belong to the system'],
  ['a reserved prefix in letters that look the same', 'ѕtrеаmрау:x', 'belong to the system'],
  ['signs only', '?!', 'at least one letter'],
  ['control characters', 'a\u0000b', 'control characters'],
  ['61 characters', 'a'.repeat(61), 'at most 60'],
])('refuses %s as a name, says why, and keeps what was typed', async (_case, name, reason) => {
  const browser = openBrowser(await openIssuer())
  const page = await browser.open(authorizationRequest().url)
  const refused = await browser.submit(actionOf(page), { name })
  expect(refused.status).toBe(422)
  expect(refused.text).toContain(reason)
  expect(refused.text).toContain('aria-invalid="true"')
  expect((await browser.submit(actionOf(refused), { name: 'a'.repeat(60) })).location).toContain('code=')
})

// "Ada Lovelace", typed, opened the account ada-lovelace beside the one that is listed under her name.
test.each(['Ada Lovelace', ' ada  LOVELACE ', 'Ada Lovelacé', 'ada', 'ada-lovelace'])(
  '“%s” is the one Ada Lovelace, typed or picked or asked for by curl',
  async (name) => {
    const identity = await openIssuer()
    const { body } = await signIn(identity, openBrowser(identity), { name })
    expect((await verify(identity, body.access_token)).payload).toMatchObject({ sub: 'ada', name: 'Ada Lovelace' })
    const grant = { grant_type: 'urn:streampay:dev-token', username: name }
    const token = await postToken(identity, grant)
    expect((await verify(identity, token.body.access_token)).payload.sub).toBe('ada')
    const page = await openBrowser(identity).open(authorizationRequest().url)
    expect(page.text.match(/>Ada Lovelace</g)).toHaveLength(1)
  },
)

test('an account that an earlier version opened under a second id is still found by its button', async () => {
  const dataDir = temporaryFolder()
  const store = openStore(join(dataDir, 'identity.sqlite'), Date.now)
  store.rememberPerson({ id: 'ada-lovelace', name: 'Ada Lovelace' })
  store.close()
  const identity = await openIssuer(dataDir)
  const { body } = await signIn(identity, openBrowser(identity), { person: 'ada-lovelace' })
  expect((await verify(identity, body.access_token)).payload.sub).toBe('ada-lovelace')
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

test('a code is valid for its verifier only, and only once; its second use revokes the tokens that it gave', async () => {
  const identity = await openIssuer()
  const browser = openBrowser(identity)
  const { url, verifier } = authorizationRequest()
  const done = await browser.submit(actionOf(await browser.open(url)), { person: 'ada' })

  expect((await redeem(identity, done, 'x'.repeat(43))).body.error).toBe('invalid_grant')
  const { body } = await redeem(identity, done, verifier)
  expect((await redeem(identity, done, verifier)).body.error).toBe('invalid_grant')
  const refused = await postToken(identity, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
  expect(refused.body.error).toBe('invalid_grant')
})

test('sessions, refresh tokens and keys survive a restart', async () => {
  const dataDir = temporaryFolder()
  const before = await openIssuer(dataDir)
  const browser = openBrowser(before)
  const { body } = await signIn(before, browser, { name: 'Mary Jackson', console: 'on' })
  await before.close()

  const after = await openIssuer(dataDir)
  const refreshed = await postToken(after, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
  expect(refreshed.status).toBe(200)
  expect((await verify(after, refreshed.body.access_token)).payload).toMatchObject({
    sub: 'mary-jackson',
    name: 'Mary Jackson',
    scope: 'write:pay read:balances read:console',
  })
  expect((await verify(after, body.access_token)).payload.sub).toBe('mary-jackson')
})

// The second use signed out both tabs after one was duplicated, and every person whose answer was lost on the way.
test('a refresh token is replaced by each use, and taken again for two minutes: an answer may be lost, a tab duplicated', async () => {
  const times = { now: Date.now() }
  const identity = await openIssuer(temporaryFolder(), () => times.now)
  const { body } = await signIn(identity, openBrowser(identity), { person: 'ada' })
  const refresh = (token: string) => postToken(identity, { grant_type: 'refresh_token', refresh_token: token })
  const first = await refresh(body.refresh_token)
  times.now += 110_000
  const again = await refresh(body.refresh_token)
  expect(again.status).toBe(200)
  const tokens = [body, first.body, again.body].map(({ refresh_token }) => refresh_token)
  expect(new Set(tokens).size).toBe(3)
  // Each tab continues with its own token.
  expect((await refresh(first.body.refresh_token)).status).toBe(200)
  expect((await refresh(again.body.refresh_token)).status).toBe(200)
})

test('the use of a refresh token two minutes after its first use ends the grant, whatever was used in between', async () => {
  const times = { now: Date.now() }
  const identity = await openIssuer(temporaryFolder(), () => times.now)
  const { body } = await signIn(identity, openBrowser(identity), { person: 'ada' })
  const refresh = (token: string) => postToken(identity, { grant_type: 'refresh_token', refresh_token: token })
  const next = await refresh(body.refresh_token)
  times.now += 100_000
  expect((await refresh(body.refresh_token)).status).toBe(200)
  times.now += 20_000
  expect((await refresh(body.refresh_token)).body.error).toBe('invalid_grant')
  expect((await refresh(next.body.refresh_token)).body.error).toBe('invalid_grant')
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

test('a name cannot add markup to the page', async () => {
  const identity = await openIssuer()
  await signIn(identity, openBrowser(identity), { name: '<img src=x onerror="alert(1)">' })
  const page = await openBrowser(identity).open(authorizationRequest().url)
  expect(page.text).toContain('&#60;img')
  expect(page.text).not.toContain('<img')
})
