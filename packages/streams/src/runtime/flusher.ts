/**
 * Writes committed entries to the disk without delaying the next batch: a moment after a commit, when the requests of the next
 * transaction are under way and the process would only wait for the log. A key that changes often is written once for many batches.
 */
import type { StreamClock } from '../log/stream-clock.ts'
import type { Replica } from '../task/replica.ts'

export type FlusherOptions = {
  readonly replicas: readonly Replica[]
  readonly clock: StreamClock
  /** The longest time that committed entries are only in memory. */
  readonly everyMs: number
  /** This number of entries is written without waiting. */
  readonly maxEntries: number
  onFlushed(): void
  onFailed(error: unknown): void
}

export class Flusher {
  readonly #options: FlusherOptions
  #cancel: (() => void) | undefined
  #isDue = false

  constructor(options: FlusherOptions) {
    this.#options = options
  }

  /** Call it after each commit. */
  committed(): void {
    const { replicas, everyMs, maxEntries } = this.#options
    if (this.#isDue) return
    const entries = replicas.reduce((sum, replica) => sum + replica.unflushed, 0)
    if (entries >= maxEntries) {
      this.#isDue = true
      this.#schedule(0)
    } else if (this.#cancel === undefined) this.#schedule(everyMs)
  }

  /** Writes all committed entries. @throws StreamsError STREAMS_STATE_FAILED */
  flush(): void {
    this.stop()
    for (const replica of this.#options.replicas) replica.flush()
    this.#options.onFlushed()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#isDue = false
  }

  #schedule(ms: number): void {
    const { clock, onFailed } = this.#options
    this.#cancel?.()
    const flush = () => {
      try {
        this.flush()
      } catch (error) {
        onFailed(error)
      }
    }
    this.#cancel = clock.after(ms, flush, { background: true })
  }
}
