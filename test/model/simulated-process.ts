/**
 * One process as the scheduler sees it. Every call to the log waits at two points: before it takes effect, and after that, before the
 * caller gets the result; at both the scheduler may run others first, and faults may happen. After a crash, the process has no effect any
 * more: its calls don't return and its timers don't fire.
 *
 *     call ─► before ──effect on the log──► after ─► the caller continues
 */
import type { StreamClock } from '../../packages/streams/src/log/stream-clock.ts'
import type { Cluster } from './cluster.ts'
import {
  type App,
  type ArmedFaults,
  errorOf,
  type InjectedError,
  type Point,
  type PointFault,
  type Side,
} from './faults.ts'
import type { Actor, Parked } from './scheduler.ts'
import { Work } from './work.ts'

export type ProcessOptions = {
  readonly cluster: Cluster
  readonly faults: ArmedFaults
  readonly slot: number
  readonly name: string
  /** The process has ended: killed, or by itself with an error. */
  onEnd(process: SimulatedProcess, cause: { readonly backAfterMs: number | undefined }): void
}

export type CallOptions = {
  /** The call takes effect only when this holds; absent: at once. */
  readonly ready?: () => boolean
  /** The time at which it takes effect in any case, in simulated ms since the start. */
  readonly dueAt?: number
}

type Wire = { readonly app: App; readonly point: Point }
type Call<T> = Wire & {
  readonly effect: () => T
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** How long a client tries to reach a log. */
const lateMs = 400
/** More calls than any process begins in one step of its own. */
const maxCallsInStep = 1_000

export class SimulatedProcess {
  readonly cluster: Cluster
  readonly slot: number
  readonly actor: Actor
  readonly clock: StreamClock
  /** What each topology has processed, its offsets, and its tasks. */
  readonly work: Record<App, Work> = { payments: new Work(), statistics: new Work() }
  /** Errors that were injected and may end it. */
  readonly injected = new Set<unknown>()
  #over = false
  /** The calls begun since the scheduler's last step, and the number of that step. */
  #begun = 0
  #begunAt = 0
  readonly #options: ProcessOptions
  /** Requests on their way to the log. */
  readonly #onTheWay = new Map<Parked, () => void>()

  constructor(options: ProcessOptions) {
    this.#options = options
    this.cluster = options.cluster
    this.slot = options.slot
    const { scheduler } = this.cluster
    this.actor = scheduler.actor(options.name)
    this.clock = {
      now: () => this.cluster.now,
      elapsed: () => scheduler.elapsed,
      after: (ms, action) => scheduler.after(this.actor, ms, action),
    }
  }

  get name(): string {
    return this.actor.name
  }

  get over(): boolean {
    return this.#over
  }

  call<T>(wire: Wire, effect: () => T, { ready, dueAt }: CallOptions = {}): Promise<T> {
    if (!this.#over) this.#endIfEndless(wire)
    if (this.#over) return new Promise(() => undefined)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const call: Call<T> = { ...wire, effect, resolve, reject }
    this.#parkBefore(call, { ...(ready && { ready }), ...(dueAt !== undefined && { dueAt }) })
    return promise
  }

  pause(forMs: number): void {
    const { scheduler } = this.cluster
    this.actor.frozen = true
    scheduler.note(this.actor, `stands still for ${forMs} ms`)
    scheduler.after(this.cluster.housekeeper, forMs, () => this.resume())
  }

  resume(): void {
    if (!this.#over && this.actor.frozen) this.cluster.scheduler.note(this.actor, 'goes on')
    this.actor.frozen = false
  }

  /** @param arrives Whether requests on their way take effect nevertheless. */
  crash({ arrives = false, backAfterMs }: { arrives?: boolean; backAfterMs?: number | undefined } = {}): void {
    if (this.#over) return
    this.#over = true
    const { scheduler, random } = this.cluster
    scheduler.note(this.actor, 'has crashed')
    for (const step of scheduler.drop(this.actor)) {
      const request = this.#onTheWay.get(step)
      if (request === undefined || !arrives) continue
      scheduler.after(this.cluster.housekeeper, lateMs * random.fraction(), request)
    }
    this.#options.onEnd(this, { backAfterMs })
  }

  /** Removes it without a crash, after an orderly end. */
  end(): void {
    this.#over = true
    this.cluster.scheduler.drop(this.actor)
  }

  /**
   * A loop that calls again and waits for nothing lets no other step follow: the event loop of a real process would stand still.
   * It ends here with its process, and the history with it.
   */
  #endIfEndless({ app, point }: Wire): void {
    const { scheduler, faults } = this.cluster
    if (this.#begunAt !== scheduler.steps) this.#begun = 0
    this.#begunAt = scheduler.steps
    this.#begun++
    if (this.#begun <= maxCallsInStep) return
    faults.push(`${app} of ${this.name} calls ${point} again and again without a wait`)
    this.crash()
  }

  #parkBefore<T>(call: Call<T>, timing: { ready?: () => boolean; dueAt?: number; notBefore?: number }): void {
    const { scheduler } = this.cluster
    const step = scheduler.park({
      actor: this.actor,
      name: call.point,
      ...timing,
      run: () => {
        this.#onTheWay.delete(step)
        const fault = this.#faultAt(call, 'before')
        if (fault !== undefined) return this.#interrupted(call, fault)
        this.#takeEffect(call)
        return false
      },
    })
    this.#onTheWay.set(step, () => {
      try {
        scheduler.note(this.actor, `${call.app} ${call.point} arrives late`)
        call.effect()
      } catch {
        // The log refused, and no caller is left.
      }
    })
  }

  #interrupted<T>(call: Call<T>, fault: PointFault): boolean {
    const { scheduler, random } = this.cluster
    switch (fault.kind) {
      case 'crash':
        this.#parkBefore(call, {})
        this.crash(fault)
        return true
      case 'pause':
        this.#parkBefore(call, {})
        this.pause(fault.forMs)
        return false
      case 'delay':
        this.#parkBefore(call, { notBefore: scheduler.elapsed + fault.forMs })
        return false
      case 'error':
        this.#parkAfter(call, () => this.#reject(call, fault.error), scheduler.elapsed + random.below(20))
        return false
    }
  }

  #takeEffect<T>(call: Call<T>): void {
    let settle: () => void
    try {
      const value = call.effect()
      settle = () => call.resolve(value)
    } catch (error) {
      settle = () => call.reject(error)
    }
    const { scheduler } = this.cluster
    const fault = this.#faultAt(call, 'after')
    if (fault?.kind === 'error') settle = () => this.#reject(call, fault.error)
    this.#parkAfter(call, settle, fault?.kind === 'delay' ? scheduler.elapsed + fault.forMs : 0)
    if (fault?.kind === 'pause') this.pause(fault.forMs)
    if (fault?.kind === 'crash') this.crash(fault)
  }

  #reject<T>(call: Call<T>, kind: InjectedError): void {
    const error = errorOf(kind, call.point)
    // After a fault that lets the transaction be aborted, the process continues.
    if (kind !== 'abortable') this.injected.add(error)
    call.reject(error)
  }

  #parkAfter<T>({ app, point }: Call<T>, settle: () => void, notBefore: number): void {
    const { scheduler } = this.cluster
    scheduler.note(this.actor, `${app} ${point}`)
    scheduler.park({
      actor: this.actor,
      name: point,
      notBefore,
      run: () => {
        settle()
        return true
      },
    })
  }

  #faultAt({ app, point }: Wire, side: Side): PointFault | undefined {
    const fault = this.#options.faults.take({ slot: this.slot, app, point, side })
    if (fault !== undefined) this.cluster.scheduler.note(this.actor, `${side} ${app} ${point}: ${fault.kind}`)
    return fault
  }
}
