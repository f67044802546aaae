/**
 * One commit on the log changes most topics, and brings something to most feeds at once. What they write in one turn of the event
 * loop goes into one local transaction: most of the cost of a small one is its beginning and its end.
 */
import { nextTick } from 'node:process'
import type { LocalBatch, LocalStore } from '@streampay/local-store'

/** The rows of one topic. */
export type Rows = {
  /** Puts them into the batch; false if they are not to be written. */
  readonly put: (batch: LocalBatch) => boolean
  /** They are written. */
  readonly settle: () => void
}

export class SharedWrites {
  readonly #store: LocalStore
  #rows: Rows[] = []
  #writing: Promise<void> | undefined

  constructor(store: LocalStore) {
    this.#store = store
  }

  /** Resolves once the rows are written. Rejects with a LocalStoreError: then no row of any topic is written. */
  write(rows: Rows): Promise<void> {
    this.#rows.push(rows)
    this.#writing ??= new Promise((resolve, reject) => {
      // After all that is to go on now: each feed that shared the fetch has its part.
      nextTick(() => {
        try {
          this.#writeAll()
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#writing
  }

  #writeAll(): void {
    const rows = this.#rows
    this.#rows = []
    this.#writing = undefined
    let written: readonly Rows[] = []
    this.#store.write((batch) => {
      written = rows.filter(({ put }) => put(batch))
    })
    for (const { settle } of written) settle()
  }
}
