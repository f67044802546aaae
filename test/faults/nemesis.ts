/**
 * Causes one fault after the other, sometimes two at once, from a seed:
 *
 *     fault begins ──► over ──► all partitions answer ──► calm ──► next fault
 *        └─(at times)─► another one, of another part     (at times not waited for)
 */
import { FaultBag } from './fault-bag.ts'
import { type FaultKind, healAll, type Part, type Scene } from './fault-kinds.ts'
import type { RecoveryProbe } from './recovery-probe.ts'

export type NemesisOptions = {
  readonly scene: Scene
  readonly kinds: readonly FaultKind[]
  readonly probe: RecoveryProbe
  readonly note: (line: string) => void
  /** The end of the run: faults under way are finished. */
  readonly signal: AbortSignal
}

/**
 * How long after its end a fault still had effects, in ms. For several (`a + b`) that ended close together, from the end of the last one.
 */
export type Recovery = { readonly kinds: string; readonly ms: number }

type Episode = { readonly kinds: string; readonly endedAt: number }

const recoveryTimeoutMs = 120_000
const overlapShare = 0.3
const overtakeShare = 0.2
const overlapMs = [0, 3_000] as const
const calmMs = [300, 2_000] as const

export class Nemesis {
  readonly counts: Record<string, number> = {}
  readonly recoveries: Recovery[] = []
  /** What it is doing now. */
  now = 'calm'
  readonly #options: NemesisOptions
  readonly #bag: FaultBag
  /** The parts that have a fault, or that have not healed since. */
  readonly #healing = new Map<Part, Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(options: NemesisOptions) {
    this.#options = options
    this.#bag = new FaultBag(options.kinds, options.scene.random)
  }

  /** Continues until the signal aborts. @throws Error if partitions do not answer again, or a process can't start */
  async run(): Promise<void> {
    const { signal, scene } = this.#options
    /** Faults that were not awaited, and whose effects may last. */
    let before = ''
    try {
      while (!signal.aborted) {
        const { kinds, endedAt } = await this.#episode()
        const all = [before, kinds].filter((part) => part !== '').join(' + ')
        // Not twice in a row: otherwise the system might never recover within a run.
        const isOvertaken = before === '' && scene.random.chance(overtakeShare)
        if (!isOvertaken && all !== '') await this.#measure({ kinds: all, endedAt })
        before = isOvertaken ? all : ''
        this.now = 'calm'
        await scene.sleep(scene.random.between(...calmMs))
        if (this.#failure !== undefined) throw this.#failure.error
      }
    } finally {
      await healAll(scene)
      await Promise.all(this.#healing.values())
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** One fault, or two; none if none is possible before a part has healed. */
  async #episode(): Promise<Episode> {
    const { scene } = this.#options
    const first = this.#draw()
    if (first === undefined) return { kinds: '', endedAt: performance.now() }
    const second = scene.random.chance(overlapShare) ? this.#draw() : undefined
    const kinds = second === undefined ? first.kind : `${first.kind} + ${second.kind}`
    this.now = kinds
    const begun = [this.#begin(first)]
    if (second !== undefined) {
      await scene.sleep(scene.random.between(...overlapMs))
      begun.push(this.#begin(second))
    }
    await Promise.all(begun)
    return { kinds, endedAt: performance.now() }
  }

  /** Its part is excluded until it has healed: with three nodes, the next one may be killed only when the last one is back. */
  #draw(): FaultKind | undefined {
    const kind = this.#bag.draw(this.#options.scene, new Set(this.#healing.keys()))
    if (kind !== undefined) this.#healing.set(kind.touches, Promise.resolve())
    return kind
  }

  /** Resolves when the fault is over; an error in causing or healing it is thrown at the end of the round. */
  async #begin({ kind, touches, begin }: FaultKind): Promise<void> {
    const { scene, note } = this.#options
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    note(kind)
    const fail = (error: unknown) => {
      this.#failure ??= { error }
    }
    try {
      const { healed } = await begin(scene)
      const healing = healed.catch(fail).then(() => {
        this.#healing.delete(touches)
      })
      this.#healing.set(touches, healing)
    } catch (error) {
      fail(error)
    }
  }

  async #measure({ kinds, endedAt }: Episode): Promise<void> {
    const { probe, signal, note } = this.#options
    this.now = `recovering from ${kinds}`
    const recoveredAt = await probe.recovered(recoveryTimeoutMs, signal)
    if (recoveredAt === undefined) return
    const ms = Math.round(recoveredAt - endedAt)
    this.recoveries.push({ kinds, ms })
    note(`${kinds}: answered again after ${ms} ms`)
  }
}
