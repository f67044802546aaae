/** Each test file is run by exactly one of `npm test`, `npm run test:pages` and `npm run test:kafka`. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { ViteUserConfig } from 'vitest/config'
import { repositoryFiles } from '../../scripts/repository.js'
import ofTheRest from '../../vitest.config.ts'
import ofKafka from '../../vitest.kafka.config.ts'
import ofPages from '../../vitest.pages.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** `npm run test:packages` runs the examples, in projects of their own. */
const testFiles = repositoryFiles(root, '*.test.ts').filter((file) => !file.startsWith('examples/'))

type Project = { readonly include?: string[]; readonly exclude?: string[] }

/** The files that a configuration runs, once for each of its projects that runs it. */
function filesOf({ test }: ViteUserConfig): string[] {
  const projects = (test?.projects ?? [{ test }]) as readonly { readonly test: Project }[]
  return projects.flatMap(({ test: { include = [], exclude = [] } }) => globSync(include, { cwd: root, exclude }))
}

/** The module of each import, without those of types alone. */
const imports = /^(?:import|export)\s(?!type\s)[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm

/** Whether a file of tests imports the driver of the browser: by itself, or by what it imports of the folders of tests. */
function drivesBrowser(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file)) return false
  seen.add(file)
  const source = readFileSync(join(root, file), 'utf8')
  return [...source.matchAll(imports)].some(([, from, bare, dynamic]) => {
    const name = from ?? bare ?? dynamic ?? ''
    if (!name.startsWith('.')) return name === 'playwright-core'
    const path = join(dirname(file), name)
    return /(^|\/)test\/.*\.ts$/.test(path) && drivesBrowser(path, seen)
  })
}

it('runs each test file exactly once', () => {
  const run = [ofTheRest, ofPages, ofKafka].flatMap(filesOf)
  expect(run.sort()).toEqual(testFiles.sort())
})

it('has the tests that drive a browser in files that are called *.page.test.ts, and no others', () => {
  const pages = testFiles.filter((file) => file.endsWith('.page.test.ts')).sort()
  expect(testFiles.filter((file) => drivesBrowser(file)).sort()).toEqual(pages)
  expect(filesOf(ofPages).sort()).toEqual(pages)
})
