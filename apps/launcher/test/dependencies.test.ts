import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = dirname(dirname(dirname(import.meta.dirname)))

/** All dependencies in package.json files, without our own packages. */
function namedDependencies(): string[] {
  const folders = '{apps/*,packages/*,docs/site,examples/typed-client,test/mutation}'
  const files = ['package.json', ...globSync(`${folders}/package.json`, { cwd: root })]
  const names = files.flatMap((file) => {
    const manifest = JSON.parse(readFileSync(join(root, file), 'utf8'))
    const { dependencies, devDependencies, optionalDependencies } = manifest
    return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
  })
  return [...new Set(names)].filter((name) => !name.startsWith('@streampay/')).sort()
}

/** The names in the first column of the tables. */
function explainedDependencies(): string[] {
  const rows = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  const names = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  return [...new Set(names)].sort()
}

test('docs/dependencies.md explains every dependency, and no removed one', () => {
  expect(explainedDependencies()).toEqual(namedDependencies())
})
