/**
 * Deletes consumed records of internal sources: only this application reads a repartition topic, so its committed records
 * are no longer needed. It sends one request at a time, at most one per interval, and only for partitions that have enough
 * consumed records. It runs beside the transactions and never delays one; a failed request is repeated an interval later.
 *
 * It never deletes past the committed offset: a successor begins at the committed offset, or at that of the positions changelog, which
 * is the same; both are at or above the new log start. During restoration there is no trimming.
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
  /** A partition with fewer consumed records is not trimmed. */
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
    // Records that were consumed before this start belong to the next trim: deleting them again has no effect.
    for (const at of this.#options.consumed()) this.#trimmedTo.set(keyOf(at), at.committedOffset)
    if (this.#trimmedTo.size > 0) this.#next()
  }

  /** A request under way is not cancelled: its records are committed, also if another process owns the partition by then. */
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
