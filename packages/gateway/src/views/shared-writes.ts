/**
 * One commit on the log changes most topics, and brings records to most feeds at once. Their writes in one turn of the event
 * loop share one local transaction: most of the cost of a small transaction is its beginning and its end.
 */
import { nextTick } from 'node:process'
import type { LocalBatch, LocalStore } from '@streampay/local-store'

/** The rows of one topic. */
export type Rows = {
  /** Adds them to the batch; false if they need not be written. */
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

  /** Resolves once the rows are written. If it rejects with a LocalStoreError, no row of any topic is written. */
  write(rows: Rows): Promise<void> {
    this.#rows.push(rows)
    this.#writing ??= new Promise((resolve, reject) => {
      // After the work that is due now: each feed that shared the fetch has its part.
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
