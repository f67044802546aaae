/**
 * Starts StreamPay as a user does, through its launcher, on free ports with a data folder of its own, and gives the pids of the services so
 * that a test can kill one. Every wait is for a line that the launcher prints or a file that it writes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts, freeRun } from './free-ports.ts'

export type ServiceName =
  | 'broker'
  | 'identity'
  | 'payments'
  | 'gateway'
  | 'simulation'
  | `gateway-${number}`
  | `payments-${number}`

export type StreamPayOptions = {
  /** Further options of the launcher, for example `--speed 50`. */
  readonly args?: readonly string[]
  /** A folder of an earlier run, kept unless `removeData`; by default a new one in the temp folder, removed at the end. */
  readonly dataDir?: string
  readonly removeData?: boolean
  /** `host:port` of another log, instead of the embedded one. */
  readonly externalBrokers?: readonly string[]
  /** Default 1. */
  readonly gateways?: number
  readonly readyTimeoutMs?: number
  /** The folder of another clone, set up and built, whose application is started instead of this one's. */
  readonly clone?: string
}

export type StreamPay = {
  readonly origin: string
  /** The address of every gateway. */
  readonly origins: readonly string[]
  readonly brokers: readonly string[]
  readonly dataDir: string
  /** The development CA, for clients. */
  caCertificate(): Buffer
  pidOf(service: ServiceName): number
  /** Resolves once the service has a pid other than `pid` and has reported that it is ready. */
  restarted(service: ServiceName, pid: number, timeoutMs: number): Promise<number>
  /** Everything that the launcher printed so far. */
  output(): string
  /** Stops as Ctrl-C does; resolves with the exit code. */
  stop(options?: { readonly keepData?: boolean }): Promise<number | null>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

export async function startStreamPay(options: StreamPayOptions = {}): Promise<StreamPay> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'streampay-test-')))
  const gateways = options.gateways ?? 1
  const [brokerPort, identityPort] = await freePorts(2)
  const gatewayPort = await freeRun(gateways, [brokerPort, identityPort])
  const child = spawn(
    process.execPath,
    [
      join(options.clone ?? root, 'apps/launcher/src/main.ts'),
      '--port',
      `${gatewayPort}`,
      '--broker-port',
      `${brokerPort}`,
      '--identity-port',
      `${identityPort}`,
      '--data',
      dataDir,
      '--gateways',
      `${gateways}`,
      ...(options.externalBrokers === undefined ? [] : ['--brokers', options.externalBrokers.join(',')]),
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const log = new OutputLog(child)
  const origins = Array.from({ length: gateways }, (_, n) => `https://localhost:${gatewayPort + n}`)
  const origin = `https://localhost:${gatewayPort}`
  await log.waitFor((text) => text.includes('StreamPay is ready'), options.readyTimeoutMs ?? 60_000)
  const pidFile = (service: ServiceName) => join(dataDir, 'run', `${service}.pid`)
  const pidOf = (service: ServiceName) => Number(readFileSync(pidFile(service), 'utf8'))
  return {
    origin,
    origins,
    brokers: options.externalBrokers ?? [`127.0.0.1:${brokerPort}`],
    dataDir,
    caCertificate: () => readFileSync(join(dataDir, 'gateway', 'ca.pem')),
    pidOf,
    restarted: async (service, pid, timeoutMs) => {
      await log.waitFor((text) => {
        if (!existsSync(pidFile(service))) return false
        const now = pidOf(service)
        return now !== pid && text.includes(`(pid ${now})`)
      }, timeoutMs)
      return pidOf(service)
    },
    output: () => log.text,
    stop: async ({ keepData = false } = {}) => {
      const code = await log.stop()
      const isOurs = options.dataDir === undefined || options.removeData === true
      if (isOurs && !keepData) await rm(dataDir, { recursive: true, force: true })
      return code
    },
  }
}

class OutputLog {
  text = ''
  readonly #child: ChildProcess
  readonly #closed: Promise<number | null>
  #waiting: (() => void)[] = []

  constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.text += chunk.toString('utf8')
        this.#wake()
      })
    }
    this.#closed = new Promise((resolve) => {
      child.on('close', (code) => {
        resolve(code)
        this.#wake()
      })
    })
  }

  async waitFor(condition: (text: string) => boolean, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!condition(this.text)) {
      if (this.#child.exitCode !== null) throw new Error(`StreamPay ended with ${this.#child.exitCode}:\n${this.text}`)
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`StreamPay did not get there within ${timeoutMs} ms:\n${this.text}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 25))
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill('SIGINT')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 30_000)
    const code = await this.#closed
    clearTimeout(timer)
    return code
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
