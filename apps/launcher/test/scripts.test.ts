import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const root = dirname(dirname(dirname(import.meta.dirname)))
const script = join(root, 'scripts/run.js')
const program = join(import.meta.dirname, 'support/program.ts')

/** Runs a command line as npm does, through a shell; returns its output. */
function npmScript(commandLine: string) {
  const shell = spawn('sh', ['-c', commandLine], {
    env: { ...process.env, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    shell.kill('SIGKILL')
  })
  let output = ''
  const seen = Promise.withResolvers<void>()
  shell.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes('started')) seen.resolve()
  })
  return { shell, started: seen.promise, output: () => output }
}

test('runs TypeScript on Node 26 and keeps the exit code', async () => {
  const { shell } = npmScript(`node '${script}' '${program}' 3`)
  const [code] = await once(shell, 'exit')
  expect(code).toBe(3)
})

test('ends what it started when npm is ended, although npm signals only its shell', async () => {
  const { shell, started, output } = npmScript(`node '${script}' '${program}'; true`)
  await started
  expect(output()).toContain('started v26.')
  shell.kill('SIGTERM')
  // The pipe closes when the last process that has it open, the program itself, has ended.
  await once(shell.stdout, 'close')
  expect(output()).toContain('SIGTERM')
})

test('ends what it started when npm is killed, which not even its shell notices', async () => {
  const commandLine = `node '${script}' '${program}'; true`
  // Like npm: a shell between it and the script.
  const likeNpm = `require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(commandLine)}], { stdio: 'inherit' })`
  const npm = spawn(process.execPath, ['-e', likeNpm], {
    env: { ...process.env, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const started = new Promise<void>((resolve) => {
    npm.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('started')) resolve()
    })
  })
  await started
  npm.kill('SIGKILL')
  await once(npm.stdout, 'close')
  expect(output).toContain('SIGTERM')
})

test('the modules of all services are compiled without starting any', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-compiled-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, [join(root, 'scripts/compile.js')], {
    env: { ...process.env, NODE_COMPILE_CACHE: folder },
    stdio: 'ignore',
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  // It ends by itself: there is no listener and no timer.
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  const [version = ''] = readdirSync(folder)
  // Each of our own 400 modules or so leaves two files, and the packages that they use leave thousands.
  expect(readdirSync(join(folder, version)).length).toBeGreaterThan(1500)
})
