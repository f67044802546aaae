import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { streamsErrors } from '../src/errors.ts'

it('the README lists every error with its meaning, and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| (STREAMS_\w+) \| (.+) \|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(rows).toEqual(Object.entries(streamsErrors))
})
