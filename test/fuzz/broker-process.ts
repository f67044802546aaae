/** The broker under the fuzzer: a process of its own with a bounded heap, whose errors and memory use are kept. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const main = join(import.meta.dirname, '../../packages/broker/src/main.ts')
export const heapMegabytes = 256
const errorLevel = 50
const maxKeptLines = 20

export class FuzzedBroker {
  readonly address: string
  /** Log lines at level error or worse, and its standard error: the first lines only. */
  readonly complaints: string[]
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: string, complaints: string[]) {
    this.#child = child
    this.address = address
    this.complaints = complaints
  }

  static async start(dataDir: string): Promise<FuzzedBroker> {
    const child = spawn(process.execPath, [`--max-old-space-size=${heapMegabytes}`, main], {
      env: { ...process.env, BROKER_PORT: '0', BROKER_DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const complaints: string[] = []
    const keep = (line: string) => {
      if (complaints.length < maxKeptLines) complaints.push(line)
    }
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => isError(line) && keep(line))
    if (child.stderr) createInterface({ input: child.stderr }).on('line', keep)
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the broker ended before it was ready: ${complaints.join('\n')}`)
    })
    ended.catch(() => undefined)
    const [ready] = await Promise.race([once(child, 'message'), ended])
    return new FuzzedBroker(child, (ready as { detail: string }).detail, complaints)
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** In megabytes; 0 where the system doesn't tell. */
  peakMemory(): number {
    if (process.platform !== 'linux' || !this.isAlive) return 0
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024)
  }

  /** Ends it in order, and resolves with its exit code. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.isAlive) {
      const exited = once(this.#child, 'exit')
      this.#child.kill(signal)
      await exited
    }
    return this.#child.exitCode
  }
}

function isError(line: string): boolean {
  try {
    return (JSON.parse(line) as { level: number }).level >= errorLevel
  } catch {
    return true
  }
}
