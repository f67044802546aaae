/**
 * One process that is kept running, as by a supervisor, and to which the nemesis can send signals.
 *
 *     held ──start()──► starting ──says ready──► ready ──ends──► waiting ──back-off──► starting
 *      ▲                   └────────ends before──────────────────►┘
 *      └──hold(), stop() from any of them
 */
import { type LogFile, openLogFile } from '../../apps/launcher/src/log-file.ts'
import { type Ending, type ServiceProcess, startProcess } from '../../apps/launcher/src/service-process.ts'
import type { ServiceDefinition } from '../../apps/launcher/src/services.ts'

export type KeptProcessOptions = {
  readonly definition: ServiceDefinition
  readonly logFile: string
  readonly env: NodeJS.ProcessEnv
  /** Called when it ended without being asked to. */
  readonly onOwnExit: (name: string, ending: Ending) => void
  /** Its output, as it comes. */
  readonly onOutput?: (chunk: Buffer) => void
}

const firstBackOffMs = 200
const maxBackOffMs = 2_000
const stopTimeoutMs = 15_000

export class KeptProcess {
  readonly name: string
  /** How often it ended without being killed. */
  ownExits = 0
  starts = 0
  readonly #options: KeptProcessOptions
  readonly #log: LogFile
  #process: ServiceProcess | undefined
  #wanted = false
  #killed: ServiceProcess | undefined
  #isReady = false
  #shortLives = 0
  #life: Promise<void> = Promise.resolve()
  #wakeUp: () => void = () => undefined
  readonly #watchers = new Set<() => void>()

  constructor(options: KeptProcessOptions) {
    this.#options = options
    this.name = options.definition.name
    const { logFile, onOutput } = options
    const log = openLogFile(logFile, { onTrouble: (sentence) => console.error(`${logFile}: ${sentence}`) })
    this.#log = {
      write: (chunk) => {
        log.write(chunk)
        onOutput?.(chunk)
      },
      close: () => log.close(),
    }
  }

  get definition(): ServiceDefinition {
    return this.#options.definition
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Whether it runs, and has said that it is ready. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Whether it should run. */
  get isWanted(): boolean {
    return this.#wanted
  }

  start(): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#life = this.#life.then(() => this.#live())
  }

  /** Resolves when it is ready, at once if it is. @throws Error after the time, or if it is held meanwhile */
  async ready(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      if (this.#isReady || !this.#wanted) resolve()
    }
    this.#watchers.add(check)
    check()
    const timer = setTimeout(resolve, timeoutMs)
    await promise
    clearTimeout(timer)
    this.#watchers.delete(check)
    if (!this.#isReady) throw new Error(`${this.name} is not ready after ${timeoutMs} ms`)
  }

  /** SIGKILL; it is started again at once. */
  kill(): void {
    this.#killed = this.#process
    this.#signal('SIGKILL')
  }

  /** SIGKILL, and it stays down until it is started again. */
  async hold(): Promise<void> {
    this.#wanted = false
    this.kill()
    this.#wakeUp()
    await this.#life
  }

  pause(): void {
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  /** Sends any signal, also one that it takes for a message. */
  signal(signal: NodeJS.Signals): void {
    this.#signal(signal)
  }

  /** Asks it to end, by SIGTERM unless another signal is given, and does not start it again. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending | undefined> {
    this.#wanted = false
    const ending = this.#process?.ended
    this.#killed = this.#process
    this.#signal(signal)
    this.#signal('SIGCONT')
    this.#wakeUp()
    const timer = setTimeout(() => this.#signal('SIGKILL'), stopTimeoutMs)
    await this.#life
    clearTimeout(timer)
    return ending
  }

  /** Kills it at once, even if it is paused; for the end of the run. */
  destroy(): void {
    this.#wanted = false
    this.#signal('SIGKILL')
    this.#wakeUp()
  }

  closeLog(): void {
    this.#log.close()
  }

  async #live(): Promise<void> {
    const { definition, env } = this.#options
    while (this.#wanted) {
      const child = startProcess(definition, this.#log, env)
      this.#process = child
      this.starts += 1
      const isUp = await Promise.race([child.ready.then(() => true), child.ended.then(() => false)])
      if (isUp) {
        this.#shortLives = 0
        this.#become(true)
      }
      const ending = await child.ended
      this.#process = undefined
      this.#become(false)
      if (this.#killed !== child) {
        this.ownExits += 1
        this.#options.onOwnExit(this.name, ending)
      }
      if (!this.#wanted) break
      this.#shortLives += 1
      await this.#pauseFor(Math.min(maxBackOffMs, firstBackOffMs * 2 ** (this.#shortLives - 1)))
    }
    this.#become(false)
  }

  #become(isReady: boolean): void {
    this.#isReady = isReady
    for (const watcher of [...this.#watchers]) watcher()
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid
    if (pid === undefined) return
    try {
      process.kill(pid, signal)
    } catch (error) {
      // It has just ended by itself.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  #pauseFor(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
