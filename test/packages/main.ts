/**
 * `npm run test:packages`: the packages as other developers get them. They are built and packed, and checked by publint and "are the types
 * wrong". Empty projects outside of the repository, one of npm and one of pnpm, install the packed files. There the examples run on each
 * Node version that the packages support, and their types are checked with TypeScript's strictest settings, declarations included. The
 * examples in Python and Go read a log that this program writes, if there is a Python with confluent-kafka (`.ci/install-peers`), and a Go.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { hasGo, printedBy, pythonBelow, run, runBeside, withLedger } from './run-example.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const built = join(root, 'dist/packages')
const examples = join(root, 'examples')
const tools = join(root, 'node_modules/.bin')

/** Used only here, and large: they are not among the dependencies, which every developer installs. */
const typesTool = '@arethetypeswrong/cli@0.18.5'
const pnpm = 'pnpm@12.21.0'
/** What the examples use beside the packages, in the versions of the repository. */
const besides = ['@types/node', 'jose', 'pino', 'selfsigned', 'typebox', 'vitest']
/** In addition to the one that runs this program. */
const olderNodes = ['22', '24']

const quietly = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']

/** Packed, in kB: a little more than today, so that the test notices when a package grows. */
const mostKilobytes: Readonly<Record<string, number>> = {
  broker: 190,
  gateway: 205,
  json: 10,
  kafka: 165,
  'local-store': 28,
  process: 20,
  streams: 110,
}

/** The output of each example. */
const prints: Readonly<Record<string, string>> = {
  'produce-and-consume.ts': 'written at 0, 1\nada: Hello\nada: and goodbye',
  'transaction.ts': 'credits 10, credits 20, debits 10, debits 20',
  'word-count.ts': 'be: 4, not: 1, or: 1, to: 3',
  'tests-with-a-broker.test.ts': '4 passed (4)',
  'gateway-page.ts': 'ada: hello',
  'read-from-python.py': 'ada pays grace 12.50 $ tea\n1 payments, 12.50 $ in all',
  'read-from-go': 'ada pays grace 12.50 $ tea\n1 payments, 12.50 $ in all',
}

// What is compiled in a folder that is removed is never used again.
delete process.env.NODE_COMPILE_CACHE

const work = mkdtempSync(join(tmpdir(), 'streampay-packages-'))
try {
  run(process.execPath, [join(root, 'scripts/build.js')], root)
  const packed = join(work, 'packed')
  mkdirSync(packed)
  const attw = join(install('types-tool', typesTool), 'node_modules/.bin/attw')
  const files: string[] = []
  for (const name of readdirSync(built).sort()) files.push(await pack(name, { packed, attw }))
  const nodes = [process.execPath, ...olderNodes.map(installNode)]

  const ofNpm = emptyProject('npm')
  run('npm', ['install', ...quietly, ...files], ofNpm)
  checkTypes(ofNpm)
  for (const node of nodes) {
    checkProgram(ofNpm, node)
    await runExamples(ofNpm, node)
  }
  await runOtherLanguages(ofNpm)

  // Outside, Node finds only the packages that a package names as its dependencies.
  const ofPnpm = emptyProject('pnpm', files)
  run('npx', ['--yes', pnpm, 'install', '--ignore-scripts', '--silent'], ofPnpm)
  await runExamples(ofPnpm, process.execPath)
} finally {
  rmSync(work, { recursive: true })
}

/** The file of a package that would be published. */
async function pack(name: string, { packed, attw }: { packed: string; attw: string }): Promise<string> {
  const folder = join(built, name)
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: false })
  check(messages.length === 0, `publint finds nothing wrong with ${name}: ${JSON.stringify(messages)}`)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string }
  run('npm', ['pack', '--silent', '--pack-destination', packed, folder], work)
  const file = join(packed, `streampay-${name}-${version}.tgz`)
  run(attw, [file, '--profile', 'esm-only', '--format', 'ascii'], work)
  const kilobytes = statSync(file).size / 1000
  check(kilobytes <= (mostKilobytes[name] ?? 0), `${name} is packed in ${kilobytes.toFixed(0)} kB`)
  return file
}

/** From npm, whose packages of Node have nothing but the program. */
function installNode(version: string): string {
  const name = `node-${process.platform}-${process.arch}`
  return join(install(`node-${version}`, `${name}@${version}`), 'node_modules', name, 'bin/node')
}

/** Installs a package into a folder of its own. */
function install(name: string, wanted: string): string {
  const folder = join(work, name)
  mkdirSync(folder)
  run('npm', ['install', ...quietly, '--prefix', folder, wanted], folder)
  return folder
}

function emptyProject(name: string, files: readonly string[] = []): string {
  const folder = join(work, name)
  // That one has packages of its own (`npm run test:client`).
  cpSync(examples, folder, { recursive: true, filter: (path) => basename(path) !== 'typed-client' })
  const places = files.map((file) => [`@streampay/${/^streampay-(.*)-\d/.exec(basename(file))?.[1]}`, `file:${file}`])
  const overrides = Object.fromEntries(places) as Record<string, string>
  const dependencies = { ...overrides, ...Object.fromEntries(besides.map((each) => [each, versionOf(each)])) }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module', dependencies }))
  // Packages that they depend on are not published.
  writeFileSync(join(folder, 'pnpm-workspace.yaml'), JSON.stringify({ overrides }))
  return folder
}

function checkTypes(project: string): void {
  const compilerOptions = {
    target: 'esnext',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  run(join(tools, 'tsc'), ['-p', '.'], project)
  check(true, 'the types of the examples and of the packages are right')
}

async function runExamples(project: string, node: string): Promise<void> {
  const version = run(node, ['--version'], project).trim()
  for (const file of readdirSync(examples).filter((name) => name.endsWith('.ts'))) {
    checkPrinted(`${basename(project)}, Node ${version}`, file, await printedBy(file, { project, node }))
  }
}

/** What `npx` would run. */
function checkProgram(project: string, node: string): void {
  const printed = run(node, [join(project, 'node_modules/.bin/broker'), '--version'], project).trim()
  check(/^\d+\.\d+\.\d+$/.test(printed), `the program of the broker says its version, ${printed}`)
}

async function runOtherLanguages(project: string): Promise<void> {
  const python = pythonBelow(root)
  await withLedger(async (brokers) => {
    const env = { ...process.env, KAFKA_BROKERS: brokers }
    const script = 'read-from-python.py'
    if (python === undefined) console.log(`--  ${script} is not run: .ci/install-peers makes its Python`)
    else checkPrinted('Python', script, await runBeside(python, [script], project, env))
    const folder = 'read-from-go'
    if (!hasGo()) console.log(`--  ${folder} is not run: there is no Go 1.26 here`)
    else checkPrinted('Go', folder, await runBeside('go', ['run', '.'], join(project, folder), env))
  })
}

function checkPrinted(where: string, example: string, printed: string): void {
  const expected = prints[example]
  if (expected === undefined) throw new Error(`test/packages/main.ts does not say what ${example} prints`)
  check(printed === expected, `${where}: ${example} prints ${JSON.stringify(printed)}`)
}

/** As the lock file of the repository has it. */
function versionOf(name: string): string {
  const manifest = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
  console.log(`ok  ${what}`)
}
