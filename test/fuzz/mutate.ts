import type { SeededRandom } from '../support/seeded-random.ts'

/** The bytes with one to eight changes: flipped, replaced, removed, doubled, truncated. */
export function mutated(random: SeededRandom, bytes: Buffer): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (let left = 1 + random.below(8); left > 0 && result.length > 0; left--) result = changed(random, result)
  return result
}

function changed(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length)
  const length = 1 + random.below(8)
  switch (random.below(6)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      return bytes
    case 1:
      bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff])
      return bytes
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, random.below(256)), bytes.subarray(at)])
    default:
      return random.chance(0.3) ? bytes.subarray(0, at) : bytes
  }
}
