/**
 * Keeps the global tables: one reader over all partitions of their topics, from the beginning and then for ever. Processing
 * begins once the tables have reached what was committed when they were opened; a Wait ends when a table has reached the end
 * of its topic as it was when the wait began.
 */
import type { FetchedRecords, TopicPartition } from '@streampay/kafka'
import type { Logger } from 'pino'
import { StreamsError } from './errors.ts'
import { GlobalTable } from './global-table.ts'
import type { StreamsMetrics } from './metrics.ts'
import type { PendingWait } from './source-queue.ts'
import { type Moment, moment, msSince, type StreamClock } from './stream-clock.ts'
import { keyOf, type LogReader, type StreamLog } from './stream-log.ts'
import type { GlobalTableDefinition } from './topology.ts'

export type TableFollowerOptions = {
  readonly definitions: readonly GlobalTableDefinition[]
  readonly partitionCounts: ReadonlyMap<string, number>
  readonly log: StreamLog
  readonly logger: Logger
  readonly metrics: StreamsMetrics
  readonly stallTimeoutMs: number
  /** Tables that were not read for so long cannot be read on: tombstones may have come and gone. */
  readonly maxAgeMs: number
  readonly clock: StreamClock
  /** A fault that ends the following: the tables would be stale for ever. */
  onFailed(error: unknown): void
}

type Waiter = { readonly behind: Map<string, number>; readonly reached: () => void }

export class TableFollower {
  readonly tables: ReadonlyMap<string, GlobalTable>
  readonly #options: TableFollowerOptions
  readonly #byTopic: ReadonlyMap<string, readonly GlobalTable[]>
  readonly #partitions: readonly TopicPartition[]
  readonly #positions = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  /** Take back the timers that have not rung yet. */
  readonly #timers = new Set<() => void>()
  readonly #closing = Promise.withResolvers<void>()
  #reader: LogReader | undefined
  /** The last time that the log was asked for more. */
  #askedAt: Moment | undefined
  #following: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: TableFollowerOptions) {
    this.#options = options
    const counts = options.partitionCounts
    const tables = options.definitions.map(
      (definition) => new GlobalTable(definition, counts.get(definition.topic) ?? 0),
    )
    this.tables = new Map(tables.map((table) => [table.definition.name, table]))
    this.#byTopic = Map.groupBy(tables, (table) => table.definition.topic)
    this.#partitions = [...this.#byTopic.keys()].flatMap((topic) => partitionsOf(topic, counts.get(topic) ?? 0))
  }

  /**
   * Resolves when the tables hold all that was committed at the call, or on `close`; they then follow by themselves.
   * @throws StreamsError STREAMS_RESTORE_STALLED
   */
  async open(): Promise<void> {
    if (this.#partitions.length === 0) return
    const { log, stallTimeoutMs } = this.#options
    const starts = await log.offsets(this.#partitions, 'start')
    const ends = await log.offsets(this.#partitions, 'stable-end')
    for (const [key, start] of starts) this.#positions.set(key, start)
    if (this.#closed) return
    // Not lent: lent records have no headers, by which a definition may judge who wrote them.
    this.#reader = log.openReader()
    this.#reader.assign(this.#partitions.map((at) => ({ ...at, offset: starts.get(keyOf(at)) ?? 0 })))
    this.#following = this.#follow(this.#reader)
    const timeout = Promise.withResolvers<never>()
    const cancel = this.#after(stallTimeoutMs, () => {
      const message = `The global tables were not read to their end within ${stallTimeoutMs} ms.`
      timeout.reject(new StreamsError('STREAMS_RESTORE_STALLED', message))
    })
    try {
      await Promise.race([this.#reach(ends).promise, timeout.promise, this.#closing.promise])
    } finally {
      cancel()
    }
  }

  /** Sets the outcome of a wait when the table has reached its topic's present end, or the time is over; then calls `done`. */
  startWait(wait: PendingWait, done: () => void): void {
    const table = this.tables.get(wait.wait.waitFor)
    const partitions = this.#partitions.filter((at) => at.topic === table?.definition.topic)
    let waiter: Waiter | undefined
    const finish = (outcome: 'reached' | 'timed-out') => {
      if (wait.outcome !== 'pending' || this.#closed) return
      cancel()
      if (waiter !== undefined) this.#waiters.delete(waiter)
      wait.outcome = outcome
      done()
    }
    const cancel = this.#after(wait.wait.timeoutMs, () => finish('timed-out'))
    this.#options.log.offsets(partitions, 'end').then(
      (ends) => {
        if (wait.outcome !== 'pending') return
        const reaching = this.#reach(ends)
        waiter = reaching.waiter
        reaching.promise.then(() => finish('reached'), undefined)
      },
      (error: unknown) => {
        // The timer still ends the wait; the log being away is told by everything else that uses it.
        this.#options.logger.warn(
          { err: error, table: wait.wait.waitFor },
          'the end of a global table could not be read',
        )
      },
    )
  }

  /**
   * What a process knew before it was stopped for a day may be wrong, in a way that reading on does not mend; and to decide
   * from half a table would be as wrong.
   * @throws StreamsError STREAMS_TABLES_OUTDATED
   */
  assertFresh(): void {
    const { clock, maxAgeMs } = this.#options
    if (this.#askedAt === undefined || msSince(clock, this.#askedAt) <= maxAgeMs) return
    const message = `The global tables were not read for more than ${maxAgeMs} ms: what was deleted meanwhile may have left no trace.`
    throw new StreamsError('STREAMS_TABLES_OUTDATED', message)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#closing.resolve()
    for (const cancel of this.#timers) cancel()
    await this.#reader?.close()
    await this.#following
  }

  async #follow(reader: LogReader): Promise<void> {
    try {
      while (!this.#closed) {
        this.#askedAt = moment(this.#options.clock)
        const news = await reader.poll()
        this.assertFresh()
        for (const fetched of news) this.#apply(fetched)
      }
    } catch (error) {
      if (!this.#closed) this.#options.onFailed(error)
    }
  }

  #apply(fetched: FetchedRecords): void {
    for (const table of this.#byTopic.get(fetched.topic) ?? []) {
      for (const record of fetched.records) {
        if (table.apply(record) === 'applied') continue
        const { name } = table.definition
        this.#options.metrics.tablePassedOver(name)
        this.#options.logger.warn(
          { table: name, at: `${keyOf(record)}/${record.offset}` },
          'passed over a table record',
        )
      }
    }
    const key = keyOf(fetched)
    this.#positions.set(key, fetched.position)
    for (const waiter of this.#waiters) {
      if (fetched.position >= (waiter.behind.get(key) ?? Number.POSITIVE_INFINITY)) waiter.behind.delete(key)
      if (waiter.behind.size > 0) continue
      this.#waiters.delete(waiter)
      waiter.reached()
    }
  }

  #reach(ends: ReadonlyMap<string, number>): { promise: Promise<void>; waiter: Waiter | undefined } {
    const behind = new Map([...ends].filter(([key, end]) => (this.#positions.get(key) ?? 0) < end))
    if (behind.size === 0) return { promise: Promise.resolve(), waiter: undefined }
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = { behind, reached: resolve }
    this.#waiters.add(waiter)
    return { promise, waiter }
  }

  /** Calls the action later, unless that is taken back before, or the tables are closed. */
  #after(ms: number, action: () => void): () => void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel)
      action()
    })
    this.#timers.add(cancel)
    return () => {
      cancel()
      this.#timers.delete(cancel)
    }
  }
}

function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}
