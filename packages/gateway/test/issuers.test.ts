import { expect, test } from 'vitest'
import type { ScopeRules } from '../src/guard/token-claims.ts'
import { refusalOf, setUp } from './support/guarded.ts'
import { type Shape, type ShapedProvider, shapes } from './support/provider.ts'

/** One after the other: the provider forms one token at a time. */
async function tokensOf(provider: ShapedProvider, subjects: readonly string[]): Promise<string[]> {
  const tokens: string[] = []
  for (const subject of subjects) tokens.push(await provider.token(subject, ['read']))
  return tokens
}

test.each(Object.entries(shapes))('takes the tokens of %s with their permissions', async (_name, shape: Shape) => {
  const { provider, guard } = await setUp(shape)
  const token = await provider.token('ada', ['read:balance', 'write:pay'])
  const identity = await guard.identify(`Bearer ${token}`)
  expect(identity.subject).toBe(shape.claims('ada', []).sub)
  expect([...identity.scopes]).toEqual(expect.arrayContaining(['read:balance', 'write:pay']))
})

test.each(Object.entries(shapes))('notices that %s has rotated its key', async (_name, shape: Shape) => {
  const { provider, guard, time } = await setUp(shape)
  await guard.identify(`Bearer ${await provider.token('ada', ['read'])}`)
  const old = await provider.token('bob', ['read'])
  await provider.rotate()
  const fresh = await provider.token('eve', ['read'])
  expect(await refusalOf(guard.identify(`Bearer ${fresh}`))).toBe('The issuer has no key with the key id of the token.')
  time.ms += 10_000
  expect((await guard.identify(`Bearer ${fresh}`)).subject).toBe(shape.claims('eve', []).sub)
  expect(await refusalOf(guard.identify(`Bearer ${old}`))).toBe('The issuer has no key with the key id of the token.')
})

test('continues with known keys for a day while the issuer is away, warns, and tells their age', async () => {
  const { provider, guard, time, warnings, keys } = await setUp(shapes.keycloak)
  const tokens = await tokensOf(provider, ['ada', 'bob', 'cyd', 'dan', 'eve'])
  const identify = async () => (await guard.identify(`Bearer ${tokens.pop()}`)).subject
  expect(keys.ageMs()).toBeUndefined()
  await identify()
  provider.goAway(true)
  time.ms = 599_999
  await identify()
  expect(warnings).toEqual([])
  time.ms = 600_000
  await identify()
  // The issuer is asked beside.
  await expect.poll(() => warnings).toEqual([expect.objectContaining({ issuer: provider.issuer, ageMs: 600_000 })])
  time.ms = 24 * 3_600_000 - 1
  await identify()
  expect(keys.ageMs()).toBe(24 * 3_600_000 - 1)
  time.ms += 1
  await expect(guard.identify(`Bearer ${tokens[0]}`)).rejects.toMatchObject({ slug: 'try-again', status: 503 })
  provider.goAway(false)
  await identify()
  expect(keys.ageMs()).toBe(0)
})

test('asks an issuer that is away no more often than once in the cool-down', async () => {
  const { provider, guard, time, keys, warnings } = await setUp(shapes.keycloak)
  const tokens = await tokensOf(provider, ['ada', 'bob', 'cyd', 'dan'])
  await guard.identify(`Bearer ${tokens[0]}`)
  provider.goAway(true)
  time.ms = 600_000
  await guard.identify(`Bearer ${tokens[1]}`)
  await expect.poll(() => warnings).toHaveLength(1)
  provider.goAway(false)
  const before = provider.asked()
  time.ms += 9_999
  await guard.identify(`Bearer ${tokens[2]}`)
  // One request, of the test's own, behind any that the guard would have begun.
  await provider.token('eve', ['read'])
  expect([provider.asked() - before, keys.ageMs()]).toEqual([1, 609_999])
  time.ms += 1
  await guard.identify(`Bearer ${tokens[3]}`)
  await expect.poll(() => keys.ageMs()).toBe(0)
})

test.each([
  [
    'of Auth0',
    shapes.auth0,
    'https://streampay.example/groups',
    ['ops'],
    { claim: 'https://streampay.example/groups', value: 'ops' },
  ],
  ['of Okta', shapes.okta, 'groups', ['Everyone', 'ops'], { claim: 'groups', value: 'ops' }],
  ['of Entra ID', shapes.entra, 'roles', ['Payments.Operator'], { claim: 'roles', value: 'Payments.Operator' }],
  ['of Keycloak', shapes.keycloak, 'realm_access', { roles: ['ops'] }, { claim: 'realm_access.roles', value: 'ops' }],
  ['in a scope', shapes.keycloak, 'scope', 'openid ops', { claim: 'scope', value: 'ops' }],
])('gives a permission by the rule alone: a claim %s', async (_what, shape: Shape, name, value, rule) => {
  const claims = { [name]: value }
  const asked = ['read', 'read:console']
  const scopesBy = async (rules: ScopeRules, changes: Record<string, unknown>) => {
    const { provider, guard } = await setUp(shape, { rules })
    const token = await provider.token('ada', asked, { claims: changes })
    return (await guard.identify(`Bearer ${token}`)).scopes.has('read:console')
  }
  const bare = { roles: undefined, realm_access: undefined }
  expect(await scopesBy(new Map([['read:console', rule]]), claims)).toBe(true)
  expect(await scopesBy(new Map([['read:console', rule]]), bare)).toBe(false)
  expect(await scopesBy(new Map([['read:console', null]]), claims)).toBe(false)
})
