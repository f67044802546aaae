/** Rules of the repository itself, on any machine that checks it out. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const root = dirname(dirname(dirname(import.meta.dirname)))

type Component = {
  readonly 'bom-ref': string
  readonly purl: string
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
}
type Bom = {
  readonly bomFormat: string
  readonly specVersion: string
  readonly serialNumber: string
  readonly metadata: { readonly component: Component & { readonly name: string } }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}
type Locked = {
  readonly version?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly name?: string
}

test('every text is checked out with line feeds, whatever git is told on that machine', () => {
  const attributes = execFileSync('git', ['check-attr', '-a', 'package.json', '.ci/run', 'docs/images/demo.webp'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const file of ['package.json', '.ci/run']) {
    expect(attributes).toContain(`${file}: text: auto`)
    expect(attributes).toContain(`${file}: eol: lf`)
  }
  expect(attributes).toContain('docs/images/demo.webp: binary: set')
})

test('an installation runs no script of any package', () => {
  expect(readFileSync(join(root, '.npmrc'), 'utf8').split('\n')).toContain('ignore-scripts=true')
  expect(readFileSync(join(root, 'scripts/setup.js'), 'utf8')).toContain("['ci', '--ignore-scripts',")
})

test('npm run sbom lists every package of the lock file, with its checksum, as CycloneDX', () => {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-sbom-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'sbom.json')
  const { status, stderr } = spawnSync('node', ['scripts/sbom.js', file], { cwd: root, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  const bom = JSON.parse(readFileSync(file, 'utf8')) as Bom
  expect([bom.bomFormat, bom.specVersion, bom.metadata.component.name]).toEqual(['CycloneDX', '1.5', 'streampay'])
  expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

  const refs = new Set([bom.metadata.component, ...bom.components].map((component) => component['bom-ref']))
  expect(refs.size).toBe(bom.components.length + 1)
  for (const { ref, dependsOn = [] } of bom.dependencies)
    for (const one of [ref, ...dependsOn]) expect(refs).toContain(one)
  for (const { purl } of bom.components) expect(purl).toMatch(/^pkg:npm\//)

  const hashes = new Set(bom.components.flatMap(({ hashes = [] }) => hashes.map(({ content }) => content)))
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }
  const missing = Object.entries(lock.packages).filter(([path, { version, integrity, link, name }]) => {
    if (path === '' || link === true) return false
    const known = name ?? path.replace(/^.*node_modules\//, '')
    if (integrity === undefined) return !bom.components.some(({ 'bom-ref': ref }) => ref === `${known}@${version}`)
    return !hashes.has(Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex'))
  })
  expect(missing.map(([path]) => path).filter((path) => path.startsWith('node_modules/'))).toEqual([])
}, 60_000)
