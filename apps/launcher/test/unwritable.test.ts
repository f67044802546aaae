/**
 * Each service, and the launcher, with outputs and files that can't be written. Each continues or ends, in bounded
 * time, with a message and an exit code, and leaves no process behind. Processes that don't end otherwise are killed
 * here.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openAdmin, openCluster, openProducer } from '@streampay/kafka'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { bareEnv } from '../../../test/support/bare-env.ts'
import { freePorts } from '../../../test/support/free-ports.ts'
import { type LauncherOptions, parseOptions } from '../src/options.ts'
import { type ServiceDefinition, servicesFor } from '../src/services.ts'

const root = dirname(dirname(dirname(import.meta.dirname)))
const launcher = join(import.meta.dirname, '../src/main.ts')
// Long, for a machine that is busy with other tests; without the tested limit it would never end.
const boundMs = 60_000
const hasDevFull = existsSync('/dev/full')

type Output = number | 'gone'
type Ended = { readonly code: number | null; readonly signal: string | null }
type Running = {
  readonly child: ChildProcess
  readonly ready: Promise<unknown>
  readonly ended: Promise<Ended>
  words(): string
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'streampay-unwritable-'))
}

async function optionsOf(data: string): Promise<LauncherOptions> {
  const [port, brokerPort, identityPort] = await freePorts(3)
  const args = [
    '--port',
    port,
    '--broker-port',
    brokerPort,
    '--identity-port',
    identityPort,
    '--data',
    data,
    '--users',
    2,
  ]
  const options = parseOptions(args.map(String), {})
  if (options === 'help') throw new Error('these options ask for no help')
  return options
}

/** Both outputs go to a file that can't be written, or have lost their reader; without `output` stderr is kept. */
function start(service: ServiceDefinition, output?: Output, env: Record<string, string> = {}): Running {
  const kind = typeof output === 'number' ? output : 'pipe'
  const child = spawn(process.execPath, [...service.nodeFlags, service.main], {
    env: { ...bareEnv, ...service.env, ...env },
    stdio: ['ignore', kind, kind, 'ipc'],
  })
  let words = ''
  if (output === 'gone') {
    child.stdout?.destroy()
    child.stderr?.destroy()
  } else {
    child.stdout?.resume()
    child.stderr?.on('data', (chunk: Buffer) => {
      words += chunk.toString()
    })
  }
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Ended)
  const ready = new Promise((resolve, reject) => {
    child.on('message', resolve)
    ended.then(({ code }) => reject(new Error(`${service.name} ended with ${code}: ${words}`)), reject)
  })
  ready.catch(() => undefined)
  return { child, ready, ended, words: () => words }
}

/** @returns what ended it; `killed` if nothing did in time */
async function endOf({ child, ended }: Running): Promise<Ended | 'killed'> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), boundMs)
  const ending = await ended
  clearTimeout(deadline)
  return ending.signal === 'SIGKILL' ? 'killed' : ending
}

async function stop(running: Running): Promise<Ended | 'killed'> {
  running.child.kill('SIGTERM')
  return await endOf(running)
}

/** All services on one log, each with this output; then each is asked to stop, the last first. */
async function liveAndStop(output: Output): Promise<Record<string, Ended | 'killed'>> {
  const data = temporaryFolder()
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const running: [string, Running][] = []
  for (const service of servicesFor(await optionsOf(data), { root, data })) {
    const one = start(service, output, { LOG_LEVEL: 'debug' })
    onTestFinished(() => {
      one.child.kill('SIGKILL')
    })
    running.push([service.name, one])
    await one.ready
  }
  const ended: Record<string, Ended | 'killed'> = {}
  for (const [name, one] of running.reverse()) ended[name] = await stop(one)
  return ended
}

const stoppedInOrder = Object.fromEntries(
  ['simulation', 'gateway', 'payments', 'identity', 'broker'].map((name) => [name, { code: 0, signal: null }]),
)

test('each service continues and stops in order when the reader of its outputs has ended', async () => {
  expect(await liveAndStop('gone')).toEqual(stoppedInOrder)
}, 180_000)

test.runIf(hasDevFull)(
  'each service continues and stops in order when its outputs are on a full disk',
  async () => {
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    expect(await liveAndStop(full)).toEqual(stoppedInOrder)
  },
  180_000,
)

test('each service that can’t start ends by its exit code when the reader of its outputs is gone', async () => {
  const data = temporaryFolder()
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const file = join(data, 'file')
  writeFileSync(file, '')
  const options = await optionsOf(data)
  const impossible: Record<string, Record<string, string>> = {
    broker: { BROKER_DATA_DIR: join(file, 'broker') },
    identity: { IDENTITY_DATA_DIR: join(file, 'identity') },
    payments: { KAFKA_BROKERS: 'nonsense' },
    gateway: { GATEWAY_DATA_DIR: join(file, 'gateway') },
    simulation: { KAFKA_BROKERS: 'nonsense' },
  }
  const codes: Record<string, unknown> = {}
  await Promise.all(
    servicesFor(options, { root, data }).map(async (service) => {
      codes[service.name] = await endOf(start(service, 'gone', impossible[service.name]))
    }),
  )
  const one = { code: 1, signal: null }
  expect(codes).toEqual({ broker: one, identity: one, payments: one, gateway: one, simulation: one })
}, 180_000)

/** The launcher itself; `output` 'gone' is `npm start | true`. */
function startLauncher(options: LauncherOptions, output?: 'gone') {
  const { port, brokerPort, identityPort, data } = options
  const ports = ['--port', port, '--broker-port', brokerPort, '--identity-port', identityPort].map(String)
  const child = spawn(process.execPath, [launcher, ...ports, '--data', data, '--users', '2'], {
    env: bareEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let words = ''
  const isReady = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (output === 'gone') stream.destroy()
    stream.on('data', (chunk: Buffer) => {
      words += chunk.toString()
      if (words.includes('StreamPay is ready')) isReady.resolve()
    })
  }
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Ended)
  return { child, ended, ready: isReady.promise, words: () => words }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function until(condition: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs)
  while (!(await condition())) {
    deadline.throwIfAborted()
    await delay(50)
  }
}

function portsOf({ port, brokerPort, identityPort }: LauncherOptions): number[] {
  return [port, brokerPort, identityPort]
}

test.runIf(hasDevFull)(
  'the launcher says once of each log file that it can’t be written, and runs on with all services',
  async () => {
    const data = temporaryFolder()
    onTestFinished(() => rmSync(data, { recursive: true, force: true }))
    mkdirSync(join(data, 'logs'))
    // A full disk, a folder in place of a file, and a file in place of the folder for process ids.
    for (const name of ['broker', 'payments', 'gateway']) symlinkSync('/dev/full', join(data, 'logs', `${name}.log`))
    mkdirSync(join(data, 'logs/identity.log'))
    writeFileSync(join(data, 'run'), '')
    const options = await optionsOf(data)
    const running = startLauncher(options)
    await Promise.race([running.ready, running.ended])
    const told = running
      .words()
      .split('\n')
      .filter((line) => /can't be written/.test(line))
    expect(told.filter((line) => /^(broker|payments|gateway) .*ENOSPC/.test(line))).toHaveLength(3)
    expect(told.filter((line) => /^identity .*EISDIR/.test(line))).toHaveLength(1)
    expect(told.filter((line) => /process ids and ports/.test(line))).toHaveLength(1)
    expect(told).toHaveLength(5)
    running.child.kill('SIGTERM')
    expect(await running.ended).toEqual({ code: 0, signal: null })
    expect(running.words()).toContain('Stopped.')
    expect(await Promise.all(portsOf(options).map(listens))).toEqual([false, false, false])
    // What could be written was written, and only its owner can read it (finding 5.6).
    expect(statSync(join(data, 'logs')).mode & 0o777).toBe(0o700)
    expect(statSync(join(data, 'logs/simulation.log')).mode & 0o777).toBe(0o600)
  },
  180_000,
)

test('the launcher whose output nothing reads runs on with all services, and stops them', async () => {
  const data = temporaryFolder()
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const options = await optionsOf(data)
  const running = startLauncher(options, 'gone')
  await until(() => listens(options.port), 120_000)
  running.child.kill('SIGTERM')
  expect(await running.ended).toEqual({ code: 0, signal: null })
  expect(await Promise.all(portsOf(options).map(listens))).toEqual([false, false, false])
}, 180_000)

/** A file system of 8 MB, which only the superuser can make. */
const full = temporaryFolder()
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', full]).status === 0
const filler = join(full, 'filler')

beforeAll(() => rmSync(filler, { force: true }))
afterAll(() => {
  if (isMounted) spawnSync('umount', [full])
  rmSync(full, { recursive: true, force: true })
})

/** Fills the disk to the last block. */
function fill(): void {
  const file = openSync(filler, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4096))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(file)
  }
}

test.runIf(isMounted)(
  'a service whose data folder is full ends with a sentence that says so',
  async () => {
    const options = await optionsOf(full)
    const all = servicesFor(options, { root, data: full })
    fill()
    for (const name of ['broker', 'identity', 'gateway']) {
      const service = all.find((one) => one.name === name)
      if (service === undefined) throw new Error(`no service ${name}`)
      const running = start(service)
      expect([name, await endOf(running)]).toEqual([name, { code: 1, signal: null }])
      expect(running.words()).toMatch(/ENOSPC|full/)
      expect(running.words()).not.toMatch(/^ +at /m)
    }
    rmSync(filler)
  },
  180_000,
)

test.runIf(isMounted)(
  'a log whose disk becomes full while it is written ends with a sentence that says so',
  async () => {
    const options = await optionsOf(full)
    const [service] = servicesFor(options, { root, data: full })
    if (service === undefined) throw new Error('the broker is the first service')
    const broker = start(service)
    await broker.ready
    const cluster = openCluster({ brokers: [`127.0.0.1:${options.brokerPort}`], clientId: 'filler' })
    onTestFinished(() => cluster.close())
    await openAdmin(cluster).createTopics([{ name: 'some', partitions: 1 }])
    fill()
    const producer = openProducer(cluster, { deliveryTimeoutMs: 2_000 })
    const sent = producer.send([{ topic: 'some', key: null, value: Buffer.alloc(200_000) }])
    await expect(sent).rejects.toThrow()
    expect(await endOf(broker)).toEqual({ code: 1, signal: null })
    expect(broker.words()).toMatch(/the log can't be written any more: .*ENOSPC/)
  },
  180_000,
)
