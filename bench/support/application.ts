/** The whole application through its launcher, as `npm start` runs it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Children, killQuietly } from '../harness/children.ts'
import type { Pids } from '../harness/meter.ts'
import { compileCache, type Ports, portArguments, root, somePorts } from './services.ts'

export type Application = {
  readonly ports: Ports
  readonly origin: string
  readonly brokers: string
  /** From the start of the launcher until it said that all services are ready. */
  readonly readySeconds: number
  /** The time that each service needed from its own start, as the launcher prints it. */
  readonly serviceSeconds: Readonly<Record<string, number>>
  /** Of the launcher and all services. */
  readonly pids: Pids
  /** As Ctrl-C does. @throws Error unless it ends with 0 */
  stop(): Promise<void>
  /** SIGKILL to all at once. */
  kill(): Promise<void>
}

export type ApplicationOptions = {
  readonly children: Children
  readonly data: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Called with the ports and the time of the start, before anything is ready. */
  readonly onStart?: (ports: Ports, startedAt: number) => void
}

const launcher = join(root, 'apps/launcher/src/main.ts')

export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const { children, data, args = [], env = {} } = options
  const ports = await somePorts()
  const startedAt = performance.now()
  const child = await children.node(
    ['--max-semi-space-size=1', launcher, ...portArguments(ports), '--data', data, ...args],
    {
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )
  options.onStart?.(ports, startedAt)
  const output = await untilReady(child)
  const readySeconds = (performance.now() - startedAt) / 1000
  const pids: Record<string, number> = { launcher: child.pid }
  const serviceSeconds: Record<string, number> = {}
  for (const [, name = '', pid, seconds] of output.matchAll(/^(\S+) +ready \(pid (\d+)\) after ([\d.]+) s/gm)) {
    pids[name] = Number(pid)
    serviceSeconds[name] = Number(seconds)
  }
  children.adopt(Object.values(pids))
  return {
    ports,
    origin: `https://localhost:${ports.port}`,
    brokers: `127.0.0.1:${ports.brokerPort}`,
    readySeconds,
    serviceSeconds,
    pids,
    async stop() {
      const how = await child.stop(30_000)
      children.forget(Object.values(pids))
      if (how !== 0) throw new Error(`the application ended with ${how}`)
    },
    async kill() {
      for (const pid of Object.values(pids)) killQuietly(pid)
      await child.ended
      await Promise.all(Object.values(pids).map(untilGone))
      children.forget(Object.values(pids))
    },
  }

  function untilReady({ process: launched, ended }: typeof child): Promise<string> {
    let text = ''
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    launched.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.includes('StreamPay is ready.')) resolve(text)
    })
    ended.then((how) => reject(new Error(`the application ended with ${how}:\n${text}`)))
    return promise
  }
}

/** For a folder in which the application has run. */
export function caOf(data: string): Buffer {
  return readFileSync(join(data, 'gateway/ca.pem'))
}

/** They are no child processes of this one, so their state is read from the system. */
async function untilGone(pid: number): Promise<void> {
  while (isThere(pid)) await delay(10)
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
