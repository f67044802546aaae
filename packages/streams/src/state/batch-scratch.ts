/**
 * Data that a task collects during one batch, for `endOfBatch` to write. It has no changelog because it never outlives its batch,
 * committed or aborted; but like a store it undoes the writes of a record that is undone.
 */

import type { Scratch } from '../topology/topology.ts'
import { frozen } from './frozen.ts'

export type ScratchOptions = {
  /** As in stores: freezes values, so that a test detects a value that is changed in place. */
  readonly freezeValues: boolean
  /** Throws if no write is allowed now. */
  readonly admit: () => void
}

export class BatchScratch implements Scratch<unknown> {
  readonly #options: ScratchOptions
  readonly #entries = new Map<string, unknown>()
  /** The old value of each write; `undefined`: the key was absent. */
  readonly #replaced: { readonly key: string; readonly previous: unknown }[] = []

  constructor(options: ScratchOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** The number of writes so far, as a mark for undo. */
  get writes(): number {
    return this.#replaced.length
  }

  get(key: string): unknown {
    return this.#entries.get(key)
  }

  set(key: string, value: unknown): void {
    this.#options.admit()
    this.#replaced.push({ key, previous: this.#entries.get(key) })
    this.#entries.set(key, this.#options.freezeValues ? frozen(value) : value)
  }

  delete(key: string): void {
    this.#options.admit()
    if (!this.#entries.has(key)) return
    this.#replaced.push({ key, previous: this.#entries.get(key) })
    this.#entries.delete(key)
  }

  entries(): IterableIterator<[string, unknown]> {
    return this.#entries.entries()
  }

  undoTo(writes: number): void {
    while (this.#replaced.length > writes) {
      const last = this.#replaced.pop()
      if (last === undefined) return
      if (last.previous === undefined) this.#entries.delete(last.key)
      else this.#entries.set(last.key, last.previous)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#replaced.length = 0
  }
}
