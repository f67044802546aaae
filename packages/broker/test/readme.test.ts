import { readFileSync } from 'node:fs'
import { apiByKey } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { handlers } from '../src/apis/handlers.ts'
import { settings } from '../src/server/config-from-env.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the README lists what is served, no more and no less', () => {
  const listed = readme.split('\n').filter((line) => /^\| \d+ \|/.test(line))
  const served = handlers
    .toSorted((left, right) => left.key - right.key)
    .map(({ key, minVersion, maxVersion }) => `| ${key} | ${apiByKey(key)?.name} | ${minVersion}–${maxVersion} |`)
  expect(listed).toEqual(served)
})

test('the README lists every setting with its default', () => {
  const listed = [...readme.matchAll(/^\| `(BROKER_\w+)` \| (\S+) \|/gm)].map(([, variable, fallback]) => {
    return `${variable} ${fallback}`
  })
  expect(listed).toEqual(settings().map(({ variable, fallback }) => `${variable} ${fallback}`))
})

test('the test at the top of the README is one that runs', () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const run = readFileSync(new URL('readme-example.test.ts', import.meta.url), 'utf8')
  expect(example).toBe(run.replace('../src/vitest.ts', '@streampay/broker/vitest'))
})
