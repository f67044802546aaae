/** The decoded values of the local store that were read, in their newest state, for all stores and tables of a process within one limit. */
import { LRUCache } from 'lru-cache'

export type CachedValue = { readonly value: unknown; readonly timestamp: number }

/** The part of one store or table. */
export type CachePart = {
  /** The id of an entry in the whole cache; it changes when the part is cleared. Reuse the string, so that it is hashed once. */
  idOf(name: string): string
  get(id: string): CachedValue | undefined
  /** Reads without counting as a use. */
  has(id: string): boolean
  /** @param bytes the size of the encoded value */
  set(id: string, value: CachedValue, bytes: number): void
  delete(id: string): void
  /** Removes all entries of this part. */
  clear(): void
}

/** The approximate size of an entry beside its key and value: its objects, and its place in the cache. */
const entryBytes = 200
/** A decoded value takes about this many times the bytes of its JSON. */
const decodedFactor = 3

export class ValueCache {
  readonly #values: LRUCache<string, CachedValue>
  #parts = 0

  /** @param maxBytes the estimated size of keys, decoded values and overhead */
  constructor(maxBytes: number) {
    this.#values = new LRUCache({ maxSize: maxBytes })
  }

  part(): CachePart {
    const values = this.#values
    // Entries of a cleared part are never found again, and are evicted when they are the oldest.
    let prefix = `${this.#parts++}:`
    return {
      idOf: (name) => prefix + name,
      get: (id) => values.get(id),
      has: (id) => values.has(id),
      set: (id, value, bytes) => {
        values.set(id, value, { size: entryBytes + id.length * 2 + bytes * decodedFactor })
      },
      delete: (id) => void values.delete(id),
      clear: () => {
        prefix = `${this.#parts++}:`
      },
    }
  }
}
