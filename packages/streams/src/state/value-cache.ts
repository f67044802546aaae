/** What was read of the local store, as it was written to it last, decoded, for all stores and tables of a process within one bound. */
import { LRUCache } from 'lru-cache'

export type CachedValue = { readonly value: unknown; readonly timestamp: number }

/** The part of one store or table. */
export type CachePart = {
  /** What names an entry in the whole cache; another one once the part was cleared. Made once, it is hashed once. */
  idOf(name: string): string
  get(id: string): CachedValue | undefined
  /** Without counting as a read. */
  has(id: string): boolean
  /** @param bytes of the encoded value */
  set(id: string, value: CachedValue, bytes: number): void
  delete(id: string): void
  /** Forgets all of this part. */
  clear(): void
}

/** What an entry takes beside its key and value, roughly: its objects, and its place in the cache. */
const entryBytes = 200
/** A decoded value takes about so many times the bytes of its JSON. */
const decodedFactor = 3

export class ValueCache {
  readonly #values: LRUCache<string, CachedValue>
  #parts = 0

  /** @param maxBytes as they are estimated: keys, decoded values, and what surrounds them */
  constructor(maxBytes: number) {
    this.#values = new LRUCache({ maxSize: maxBytes })
  }

  part(): CachePart {
    const values = this.#values
    // Entries of a part that was cleared are never found again, and fall out by their age.
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
