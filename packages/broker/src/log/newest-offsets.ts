/**
 * The newest offset of each key, for compaction: of a key only a digest is stored (128 bits of SHA-256, because a client chooses
 * the keys and could provoke collisions), with the offset in 24 bytes. The table is at most three quarters full: 32 to 64 bytes per key.
 */

import { hash } from 'node:crypto'

const words = 4
const initialSlots = 4096
const maxFill = 0.75
const free = -1

export class NewestOffsets {
  readonly #maxKeys: number
  #digests = new Uint32Array(initialSlots * words)
  #offsets = new Float64Array(initialSlots).fill(free)
  #size = 0

  /** @param maxKeys a hint for `hasRoomFor`: a batch that is begun is always added as a whole */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  hasRoomFor(keys: number): boolean {
    return this.#size === 0 || this.#size + keys <= this.#maxKeys
  }

  /** Offsets must ascend. */
  set(key: Buffer, offset: number): void {
    if (this.#size >= this.#offsets.length * maxFill) this.#grow()
    const digest = digestOf(key)
    const slot = this.#slotOf(digest, 0)
    if (this.#offsets[slot] === free) {
      this.#digests.set(digest, slot * words)
      this.#size += 1
    }
    this.#offsets[slot] = offset
  }

  /** -1 for a key that was not set. */
  get(key: Buffer): number {
    return this.#offsets[this.#slotOf(digestOf(key), 0)] ?? free
  }

  /** The slot of the digest at `from`, or the free slot for it. */
  #slotOf(digests: Uint32Array, from: number): number {
    const mask = this.#offsets.length - 1
    for (let slot = (digests[from] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      if (this.#offsets[slot] === free || this.#isAt(slot, digests, from)) return slot
    }
  }

  #isAt(slot: number, digests: Uint32Array, from: number): boolean {
    for (let word = 0; word < words; word++) {
      if (this.#digests[slot * words + word] !== digests[from + word]) return false
    }
    return true
  }

  #grow(): void {
    const [digests, offsets] = [this.#digests, this.#offsets]
    this.#digests = new Uint32Array(digests.length * 2)
    this.#offsets = new Float64Array(offsets.length * 2).fill(free)
    for (const [slot, offset] of offsets.entries()) {
      if (offset === free) continue
      const place = this.#slotOf(digests, slot * words)
      this.#digests.set(digests.subarray(slot * words, (slot + 1) * words), place * words)
      this.#offsets[place] = offset
    }
  }
}

/** The digest of the last key: an array for each of millions of keys would become garbage at once. */
const digestOfKey = new Uint32Array(words)

function digestOf(key: Buffer): Uint32Array {
  const digest = hash('sha256', key, 'buffer')
  for (let word = 0; word < words; word++) digestOfKey[word] = digest.readUInt32LE(word * 4)
  return digestOfKey
}
