import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadSecrets } from '../src/secrets.ts'
import { openStore } from '../src/store.ts'
import { temporaryFolder } from './support/issuer.ts'

function openAt(times: { now: number }) {
  return openStore(join(temporaryFolder(), 'identity.sqlite'), () => times.now)
}

test('an entry is found until it expires, and not at that moment', async () => {
  const times = { now: 1_000_000 }
  const sessions = openAt(times).adapter('Session')
  await sessions.upsert('a', { uid: 'u', accountId: 'ada' }, 60)
  times.now += 59_999
  expect(await sessions.find('a')).toMatchObject({ accountId: 'ada' })
  expect(await sessions.findByUid('u')).toMatchObject({ accountId: 'ada' })
  times.now += 1
  expect(await sessions.find('a')).toBeUndefined()
})

test('models do not see each other', async () => {
  const store = openAt({ now: 0 })
  await store.adapter('Session').upsert('a', {}, 60)
  expect(await store.adapter('Grant').find('a')).toBeUndefined()
})

test('consuming marks an entry with the time in seconds', async () => {
  const codes = openAt({ now: 5_000 }).adapter('AuthorizationCode')
  await codes.upsert('a', { grantId: 'g' }, 60)
  await codes.consume('a')
  expect(await codes.find('a')).toMatchObject({ consumed: 5, grantId: 'g' })
})

test('a refresh token that was used stays unused for two minutes, from its first use on, and not longer', async () => {
  const times = { now: 5_000_400 }
  const tokens = openAt(times).adapter('RefreshToken')
  await tokens.upsert('a', { grantId: 'g' }, 3600)
  await tokens.consume('a')
  times.now = 5_119_999
  expect(await tokens.find('a')).not.toHaveProperty('consumed')
  await tokens.consume('a')
  times.now = 5_120_000
  expect(await tokens.find('a')).toMatchObject({ consumed: 5_000 })
})

test('revoking a grant removes its tokens and no others', async () => {
  const tokens = openAt({ now: 0 }).adapter('RefreshToken')
  await tokens.upsert('a', { grantId: 'g' }, 60)
  await tokens.upsert('b', { grantId: 'h' }, 60)
  await tokens.revokeByGrantId('g')
  expect(await tokens.find('a')).toBeUndefined()
  expect(await tokens.find('b')).toBeDefined()
})

test('people are listed newest first, and known by their latest name', () => {
  const times = { now: 1 }
  const store = openAt(times)
  for (const [id, name] of [
    ['a', 'A'],
    ['b', 'B'],
    ['a', 'Ann'],
  ] as const) {
    times.now += 1
    store.rememberPerson({ id, name })
  }
  expect(store.recentPeople(5)).toEqual([
    { id: 'a', name: 'Ann' },
    { id: 'b', name: 'B' },
  ])
  expect(store.recentPeople(1)).toHaveLength(1)
})

test('a second issuer is kept out of the same folder', () => {
  const path = join(temporaryFolder(), 'identity.sqlite')
  const first = openStore(path, () => 0)
  expect(() => openStore(path, () => 0)).toThrow(/locked/)
  first.close()
  openStore(path, () => 0).close()
})

test('keys are made once, are readable by their owner only, and damage is reported', async () => {
  const path = join(temporaryFolder(), 'keys.json')
  const made = await loadSecrets(path)
  expect(await loadSecrets(path)).toEqual(made)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  writeFileSync(path, '{"signingKey":{}}')
  await expect(loadSecrets(path)).rejects.toThrow(/remove the file/)
  writeFileSync(path, '{')
  await expect(loadSecrets(path)).rejects.toThrow(/damaged/)
})
