/**
 * What an operator can do to the services of a development installation while it runs, and the state that the page shows. Only for the
 * launcher: in production there is none.
 */
import type {
  Action,
  Books,
  ControlState,
  Disturbance,
  Fault,
  ServiceKind,
  ServiceState,
  ServiceTile,
  ServiceVitals,
} from '@streampay/domain/control'
import type { Vitals } from '@streampay/process'
import type { ServiceWatcher } from '../launcher.ts'
import type { Supervisor } from '../supervisor.ts'
import { FaultBook, type FaultClock } from './fault-book.ts'
import { Seconds } from './seconds.ts'

export type ControlOptions = {
  readonly supervisors: () => readonly Supervisor[]
  readonly clock: FaultClock & {
    /** @returns a function that cancels it */
    after(ms: number, call: () => void): () => void
  }
  /** Checks the books from its start to its stop; `onBooks` gets the results. */
  readonly books: { start(): void; stop(): void }
  /** The speed of the simulation at its start; undefined without one. */
  readonly speed: number | undefined
}

/** Why an action is not possible, in a sentence. */
export type Refusal = { readonly refused: string }

/** A paused service continues by itself after this time, since the page that would resume it may be served by it. */
const mostPausedMs = 15_000
/** A service without a message for this long counts as not answering. */
const silenceMs = 1_500
const slowMs = 200
const slowForMs = 10_000
/** The books are checked until this long after the last request for the state. */
const unwatchedMs = 30_000
/** Multiples of the speed of the world's time. */
export const speeds = { least: 0.1, most: 100 } as const

export class Control implements ServiceWatcher {
  readonly #options: ControlOptions
  readonly #faults: FaultBook
  readonly #seconds = new Seconds()
  readonly #vitals = new Map<string, { readonly vitals: ToldVitals; readonly at: number }>()
  readonly #pauses = new Map<string, { readonly resumesAt: number; readonly cancel: () => void }>()
  #books: Books | undefined
  #speed: number | undefined
  #stopWatching: (() => void) | undefined

  constructor(options: ControlOptions) {
    this.#options = options
    this.#faults = new FaultBook(options.clock)
    this.#speed = options.speed
  }

  onReady(name: string): void {
    this.#faults.back(name)
    if (kindOf(name) === 'simulation' && this.#speed !== undefined) this.#sendSpeed(this.#speed)
  }

  onEnded(name: string): void {
    this.#endPause(name)
    this.#vitals.delete(name)
    this.#faults.noticed(name)
  }

  onTold(name: string, message: object): void {
    const { clock } = this.#options
    const type: unknown = Reflect.get(message, 'type')
    if (type === 'undisturbed') this.#faults.back(name)
    if (type !== 'vitals') return
    const vitals = Reflect.get(message, 'vitals') as ToldVitals
    this.#vitals.set(name, { vitals, at: clock.elapsed() })
    this.#seconds.add(clock.now(), { count: vitals.figures.answered ?? 0, tookMs: vitals.tookMs })
    // A message after a pause: the service continues.
    if (!this.#pauses.has(name)) this.#faults.resumed(name)
  }

  onBooks(books: Books): void {
    this.#books = books
    this.#faults.told(books)
  }

  /** A request for the state also starts or prolongs the check of the books. */
  state(): ControlState {
    const { clock, supervisors } = this.#options
    this.#watchBooks()
    for (const [name] of this.#pauses) if (this.#ageOf(name) > silenceMs) this.#faults.noticed(name)
    const now = clock.now()
    return {
      now,
      services: supervisors().flatMap((supervisor) => this.#tileOf(supervisor) ?? []),
      payments: this.#seconds.until(now),
      books: this.#books,
      faults: this.#faults.faults,
      simulation: this.#speed === undefined ? undefined : { speed: this.#speed },
    }
  }

  /** @returns the fault, or why it is not possible; a resumed service is no fault */
  act(name: string, action: Action): Fault | 'done' | Refusal {
    const supervisor = this.#find(name)
    if (supervisor === undefined) return { refused: `There is no service "${name}".` }
    switch (action) {
      case 'kill':
        if (supervisor.status.pid === undefined) return { refused: `${name} is not running.` }
        supervisor.kill()
        return this.#faults.begin(name, 'kill')
      case 'restart':
        this.#endPause(name)
        if (!supervisor.restart()) return { refused: `${name} is not running.` }
        return this.#faults.begin(name, 'restart')
      case 'pause':
        return this.#pause(supervisor)
      case 'resume':
        this.#endPause(name)
        return supervisor.resume() ? 'done' : { refused: `${name} is not paused.` }
    }
  }

  /** Cuts all connections of the log, or makes it slow for a while. */
  disturb(what: Disturbance): Fault | Refusal {
    const log = this.#find('broker')
    if (log === undefined) return { refused: 'The log is not the embedded one.' }
    if (log.status.state !== 'running') return { refused: 'The log is not running.' }
    const fault = this.#faults.begin(log.name, what)
    this.#faults.noticed(log.name)
    log.send(what === 'cut' ? { type: 'disturb', what } : { type: 'disturb', what, delayMs: slowMs, forMs: slowForMs })
    return fault
  }

  setSpeed(speed: number): 'done' | Refusal {
    if (this.#speed === undefined) return { refused: 'There is no simulation.' }
    if (!(speed >= speeds.least && speed <= speeds.most)) {
      return { refused: `The speed must be from ${speeds.least} to ${speeds.most}.` }
    }
    this.#speed = speed
    this.#sendSpeed(speed)
    return 'done'
  }

  close(): void {
    for (const name of [...this.#pauses.keys()]) this.#endPause(name)
    this.#stopWatching?.()
    this.#options.books.stop()
  }

  #pause(supervisor: Supervisor): Fault | Refusal {
    const { name } = supervisor
    if (process.platform === 'win32') return { refused: 'On Windows a process can’t be paused.' }
    if (!supervisor.pause()) return { refused: `${name} is not running.` }
    const { clock } = this.#options
    const cancel = clock.after(mostPausedMs, () => {
      this.#pauses.delete(name)
      supervisor.resume()
    })
    this.#pauses.set(name, { resumesAt: clock.now() + mostPausedMs, cancel })
    return this.#faults.begin(name, 'pause')
  }

  #endPause(name: string): void {
    this.#pauses.get(name)?.cancel()
    this.#pauses.delete(name)
  }

  #tileOf({ name, status }: Supervisor): ServiceTile | undefined {
    const kind = kindOf(name)
    if (kind === 'issuer') return undefined
    const { clock } = this.#options
    const told = this.#vitals.get(name)
    const { pid, startedAt, restarts } = status
    return {
      name,
      kind,
      state: stateOf(status),
      pid,
      uptimeMs: startedAt === undefined ? undefined : clock.elapsed() - startedAt,
      restarts,
      vitals: told === undefined ? undefined : withoutDurations(told.vitals),
      vitalsAgeMs: told === undefined ? undefined : this.#ageOf(name),
      resumesAt: this.#pauses.get(name)?.resumesAt,
    }
  }

  #ageOf(name: string): number {
    const told = this.#vitals.get(name)
    return told === undefined ? 0 : this.#options.clock.elapsed() - told.at
  }

  #watchBooks(): void {
    const { books, clock } = this.#options
    if (this.#stopWatching === undefined) books.start()
    this.#stopWatching?.()
    this.#stopWatching = clock.after(unwatchedMs, () => {
      this.#stopWatching = undefined
      this.#books = undefined
      books.stop()
    })
  }

  #sendSpeed(speed: number): void {
    this.#find('simulation')?.send({ type: 'speed', speed })
  }

  #find(name: string): Supervisor | undefined {
    return this.#options.supervisors().find((supervisor) => supervisor.name === name && kindOf(name) !== 'issuer')
  }
}

/** As a service of this application tells them. */
type ToldVitals = ServiceVitals & Pick<Vitals, 'tookMs'>

function withoutDurations({ tookMs: _, ...vitals }: ToldVitals): ServiceVitals {
  return vitals
}

function kindOf(name: string): ServiceKind {
  if (name === 'broker') return 'log'
  if (name === 'identity') return 'issuer'
  if (name === 'simulation') return 'simulation'
  return name.startsWith('payments') ? 'payments' : 'gateway'
}

function stateOf({ state, isPaused }: Supervisor['status']): ServiceState {
  if (isPaused) return 'paused'
  return state === 'starting' || state === 'running' ? state : 'down'
}
