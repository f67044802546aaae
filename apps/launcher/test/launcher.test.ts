import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../../test/support/free-ports.ts'
import { createLauncher } from '../src/launcher.ts'
import { openLogFile } from '../src/log-file.ts'
import { makeFolder } from '../src/make-folder.ts'

const main = join(import.meta.dirname, 'support/service.ts')

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-launcher-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A launcher over real processes; `line` waits for a line on the terminal. */
function setUp(
  names: readonly string[],
  extra: Record<string, Record<string, string>> = {},
  { stopTimeoutMs = 6000, stages = [] }: { stopTimeoutMs?: number; stages?: readonly number[] } = {},
) {
  const data = temporaryFolder()
  const file = join(data, 'events')
  const lines: string[] = []
  const waiters: { pattern: RegExp; resolve(line: string): void }[] = []
  const launcher = createLauncher({
    services: names.map((name, index) => ({
      name,
      stage: stages[index] ?? index,
      main,
      env: { NAME: name, EVENTS: file, ...extra[name] },
      nodeFlags: [],
    })),
    places: { root: '/', data },
    brokers: '127.0.0.1:1',
    env: { ...process.env, no_proxy: 'a.example' },
    stopTimeoutMs,
    clock: {
      elapsed: () => performance.now(),
      delay: async (ms, signal) => {
        await delay(ms, undefined, { signal }).catch(() => {})
      },
    },
    print: (line) => {
      lines.push(line)
      for (const { pattern, resolve } of waiters) if (pattern.test(line)) resolve(line)
    },
  })
  onTestFinished(() => launcher.stop())
  return {
    launcher,
    lines,
    data,
    events: () => readFileSync(file, 'utf8').trim().split('\n'),
    line: (pattern: RegExp) => {
      const { promise, resolve } = Promise.withResolvers<string>()
      waiters.push({ pattern, resolve })
      return promise
    },
    pidOf: (name: string) => Number(readFileSync(join(data, 'run', `${name}.pid`), 'utf8')),
  }
}

test('starts services in order, one ready line each, and stops them in reverse', async () => {
  const { launcher, lines, events, data, pidOf } = setUp(['one', 'two'])
  expect(await launcher.start()).toBe(true)
  expect(lines).toHaveLength(2)
  expect(lines[0]).toMatch(new RegExp(`^one  ready \\(pid ${pidOf('one')}\\) after \\d+\\.\\d s: service one$`))
  await launcher.stop()
  expect(events()).toEqual(['one start', 'two start', 'two SIGTERM', 'one SIGTERM'])
  expect(readFileSync(join(data, 'logs/two.log'), 'utf8')).toContain(
    // Requests between services don't use a proxy (finding 7.2).
    'hello from two, which asks no proxy for a.example,localhost,127.0.0.1,',
  )
  expect(existsSync(join(data, 'run/one.pid'))).toBe(false)
  // The file that `npm run audit` reads (finding 7.7).
  expect(readFileSync(join(data, 'run/started.json'), 'utf8')).toBe('{"brokers":"127.0.0.1:1"}\n')
})

test('starts a killed service again and reports its new process id', async () => {
  const { launcher, line, lines, pidOf } = setUp(['one', 'two'])
  await launcher.start()
  const killed = pidOf('one')
  const again = line(/ready again/)
  process.kill(killed, 'SIGKILL')
  expect(await again).toContain(`(pid ${pidOf('one')})`)
  expect(pidOf('one')).not.toBe(killed)
  expect(lines.join('\n')).toMatch(/^one {2}was ended by SIGKILL; starting it again/m)
})

test('a service that can’t start says why in one line, and what ran before is stopped', async () => {
  const { launcher, lines, events } = setUp(['one', 'two', 'three'], { two: { FAIL: 'Port 1 is in use.' } })
  expect(await launcher.start()).toBe(false)
  expect(lines.at(-1)).toMatch(/^two +can't run\. Port 1 is in use\. \(Log: .*two\.log\)$/)
  expect(events()).toEqual(['one start', 'one SIGTERM'])
})

test('a service that ignores the request to stop is killed after its deadline', async () => {
  const { launcher, events } = setUp(['one'], { one: { STUBBORN: 'yes' } }, { stopTimeoutMs: 200 })
  await launcher.start()
  await launcher.stop()
  expect(events()).toEqual(['one start', 'one SIGTERM'])
})

test('a warning of a running service is printed in one line', async () => {
  const { launcher, line } = setUp(['one'], { one: { WARNING: 'No user can sign in.' } })
  const warning = line(/warning/)
  await launcher.start()
  expect(await warning).toBe('one  warning: No user can sign in.')
})

test('services of one stage start together, and none before all of the stage before are ready', async () => {
  const { launcher, events } = setUp(['one', 'two', 'three'], {}, { stages: [1, 1, 2] })
  await launcher.start()
  expect(events().slice(0, 2).toSorted()).toEqual(['one start', 'two start'])
  expect(events()[2]).toBe('three start')
})

test('stopping while services start leaves none running', async () => {
  const { launcher, line, events } = setUp(['one', 'two'])
  const firstIsReady = line(/^one/)
  const started = launcher.start()
  await firstIsReady
  await launcher.stop()
  expect(await started).toBe(false)
  expect(events()[0]).toBe('one start')
  expect(events()).toContain('one SIGTERM')
})

test('a data folder is made with those above it, and one that can’t be made is reported at once', () => {
  const folder = join(temporaryFolder(), 'a/b/c')
  makeFolder(folder)
  makeFolder(folder)
  expect(statSync(folder).isDirectory()).toBe(true)
  writeFileSync(join(folder, 'file'), '')
  expect(() => makeFolder(join(folder, 'file'))).toThrow('EEXIST')
  expect(() => makeFolder(join(folder, 'file/sub'))).toThrow('ENOTDIR')
})

test.runIf(process.platform === 'linux')(
  'a data folder where none can be made ends the start with one sentence',
  async () => {
    const program = join(import.meta.dirname, '../src/main.ts')
    const [port, brokerPort, identityPort] = await freePorts(3)
    const ports = ['--port', port, '--broker-port', brokerPort, '--identity-port', identityPort].map(String)
    const child = spawn(process.execPath, [program, '--data', '/proc/x/data', ...ports], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString()
    })
    const [code] = await once(child, 'close')
    expect([code, told]).toEqual([
      1,
      "The data folder can't be used: ENOENT: no such file or directory, mkdir '/proc/x'.\n",
    ])
  },
)

test('a log file is put aside when it is full', () => {
  const path = join(temporaryFolder(), 'some.log')
  const log = openLogFile(path, { maxBytes: 10, onTrouble: (sentence) => expect.fail(sentence) })
  for (const text of ['12345678', 'abc', 'def']) log.write(Buffer.from(text))
  log.close()
  log.write(Buffer.from('late'))
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('12345678')
  expect(readFileSync(path, 'utf8')).toBe('abcdef')
  const again = openLogFile(path, { maxBytes: 10, onTrouble: (sentence) => expect.fail(sentence) })
  again.write(Buffer.from('ghijk'))
  again.close()
  expect(statSync(path).size).toBe(5)
})

test.skipIf(process.platform === 'win32')(
  'a log file that an earlier version left readable is for its owner alone',
  () => {
    const path = join(temporaryFolder(), 'some.log')
    writeFileSync(path, 'old', { mode: 0o644 })
    const log = openLogFile(path, { onTrouble: (sentence) => expect.fail(sentence) })
    log.close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  },
)
