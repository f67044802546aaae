import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { localStoreErrors } from '../src/errors.ts'

test('the README lists every error with its meaning', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `(LOCAL_STORE_\w+)` \| (.+) \|$/gm)].map(([, code, meaning]) => [
    code,
    meaning,
  ])
  expect(listed).toEqual(Object.entries(localStoreErrors))
})
