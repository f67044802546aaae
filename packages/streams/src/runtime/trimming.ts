/**
 * Deletes the records of internal sources that were consumed: nobody else reads a repartition topic, so what is committed
 * there is done with. Lazy and bounded: one request at a time, at most one an interval, and only for partitions where
 * enough has gathered. It runs beside the transactions and never delays one; what fails is tried again an interval later.
 *
 * Never past what is committed: a successor begins at the committed offset, or at that of the positions changelog, which
 * are the same; both lie at or above the log start that is left here. During restoration there is no trimming at all.
 */
import { keyOf, type TopicPartition } from '@streampay/kafka'
import type { Logger } from 'pino'
import type { StreamClock } from '../log/stream-clock.ts'
import type { StreamLog } from '../log/stream-log.ts'

export type TrimmerOptions = {
  readonly log: StreamLog
  readonly logger: Logger
  readonly clock: StreamClock
  readonly everyMs: number
  /** Fewer records of one partition are left alone. */
  readonly minRecords: number
  /** The internal sources of this process, with the offset behind their last committed record. */
  consumed(): ReadonlyArray<TopicPartition & { readonly committedOffset: number }>
}

export class Trimmer {
  readonly #options: TrimmerOptions
  readonly #trimmedTo = new Map<string, number>()
  #cancel: () => void = () => undefined
  #stopped = false

  constructor(options: TrimmerOptions) {
    this.#options = options
  }

  start(): void {
    // What was consumed before this start goes with the next trim: whether it was deleted already need not be known.
    for (const at of this.#options.consumed()) this.#trimmedTo.set(keyOf(at), at.committedOffset)
    if (this.#trimmedTo.size > 0) this.#next()
  }

  /** A request under way is left to itself: what it deletes was committed, whoever has the partition by then. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #next(): void {
    if (this.#stopped) return
    const { clock, everyMs } = this.#options
    const trim = () => {
      this.#trim().then(
        () => this.#next(),
        (error: unknown) => {
          if (this.#stopped) return
          this.#options.logger.warn({ err: error }, 'consumed records could not be deleted; this is tried again')
          this.#next()
        },
      )
    }
    this.#cancel = clock.after(everyMs, trim, { background: true })
  }

  async #trim(): Promise<void> {
    const { log, logger, minRecords, consumed } = this.#options
    const due = consumed()
      .filter((at) => at.committedOffset - (this.#trimmedTo.get(keyOf(at)) ?? 0) >= minRecords)
      .map(({ topic, partition, committedOffset }) => ({ topic, partition, beforeOffset: committedOffset }))
    if (due.length === 0) return
    await log.deleteRecords(due)
    for (const at of due) this.#trimmedTo.set(keyOf(at), at.beforeOffset)
    logger.debug({ deleted: due }, 'deleted consumed records')
  }
}
