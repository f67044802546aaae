import type { SeededRandom } from '../support/seeded-random.ts'
import type { FaultKind, Part, Scene } from './fault-kinds.ts'

/** Draws kinds of faults so that each has its turn: from a shuffled list, which is filled again when none of the rest is possible. */
export class FaultBag {
  readonly #kinds: readonly FaultKind[]
  readonly #random: SeededRandom
  readonly #left: FaultKind[] = []

  constructor(kinds: readonly FaultKind[], random: SeededRandom) {
    this.#kinds = kinds
    this.#random = random
  }

  /** The first fault that is possible now and touches none of these parts, if there is one; the others stay for later. */
  draw(scene: Scene, untouchable: ReadonlySet<Part> = new Set()): FaultKind | undefined {
    const fits = (kind: FaultKind) => !untouchable.has(kind.touches) && (kind.possible?.(scene) ?? true)
    let at = this.#left.findIndex(fits)
    if (at === -1) {
      this.#left.push(...this.#shuffled().filter((kind) => !this.#left.includes(kind)))
      at = this.#left.findIndex(fits)
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
