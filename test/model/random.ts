/** Seeded randomness: every run of the model is a pure function of its seed. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export class Random {
  readonly #generator

  /** Streams of one seed under different names are independent. */
  constructor(seed: number, stream: string) {
    this.#generator = xoroshiro128plus(mixed(seed, stream))
    // The first numbers of neighbouring seeds are similar.
    for (let i = 0; i < 4; i++) this.#generator.next()
  }

  /** 0 ≤ number < 1 */
  fraction(): number {
    return (this.#generator.next() >>> 0) / 0x1_0000_0000
  }

  /** A whole number, 0 ≤ number < limit. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** @throws Error if there is nothing to pick from */
  pick<T>(list: readonly T[]): T {
    const index = this.below(list.length)
    if (index >= list.length) throw new Error('there is nothing to pick from')
    return list[index] as T
  }

  /** One of the values, in proportion to their weights. */
  weighted<T>(list: ReadonlyArray<readonly [weight: number, value: T]>): T {
    let left = this.fraction() * list.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of list) {
      left -= weight
      if (left < 0) return value
    }
    const last = list.at(-1)
    if (last === undefined) throw new Error('there is nothing to pick from')
    return last[1]
  }
}

/** The seed and the name of the stream in 32 bits (FNV-1a, then the finalizer of MurmurHash3). */
function mixed(seed: number, stream: string): number {
  let value = 0x811c9dc5
  for (const char of `${seed} ${stream}`) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) | 0
}
