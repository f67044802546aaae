import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** The only source of chance in the behaviour: the same seed gives the same choices. */
export type Random = {
  /** From `min` to `max`, both included. */
  integer(min: number, max: number): number
  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean
  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T
}

export function openRandom(seed: string): Random {
  const generator = xoroshiro128plus(hashOf(seed))
  const integer = (min: number, max: number) => uniformInt(generator, min, max)
  return {
    integer,
    chance: (percent) => integer(0, 99) < percent,
    pick(list) {
      const picked = list[integer(0, list.length - 1)]
      if (picked === undefined) throw new RangeError('nothing to pick from')
      return picked
    },
  }
}

/** 32 bits of FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash | 0
}
