import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { paymentsErrors } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('the README shows the table of errors', () => {
  const rows = readme
    .split('\n')
    .flatMap((line) => /^\| `([A-Z_]+)` \| (yes|no) \| (.*) \|$/.exec(line)?.slice(1) ?? [])
  const table = Object.entries(paymentsErrors).flatMap(([code, { retriable, meaning }]) => [
    code,
    retriable ? 'yes' : 'no',
    meaning,
  ])
  expect(rows).toEqual(table)
})

it('the README names every setting that is read', () => {
  for (const file of ['config.ts', 'ensure-topics.ts', 'main.ts']) {
    const source = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    for (const [, name] of source.matchAll(/(?:env\.|env, ')([A-Z_]+)/g)) expect(readme).toContain(`\`${name}\``)
  }
})
