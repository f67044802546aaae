import { expect, test } from 'vitest'
import { actionOf, authorizationRequest, openBrowser, postToken, redeem, signIn } from './support/browser.ts'
import { openIssuer, temporaryFolder, verify } from './support/issuer.ts'

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
