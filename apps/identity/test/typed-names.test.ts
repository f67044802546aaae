import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { openStore } from '../src/store.ts'
import { actionOf, authorizationRequest, openBrowser, postToken, signIn } from './support/browser.ts'
import { openIssuer, temporaryFolder, verify } from './support/issuer.ts'

test('opens an account for a typed name, and finds it again by its username', async () => {
  const identity = await openIssuer()
  const first = await signIn(identity, openBrowser(identity), { name: '  Žofie   Nováková ' })
  expect(decodeJwt(first.body.access_token)).toMatchObject({ sub: 'zofie-novakova', name: 'Žofie Nováková' })

  const second = await signIn(identity, openBrowser(identity), { name: 'zofie-novakova' })
  expect(decodeJwt(second.body.access_token)).toMatchObject({ sub: 'zofie-novakova', name: 'Žofie Nováková' })
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

test('a name cannot add markup to the page', async () => {
  const identity = await openIssuer()
  await signIn(identity, openBrowser(identity), { name: '<img src=x onerror="alert(1)">' })
  const page = await openBrowser(identity).open(authorizationRequest().url)
  expect(page.text).toContain('&#60;img')
  expect(page.text).not.toContain('<img')
})
