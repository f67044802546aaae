/**
 * Writes to the disk what is committed, off the path of the next batch: a moment after a commit, when the requests of the next
 * transaction are on their way and the process would wait for the log. Hot keys are written once for many batches.
 */
import type { StreamClock } from '../log/stream-clock.ts'
import type { Replica } from '../task/replica.ts'

export type FlusherOptions = {
  readonly replicas: readonly Replica[]
  readonly clock: StreamClock
  /** The longest that what is committed stays in memory alone. */
  readonly everyMs: number
  /** So many entries are written without waiting. */
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

  /** Something has been committed. */
  committed(): void {
    const { replicas, everyMs, maxEntries } = this.#options
    if (this.#isDue) return
    const entries = replicas.reduce((sum, replica) => sum + replica.unflushed, 0)
    if (entries >= maxEntries) {
      this.#isDue = true
      this.#schedule(0)
    } else if (this.#cancel === undefined) this.#schedule(everyMs)
  }

  /** All that is committed. @throws StreamsError STREAMS_STATE_FAILED */
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
