// `npm run build`: the packages as they would be published, each a folder below dist/packages that `npm pack` takes: JavaScript and
// declarations in dist/, and a package.json whose exports lead there. In the repository the sources run as they are.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { root, runScript, setUp, toolEnvironment } from './setup.js'

const compiled = join(root, 'dist/compiled')
const target = join(root, 'dist/packages')
/** The first whose zlib has Zstandard. */
const engines = { node: '>=22.15' }
/** By package: what `npx` runs. */
const programs = { '@streampay/broker': 'dist/cli.js' }

await runScript(async () => {
  await setUp()
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  execFileSync('tsc', ['-p', 'tsconfig.packages.json'], { cwd: root, env: toolEnvironment(), stdio: 'inherit' })
  for (const name of readdirSync(join(root, 'packages'))) assemble(name)
  rmSync(compiled, { recursive: true })
  return 0
})

function assemble(name) {
  const source = join(root, 'packages', name)
  const folder = join(target, name)
  mkdirSync(folder, { recursive: true })
  cpSync(join(compiled, name, 'src'), join(folder, 'dist'), { recursive: true })
  // What is not compiled: styles and scripts of pages. One must not have the name of a compiled file, which it would replace.
  for (const file of globSync('**/*.{css,js}', { cwd: join(source, 'src') })) {
    cpSync(join(source, 'src', file), join(folder, 'dist', file), { force: false, errorOnExist: true })
  }
  for (const file of ['README.md', 'DESIGN.md'])
    if (existsSync(join(source, file))) cpSync(join(source, file), join(folder, file))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const manifest = publishedManifest(JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const program = programs[manifest.name]
  if (program !== undefined) makeRunnable(join(folder, program))
  console.log(`built: dist/packages/${name}`)
}

function publishedManifest({ private: _private, devDependencies: _developed, exports, ...manifest }) {
  const program = programs[manifest.name]
  return {
    ...manifest,
    ...(program === undefined ? {} : { bin: program }),
    exports: Object.fromEntries(
      Object.entries(exports).map(([path, file]) => {
        const base = file.replace('./src/', './dist/').replace(/\.ts$/, '')
        return [path, { types: `${base}.d.ts`, default: `${base}.js` }]
      }),
    ),
    files: ['dist', 'DESIGN.md'],
    engines,
    publishConfig: { access: 'public', provenance: true },
  }
}

function makeRunnable(file) {
  writeFileSync(file, `#!/usr/bin/env node\n${readFileSync(file, 'utf8')}`)
  chmodSync(file, 0o755)
}
