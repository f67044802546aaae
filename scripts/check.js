// `npm run check`: types, lint and format, import rules, dead code and the repository's own rules. All run even if one
// fails, so that one run shows everything. Plain JavaScript for Node 20: it sets up first.
import { spawn } from 'node:child_process'
import { buildUi, setUp, toolEnvironment } from './setup.js'

// Beside the dependencies: what the type checkers know of files that did not change, a sixth of the work.
const known = (name) => ['--incremental', '--tsBuildInfoFile', `node_modules/.cache/streampay/${name}.tsbuildinfo`]

const checks = [
  ['tidy', ['node', 'scripts/tidy.js']],
  ['lint and format', ['biome', 'ci', '--colors=off', '--error-on-warnings', '.']],
  ['types', ['tsc', '-p', 'tsconfig.json', ...known('types')]],
  ['types of the UI', ['vue-tsc', '-p', 'apps/ui/tsconfig.json', '--noEmit', ...known('types-of-ui')]],
  ['import rules', ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'packages', 'apps']],
  ['picture of the rooms', ['node', 'scripts/rooms.js', '--check']],
  ['links of the documents', ['node', 'scripts/links.js']],
  ['words of the exports', ['node', 'scripts/exports.js']],
  ['dead code', ['knip']],
]

await setUp()
// The types of the UI rest on what its build generates.
await buildUi()
const results = []
for (const [name, [command, ...args]] of checks) {
  const startedAt = performance.now()
  const { code, output } = await run(command, args)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  results.push(code)
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`)
  if (code !== 0) console.log(output)
}
process.exitCode = results.every((code) => code === 0) ? 0 : 1

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: toolEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
