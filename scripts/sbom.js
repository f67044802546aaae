// `npm run sbom [-- <file>]`: writes the software bill of materials, every package of package-lock.json with its version,
// license and checksum, as CycloneDX 1.5 in JSON (default: sbom.cdx.json). The list is npm's own. Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root, runScript, SetupError } from './setup.js'

const maxBytes = 64 * 1024 * 1024

await runScript(async () => {
  const file = resolve(process.argv[2] ?? 'sbom.cdx.json')
  // With peers, npm refuses for a range of one that isn't met; without, it leaves out what only peers need: see below.
  const args = [
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'application',
    '--package-lock-only',
    '--legacy-peer-deps',
  ]
  const npmScript = process.env.npm_execpath
  const isNpm = npmScript?.endsWith('npm-cli.js')
  const [command, first] = isNpm ? [process.execPath, [npmScript]] : ['npm', []]
  const shell = !isNpm && process.platform === 'win32'
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: maxBytes,
    shell,
  })
  if (status !== 0) throw new SetupError(`npm can't make the list: ${error?.message ?? stderr}`)
  const bom = JSON.parse(stdout)
  // npm calls it as the folder is called.
  bom.metadata.component.name = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name
  bom.components.push(...leftOut(bom, JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))))
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`)
  console.log(`${file}: ${bom.components.length} packages`)
  return 0
})

/** The packages of the lock file that are not among the components, in the form of the others. */
function leftOut(bom, lock) {
  const listed = new Set(bom.components.map((component) => component['bom-ref']))
  const missing = new Map()
  for (const [path, { version, integrity, license }] of Object.entries(lock.packages)) {
    const name = path.replace(/^.*node_modules\//, '')
    const ref = `${name}@${version}`
    if (integrity === undefined || listed.has(ref)) continue
    const [, group, own] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [undefined, undefined, name]
    missing.set(ref, {
      'bom-ref': ref,
      type: 'library',
      ...(group === undefined ? {} : { group }),
      name: own,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex') }],
      ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    })
  }
  return missing.values()
}
