/**
 * Does one fault after the other, at times two at once, from a seed:
 *
 *     fault begins ──► over ──► all partitions answer ──► calm ──► next fault
 *        └─(at times)─► another one, of another part     (at times not waited for)
 *
 * Every kind has its turn: kinds are drawn from a shuffled bag that is filled again when it is empty.
 */
import type { SeededRandom } from '../support/seeded-random.ts'
import { type FaultKind, healAll, type Scene } from './fault-kinds.ts'
import type { RecoveryProbe } from './recovery-probe.ts'

export type NemesisOptions = {
  readonly scene: Scene
  readonly kinds: readonly FaultKind[]
  readonly probe: RecoveryProbe
  readonly note: (line: string) => void
  /** The end of the run: what is under way is finished. */
  readonly signal: AbortSignal
}

/** How long after its end a fault was felt, in ms; those that were overtaken by the next one are not measured. */
export type Recovery = { readonly kinds: string; readonly ms: number }

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
  readonly #bag: Bag

  constructor(options: NemesisOptions) {
    this.#options = options
    this.#bag = new Bag(options.kinds, options.scene.random)
  }

  /** Goes on until the signal aborts. @throws Error when partitions do not answer again, or a process can't start */
  async run(): Promise<void> {
    const { signal, scene } = this.#options
    let healing: Promise<unknown> = Promise.resolve()
    try {
      while (!signal.aborted) {
        const episode = await this.#episode()
        healing = episode.healed
        const overtaken = scene.random.chance(overtakeShare)
        if (!overtaken) await this.#measure(episode)
        // With three nodes, the next one may only go when the last one is back.
        await healing
        this.now = 'calm'
        if (!overtaken) await scene.sleep(scene.random.between(...calmMs))
      }
    } finally {
      await healAll(scene)
      await healing
    }
  }

  async #episode(): Promise<{ kinds: string; endedAt: number; healed: Promise<unknown> }> {
    const { scene } = this.#options
    const first = this.#bag.draw(scene)
    const second = scene.random.chance(overlapShare) ? this.#bag.draw(scene, first) : undefined
    const kinds = second === undefined ? first.kind : `${first.kind} + ${second.kind}`
    this.now = kinds
    const begun = [this.#begin(first)]
    if (second !== undefined) {
      await scene.sleep(scene.random.between(...overlapMs))
      begun.push(this.#begin(second))
    }
    const healings = await settled(begun)
    const healed = settled(healings.map(({ healed }) => healed))
    // It is awaited after the probe, which may fail first.
    healed.catch(() => undefined)
    return { kinds, endedAt: performance.now(), healed }
  }

  async #begin(kind: FaultKind): Promise<{ readonly healed: Promise<void> }> {
    this.counts[kind.kind] = (this.counts[kind.kind] ?? 0) + 1
    this.#options.note(`${kind.kind}`)
    return kind.begin(this.#options.scene)
  }

  async #measure({ kinds, endedAt }: { readonly kinds: string; readonly endedAt: number }): Promise<void> {
    const { probe, signal, note } = this.#options
    this.now = `recovering from ${kinds}`
    const recoveredAt = await probe.recovered(recoveryTimeoutMs, signal)
    if (recoveredAt === undefined) return
    const ms = Math.round(recoveredAt - endedAt)
    this.recoveries.push({ kinds, ms })
    note(`${kinds}: answered again after ${ms} ms`)
  }
}

class Bag {
  readonly #kinds: readonly FaultKind[]
  readonly #random: SeededRandom
  #left: FaultKind[] = []

  constructor(kinds: readonly FaultKind[], random: SeededRandom) {
    this.#kinds = kinds
    this.#random = random
  }

  /** The first that is possible now and of another part than `beside`; what is not stays for later. */
  draw(scene: Scene): FaultKind
  draw(scene: Scene, beside: FaultKind): FaultKind | undefined
  draw(scene: Scene, beside?: FaultKind): FaultKind | undefined {
    const fits = (kind: FaultKind) => kind.touches !== beside?.touches && (kind.possible?.(scene) ?? true)
    let at = this.#left.findIndex(fits)
    if (at === -1 && beside === undefined) {
      this.#left = [...this.#left, ...this.#shuffled()]
      at = this.#left.findIndex(fits)
      if (at === -1) throw new Error('none of the faults that were asked for is possible on this log')
    }
    return at === -1 ? undefined : this.#left.splice(at, 1)[0]
  }

  #shuffled(): FaultKind[] {
    const rest = [...this.#kinds]
    const shuffled: FaultKind[] = []
    while (rest.length > 0) shuffled.push(...rest.splice(this.#random.below(rest.length), 1))
    return shuffled
  }
}

/** All of them ended, whatever one of them did; then the first failure is thrown. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
