import type { SegmentIndex } from './segment-index.ts'

/** The most recently used indexes, up to a number of bytes; that of a full segment of 64 MiB has 320 KB. */
export class IndexCache {
  readonly #maxBytes: number
  /** The most recently used one is the last. */
  readonly #indexes = new Map<object, SegmentIndex>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(segment: object): SegmentIndex | undefined {
    const index = this.#indexes.get(segment)
    if (index === undefined) return undefined
    this.#indexes.delete(segment)
    this.#indexes.set(segment, index)
    return index
  }

  put(segment: object, index: SegmentIndex): void {
    this.delete(segment)
    this.#indexes.set(segment, index)
    this.#bytes += index.bytes
    for (const other of this.#indexes.keys()) {
      if (this.#bytes <= this.#maxBytes || other === segment) return
      this.delete(other)
    }
  }

  delete(segment: object): void {
    const index = this.#indexes.get(segment)
    if (index === undefined) return
    this.#indexes.delete(segment)
    this.#bytes -= index.bytes
  }
}
