import { scopes } from '@streampay/domain'
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { postToken } from './support/browser.ts'
import { openIssuer } from './support/issuer.ts'

const grant = { grant_type: 'urn:streampay:dev-token' }

test('gives curl a token for a username, with the permissions asked for', async () => {
  const identity = await openIssuer()
  const { status, body } = await postToken(identity, { ...grant, username: 'ada', scope: 'read:balances write:pay' })
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'write:pay read:balances' })
  expect(decodeJwt(body.access_token)).toMatchObject({
    sub: 'ada',
    name: 'Ada Lovelace',
    aud: 'streampay',
    scope: 'write:pay read:balances',
  })
})

test('gives every permission when none is named', async () => {
  const { body } = await postToken(await openIssuer(), { ...grant, username: 'somebody.new' })
  expect(decodeJwt(body.access_token)).toMatchObject({ sub: 'somebody.new', scope: scopes.join(' ') })
})

test.each([
  ['no username', {}, 'invalid_request', 'Type a name'],
  ['an identity of the system', { username: 'streampay:treasury' }, 'invalid_request', 'belong to the system'],
  [
    'a permission that does not exist',
    { username: 'ada', scope: 'write:everything' },
    'invalid_scope',
    'no such permission',
  ],
  ['another client', { username: 'ada', client_id: 'other' }, 'invalid_client', 'client authentication failed'],
])('refuses %s', async (_case, fields, error, description) => {
  const { status, body } = await postToken(await openIssuer(), { ...grant, ...fields })
  expect(status).toBeGreaterThanOrEqual(400)
  expect(body.error).toBe(error)
  expect(body.error_description).toContain(description)
})
