import { logAwayExitCode } from '@streampay/kafka/exit-code'
import type { Ending, ServiceProcess } from './service-process.ts'
import type { ServiceDefinition } from './services.ts'

/**
 * Keeps one service running.
 *
 *     starting ──ready──► running ──ends──► waiting ──back-off──► starting
 *        │                   │                 │
 *        └──── first start fails: failed       └── too many short runs: failed (waiting for a log does not count)
 *     any state ──stop()──► stopping ──► stopped
 */
export type SupervisorState = 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed'

const transitions: Readonly<Record<SupervisorState, readonly SupervisorState[]>> = {
  starting: ['running', 'waiting', 'stopping', 'failed'],
  running: ['waiting', 'stopping', 'failed'],
  waiting: ['starting', 'stopping'],
  stopping: ['stopped'],
  stopped: [],
  failed: ['stopping'],
}

/** The state of a service, as its supervisor knows it. Times are of its clock, in ms. */
export type SupervisorStatus = {
  readonly state: SupervisorState
  readonly isPaused: boolean
  readonly pid: number | undefined
  /** When the present process was started. */
  readonly startedAt: number | undefined
  /** How often it was started again. */
  readonly restarts: number
}

export type SupervisorEvents = {
  /** The service says that it is ready; `isFirst` tells the first start from a restart. */
  onReady(event: { name: string; pid: number | undefined; detail: string; isFirst: boolean; startMs: number }): void
  /** It ended without being asked to, and is started again after the delay. */
  onRestart(event: { name: string; ending: Ending; delayMs: number; wasAsked: boolean }): void
  /** It can't be kept running. */
  onFailed(event: { name: string; ending: Ending }): void
}

export type SupervisorOptions = {
  readonly service: ServiceDefinition
  readonly start: (service: ServiceDefinition) => ServiceProcess
  readonly events: SupervisorEvents
  /** How long it may take to stop before it is killed. */
  readonly stopTimeoutMs?: number
  readonly clock: { elapsed(): number; delay(ms: number, signal: AbortSignal): Promise<void> }
}

/** A service that ran this long has recovered: its next crash is a new one. */
const stableAfterMs = 30_000
const firstDelayMs = 200
const maxDelayMs = 5_000
const maxShortLives = 20
const defaultStopTimeoutMs = 6_000

/** @returns the delay before start number `shortLives + 1`: 0.2 s, doubling, at most 5 s */
export function backOffMs(shortLives: number): number {
  return Math.min(maxDelayMs, firstDelayMs * 2 ** (shortLives - 1))
}

export class Supervisor {
  readonly name: string
  readonly #options: SupervisorOptions
  readonly #stopped = new AbortController()
  #state: SupervisorState = 'starting'
  #process: ServiceProcess | undefined
  #shortLives = 0
  #startedAt: number | undefined
  #restarts = 0
  #isPaused = false
  /** It was asked to end, to be started again at once. */
  #isRestarting = false
  /** It was killed by an order. */
  #isKilled = false
  #life: Promise<void> = Promise.resolve()

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.name = options.service.name
  }

  get state(): SupervisorState {
    return this.#state
  }

  /** Starts it and keeps it running from then on. @returns true when it is ready, false when the first start failed */
  start(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#life = this.#live(resolve)
    })
  }

  /** Ends it, at the latest after a few seconds; it isn't started again. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'stopping') return this.#life
    this.#enter('stopping')
    this.#stopped.abort()
    await this.#process?.stop(this.#options.stopTimeoutMs ?? defaultStopTimeoutMs)
    await this.#life
    this.#enter('stopped')
  }

  /** Kills it; then it is started again, as after any crash, but the crash does not count as its own. */
  kill(): void {
    this.#isKilled = true
    this.#process?.kill()
  }

  /** Pauses it until it is resumed. @returns whether it runs, and can be paused */
  pause(): boolean {
    if (this.#state !== 'running' || this.#isPaused) return false
    this.#isPaused = true
    this.#process?.pause()
    return true
  }

  /** @returns whether it was paused */
  resume(): boolean {
    if (!this.#isPaused) return false
    this.#isPaused = false
    this.#process?.resume()
    return true
  }

  /** Asks it to end, and starts it again at once. @returns whether it runs */
  restart(): boolean {
    if (this.#state !== 'running' || this.#isRestarting) return false
    this.#isRestarting = true
    this.#isPaused = false
    // Its end is handled by the code that waits for it.
    void this.#process?.stop(this.#options.stopTimeoutMs ?? defaultStopTimeoutMs)
    return true
  }

  /** For a service that reads messages of its parent. */
  send(message: object): void {
    this.#process?.send(message)
  }

  get status(): SupervisorStatus {
    const isThere = this.#state === 'starting' || this.#state === 'running'
    return {
      state: this.#state,
      isPaused: this.#isPaused,
      pid: isThere ? this.#process?.pid : undefined,
      startedAt: isThere ? this.#startedAt : undefined,
      restarts: this.#restarts,
    }
  }

  async #live(firstStart: (isReady: boolean) => void): Promise<void> {
    const { service, start, events, clock } = this.#options
    for (let isFirst = true; !this.#isStopping(); isFirst = false) {
      const startedAt = clock.elapsed()
      const child = start(service)
      this.#process = child
      this.#startedAt = startedAt
      if (!isFirst) this.#restarts += 1
      const detail = await Promise.race([child.ready, child.ended.then(() => undefined)])
      if (detail !== undefined && !this.#isStopping()) {
        this.#enter('running')
        events.onReady({ name: this.name, pid: child.pid, detail, isFirst, startMs: clock.elapsed() - startedAt })
        if (isFirst) firstStart(true)
      }
      const ending = await child.ended
      this.#isPaused = false
      if (this.#isStopping()) break
      if (this.#isRestarting) {
        await this.#waitAfter(ending, { isAsked: true })
        continue
      }
      const livedMs = clock.elapsed() - startedAt
      const isNewTrouble = livedMs >= stableAfterMs || ending.code === logAwayExitCode || this.#isKilled
      this.#isKilled = false
      this.#shortLives = isNewTrouble ? 1 : this.#shortLives + 1
      if ((isFirst && detail === undefined) || this.#shortLives > maxShortLives) {
        this.#enter('failed')
        events.onFailed({ name: this.name, ending })
        break
      }
      await this.#waitAfter(ending, { isAsked: false })
    }
    firstStart(false)
  }

  async #waitAfter(ending: Ending, { isAsked }: { readonly isAsked: boolean }): Promise<void> {
    const delayMs = isAsked ? 0 : backOffMs(this.#shortLives)
    this.#isRestarting = false
    this.#enter('waiting')
    this.#options.events.onRestart({ name: this.name, ending, delayMs, wasAsked: isAsked })
    await this.#options.clock.delay(delayMs, this.#stopped.signal)
    if (!this.#isStopping()) this.#enter('starting')
  }

  #isStopping(): boolean {
    return this.#state === 'stopping' || this.#state === 'stopped'
  }

  #enter(next: SupervisorState): void {
    if (!transitions[this.#state].includes(next))
      throw new Error(`${this.name} can't go from ${this.#state} to ${next}`)
    this.#state = next
  }
}
