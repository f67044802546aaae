import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * Choices that a seed repeats. Each user takes an instance of its own, so that the timing of others changes nothing.
 */
export class SeededRandom {
  readonly #generator: ReturnType<typeof xoroshiro128plus>

  constructor(seed: string) {
    this.#generator = xoroshiro128plus(hash(seed))
  }

  /** From 0 (inclusive) to 1 (exclusive). */
  readonly fraction = (): number => (this.#generator.next() >>> 0) / 2 ** 32

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low)
  }

  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  chance(share: number): boolean {
    return this.fraction() < share
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)]
    if (chosen === undefined) throw new Error('there is nothing to pick from')
    return chosen
  }
}

/** A 32-bit seed of a text (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return value | 0
}
