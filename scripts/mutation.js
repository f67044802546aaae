// `npm run mutation -- <files or folders>`: changes these sources, one fault at a time, and tells which faults no test of their package
// notices. What only that needs is installed into test/mutation at the first call, by its own lock file.
import { existsSync, globSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { root, runNode, runScript, SetupError, setUp, setUpFolder } from './setup.js'

const folder = join(root, 'test/mutation')
const stryker = join(folder, 'node_modules/@stryker-mutator/core/bin/stryker.js')
const usage = `Usage: npm run mutation -- <files or folders> [--tests <glob>]...

  <files or folders>  sources below packages/*/src, apps/*/src or scripts, all of one package:
                      packages/kafka/src/partitioner.ts, packages/kafka/src/wire;
                      with lines, only these: packages/kafka/src/retry.ts:20-60
  --tests <glob>      the tests that judge, instead of all of that package: packages/kafka/test/wire-*.test.ts

Prints the faults that no test notices, and the score by file; the whole report is in test/mutation/reports/mutation.json.
docs/mutation.md says how to read it.`

await runScript(async () => {
  const { values, positionals } = readArguments()
  if (values.help) {
    console.log(usage)
    return 0
  }
  if (positionals.length === 0) throw new SetupError(usage)
  const files = positionals.flatMap(sourcesOf)
  const tests = values.tests ?? [testsOf(files)]
  await setUp()
  await setUpFolder(folder)
  process.chdir(root)
  process.env.MUTATION_TESTS = JSON.stringify(tests)
  return runNode([stryker, 'run', 'test/mutation/stryker.config.js', '--mutate', files.join(',')])
})

function readArguments() {
  try {
    return parseArgs({
      options: { tests: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new SetupError(`${error.message}\n\n${usage}`, { cause: error })
  }
}

/** The files that an argument stands for, from the root; lines (`:20-60`) stay with the file. */
function sourcesOf(argument) {
  const [, path, lines = ''] = /^(.*?)(:\d+-\d+)?$/.exec(argument)
  const place = resolve(root, path)
  if (!existsSync(place)) throw new SetupError(`There is no ${path}.\n\n${usage}`)
  const file = relative(root, place).split(sep).join('/')
  if (!/^((packages|apps)\/[^/]+\/src|scripts)(\/|$)/.test(file))
    throw new SetupError(`${file} is no source.\n\n${usage}`)
  if (!statSync(place).isDirectory()) return [`${file}${lines}`]
  return globSync(`${file}/**/*.{ts,js}`, { cwd: root }).filter((name) => !name.endsWith('.d.ts'))
}

function testsOf(files) {
  const owners = new Set(files.map((file) => /^(?:(?:packages|apps)\/[^/]+|scripts)/.exec(file)[0]))
  if (owners.size > 1)
    throw new SetupError(`These are of more than one package: ${[...owners].join(', ')}.\n\n${usage}`)
  const [owner] = owners
  return owner === 'scripts' ? 'test/scripts/**/*.test.ts' : `${owner}/test/**/*.test.ts`
}
