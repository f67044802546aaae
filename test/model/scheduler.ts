/**
 * The one place that decides what happens next. An actor that wants to continue parks a step here; one step at a time is chosen, by the
 * seed alone, and runs until nothing is left to do without another step. Time is simulated: it moves a little with every step, and to the
 * next timer when no step is possible.
 *
 *     park ─► parked ──chosen──► run ─► every promise that it settled has been followed to its end ─► the next choice
 *
 * Choices are fair only in the long run: from time to time every actor is made faster or slower, up to a thousandfold, so that one waits
 * for long while others run.
 */
import type { Random } from './random.ts'

/** An actor: a process, the clients, or the log's own work on one partition. */
export class Actor {
  readonly name: string
  readonly number: number
  /** As SIGSTOP: its steps stay parked. */
  frozen = false
  speed = 1

  constructor(name: string, number: number) {
    this.name = name
    this.number = number
  }
}

export type Step = {
  readonly actor: Actor
  readonly name: string
  /** Whether it can run now; absent: always. */
  readonly ready?: () => boolean
  /** From this time on it can run, ready or not. */
  dueAt?: number
  /** Not earlier than this. */
  notBefore?: number
  /** Whether a promise was settled whose followers must run before the next choice. */
  readonly run: () => boolean
}

/** A parked step; `cancelled` ones are removed. */
export type Parked = Step & { cancelled: boolean }

export type SchedulerOptions = {
  readonly random: Random
  /** How much time a step takes on average, in ms. */
  readonly paceMs: number
  /** How unequal actors are: their speeds are drawn from these. */
  readonly speeds: readonly number[]
}

/** The number of steps with the same speeds, on average. */
const stepsPerSpeed = 80

export class Scheduler {
  /** Simulated milliseconds since the start. */
  elapsed = 0
  steps = 0
  /** Called for every event, for a reader of the run. */
  trace: ((line: string) => void) | undefined
  readonly #options: SchedulerOptions
  readonly #actors: Actor[] = []
  #parked: Parked[] = []
  #hash = 0x811c9dc5

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  /** A number that is equal only for two runs with the same choices. */
  get hash(): number {
    return this.#hash >>> 0
  }

  actor(name: string): Actor {
    const actor = new Actor(name, this.#actors.length)
    actor.speed = this.#options.random.pick(this.#options.speeds)
    this.#actors.push(actor)
    return actor
  }

  park(step: Step): Parked {
    const parked = step as Parked
    parked.cancelled = false
    this.#parked.push(parked)
    return parked
  }

  /** Calls the action once, as a step of the actor. @returns a function that cancels it */
  after(actor: Actor, ms: number, action: () => void): () => void {
    const run = () => {
      action()
      return true
    }
    const parked = this.park({ actor, name: 'timer', notBefore: this.elapsed + ms, run })
    return () => {
      parked.cancelled = true
    }
  }

  /** Removes the parked steps of an actor, and returns them. */
  drop(actor: Actor): Parked[] {
    const dropped = this.#parked.filter((step) => step.actor === actor && !step.cancelled)
    for (const step of dropped) step.cancelled = true
    return dropped
  }

  note(actor: Actor | undefined, text: string): void {
    this.trace?.(`${(this.elapsed / 1_000).toFixed(3).padStart(9)} s  ${(actor?.name ?? '').padEnd(18)} ${text}`)
  }

  /** Mixes a number into the hash of the run. */
  observe(number: number): void {
    this.#hash = Math.imul(this.#hash ^ number, 0x01000193)
  }

  /** Runs until the condition holds (`true`), or until no step is ever possible again, or this many steps were taken (`false`). */
  async runUntil(condition: () => boolean, maxSteps: number): Promise<boolean> {
    await atRest()
    const last = this.steps + maxSteps
    while (!condition()) {
      if (this.steps >= last) return false
      const step = this.#choose()
      if (step === undefined) return false
      this.steps++
      this.elapsed += this.#options.paceMs * 2 * this.#options.random.fraction()
      this.observe(step.actor.number)
      this.observe(this.#parked.length)
      if (step.run()) await atRest()
    }
    return true
  }

  #choose(): Step | undefined {
    const { random } = this.#options
    if (random.below(stepsPerSpeed) === 0) this.#changeSpeeds()
    for (;;) {
      const able: Parked[] = []
      let total = 0
      for (const step of this.#living()) {
        if (!this.#isAble(step)) continue
        able.push(step)
        total += step.actor.speed
      }
      if (able.length === 0) {
        if (this.#jump()) continue
        return undefined
      }
      const chosen = inProportion(able, random.fraction() * total)
      if (chosen !== undefined) chosen.cancelled = true
      return chosen
    }
  }

  #living(): readonly Parked[] {
    let kept = 0
    for (const step of this.#parked) {
      if (step.cancelled) continue
      this.#parked[kept++] = step
    }
    this.#parked.length = kept
    return this.#parked
  }

  #isAble({ actor, ready, dueAt, notBefore }: Step): boolean {
    if (actor.frozen || (notBefore !== undefined && this.elapsed < notBefore)) return false
    return ready === undefined || (dueAt !== undefined && this.elapsed >= dueAt) || ready()
  }

  /** Moves time to the next moment at which a step may be possible. */
  #jump(): boolean {
    let next = Number.POSITIVE_INFINITY
    for (const { actor, dueAt, notBefore } of this.#parked) {
      if (actor.frozen) continue
      if (notBefore !== undefined && notBefore > this.elapsed) next = Math.min(next, notBefore)
      else if (dueAt !== undefined && dueAt > this.elapsed) next = Math.min(next, dueAt)
    }
    if (next === Number.POSITIVE_INFINITY) return false
    this.elapsed = next
    return true
  }

  #changeSpeeds(): void {
    const { random, speeds } = this.#options
    for (const actor of this.#actors) actor.speed = random.pick(speeds)
  }
}

/** The step in whose share of all speeds the number is. */
function inProportion(steps: readonly Parked[], number: number): Parked | undefined {
  let left = number
  for (const step of steps) {
    left -= step.actor.speed
    if (left < 0) return step
  }
  return steps.at(-1)
}

/** The next turn of the event loop comes only when all settled promises have run their followers. */
function atRest(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
