/**
 * Keeps the global tables up to date with one reader over all partitions of their topics, from the position of the local store, or
 * else from the beginning, until the process ends. Records are written to the local store at once, together with the positions behind
 * them. Processing begins once the tables have reached the end of the records committed at opening; a Wait ends when
 * a table has reached the end that its topic had when the wait began.
 */
import { type FetchedRecords, keyOf, type RecordWitness, type TopicPartition, witnessOf } from '@streampay/kafka'
import type { LocalBatch } from '@streampay/local-store'
import type { Logger } from 'pino'
import { StreamsError } from '../errors.ts'
import { SetAsideRecords } from '../log/set-aside.ts'
import { type Moment, moment, momentOf, msSince, type StreamClock } from '../log/stream-clock.ts'
import type { LogReader, StreamLog } from '../log/stream-log.ts'
import { GlobalTable } from '../state/global-table.ts'
import type { Claim, LocalState, PartitionNote } from '../state/local-state.ts'
import type { PendingWait } from '../task/source-queue.ts'
import type { GlobalTableDefinition } from '../topology/topology.ts'
import type { StreamsMetrics } from './metrics.ts'
import { doubtsOf } from './proof.ts'

export type TableFollowerOptions = {
  readonly definitions: readonly GlobalTableDefinition[]
  readonly partitionCounts: ReadonlyMap<string, number>
  readonly log: StreamLog
  readonly logger: Logger
  readonly metrics: StreamsMetrics
  readonly stallTimeoutMs: number
  /** After this time without reading, a table can't continue: tombstones may have been written and compacted away. */
  readonly maxAgeMs: number
  readonly clock: StreamClock
  readonly state: LocalState
  readonly topicIds: ReadonlyMap<string, string>
  /** How often it asks whether the tables are complete. */
  readonly checkEveryMs: number
  /** Called with an error that ends the following: the tables would be stale from then on. */
  onFailed(error: unknown): void
}

/** The note in the local store about a topic. */
type Note = {
  /** Which tables were built from it, by which rules. */
  readonly tables: string
  /** Every record that the tables lack was still on the topic at this moment, or came later; wall-clock time in ms. */
  readonly completeAt: number
  /** By partition number. */
  readonly partitions: Readonly<Record<number, PartitionNote>>
}

type Waiter = { readonly behind: Map<string, number>; readonly reached: () => void }

export class TableFollower {
  readonly tables: ReadonlyMap<string, GlobalTable>
  readonly #options: TableFollowerOptions
  readonly #byTopic: ReadonlyMap<string, readonly GlobalTable[]>
  readonly #partitions: readonly TopicPartition[]
  readonly #positions = new Map<string, number>()
  /** The last record read from each partition. */
  readonly #lasts = new Map<string, RecordWitness>()
  /** By topic, the moment at which its tables were last complete. */
  readonly #completeAt = new Map<string, Moment>()
  readonly #waiters = new Set<Waiter>()
  /** Cancel the timers that have not fired yet. */
  readonly #timers = new Set<() => void>()
  readonly #closing = Promise.withResolvers<void>()
  readonly #aborting = new AbortController()
  #reader: LogReader | undefined
  /** The time of the last request for records. */
  #askedAt: Moment | undefined
  #following: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: TableFollowerOptions) {
    this.#options = options
    const counts = options.partitionCounts
    const tables = options.definitions.map(
      (definition) =>
        new GlobalTable({
          definition,
          partitionCount: counts.get(definition.topic) ?? 0,
          ...options.state.globalTable(definition.name),
        }),
    )
    this.tables = new Map(tables.map((table) => [table.definition.name, table]))
    this.#byTopic = Map.groupBy(tables, (table) => table.definition.topic)
    this.#partitions = [...this.#byTopic.keys()].flatMap((topic) => partitionsOf(topic, counts.get(topic) ?? 0))
  }

  /**
   * Resolves when the tables have all records that were committed at the call, or on `close`; after that they follow on their own.
   * @throws StreamsError STREAMS_RESTORE_STALLED
   */
  async open(): Promise<void> {
    try {
      await this.#openAll()
    } catch (error) {
      // The requests of the opening end with the signal's own reason.
      if (!this.#closed || error !== this.#aborting.signal.reason) throw error
    }
  }

  async #openAll(): Promise<void> {
    if (this.#partitions.length === 0) return
    const { log, stallTimeoutMs } = this.#options
    const at = moment(this.#options.clock)
    const starts = await log.offsets(this.#partitions, 'start')
    const ends = await log.offsets(this.#partitions, 'stable-end')
    await this.#openTables(starts, ends)
    if (this.#closed) return
    // Not lent: lent records have no headers, and a definition may check the writer by them.
    this.#reader = log.openReader({ onUndecodable: 'skip' })
    this.#reader.assign(this.#partitions.map((one) => ({ ...one, offset: this.#positions.get(keyOf(one)) ?? 0 })))
    this.#following = this.#follow(this.#reader)
    const reaching = this.#reach(ends)
    const watch = this.#watchProgress(reaching.waiter, stallTimeoutMs)
    try {
      await Promise.race([reaching.promise.then(() => this.#confirm(at)), watch.stalled, this.#closing.promise])
    } finally {
      watch.cancel()
    }
    this.#checkLater()
  }

  /** Sets the result of a wait when the table has reached its topic's present end, or when the time is over; then calls `done`. */
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
        // The timer still ends the wait; other requests report that the log is away.
        this.#options.logger.warn(
          { err: error, table: wait.wait.waitFor },
          'the end of a global table could not be read',
        )
      },
    )
  }

  /**
   * If a process was stopped for a day, its tables may be wrong, and further reading does not correct them. Decisions by
   * incomplete tables would be wrong as well.
   * @throws StreamsError STREAMS_TABLES_OUTDATED
   */
  assertFresh(): void {
    const { clock, maxAgeMs } = this.#options
    if (this.#askedAt === undefined || msSince(clock, this.#askedAt) <= maxAgeMs) return
    const message = `The global tables were not read for more than ${maxAgeMs} ms: tombstones of what was deleted meanwhile may be gone.`
    throw new StreamsError('STREAMS_TABLES_OUTDATED', message)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#closing.resolve()
    this.#aborting.abort()
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
    const { state } = this.#options
    const { topic, position } = fetched
    const key = keyOf(fetched)
    const last = fetched.records.at(-1)
    if (last !== undefined) this.#lasts.set(key, witnessOf(last))
    this.#positions.set(key, position)
    state.write((batch) => {
      for (const table of this.#byTopic.get(topic) ?? []) this.#applyTo(table, batch, fetched)
      state.putNote(batch, topicNote(topic), this.#noteOf(topic))
    })
    for (const waiter of this.#waiters) {
      if (fetched.position >= (waiter.behind.get(key) ?? Number.POSITIVE_INFINITY)) waiter.behind.delete(key)
      if (waiter.behind.size > 0) continue
      this.#waiters.delete(waiter)
      waiter.reached()
    }
  }

  #applyTo(table: GlobalTable, batch: LocalBatch, { records, undecodable = [] }: FetchedRecords): void {
    const { name } = table.definition
    for (const record of records) {
      if (table.apply(batch, record) !== 'applied') this.#passOver(name, `${keyOf(record)}/${record.offset}`)
    }
    for (const one of undecodable) this.#passOver(name, `${keyOf(one)}/${one.baseOffset}`)
  }

  /** The position to read from: that of the local store if a topic's note is proven; else the start, with empty tables. */
  async #openTables(starts: ReadonlyMap<string, number>, ends: ReadonlyMap<string, number>): Promise<void> {
    const { log, logger, metrics, state, clock, stallTimeoutMs } = this.#options
    const notes = new Map([...this.#byTopic.keys()].map((topic) => [topic, state.note<Note>(topicNote(topic))]))
    const claims = this.#partitions.flatMap(({ topic, partition }): Claim[] => {
      const { position = 0, last = null } = notes.get(topic)?.partitions[partition] ?? {}
      return last === null ? [] : [{ topic, partition, position, last }]
    })
    const { signal } = this.#aborting
    const setAside = new SetAsideRecords()
    const doubts = await doubtsOf(claims, { log, starts, ends, stallTimeoutMs, signal, clock, setAside })
    for (const [topic, tables] of this.#byTopic) {
      const note = notes.get(topic)
      const doubt = note && this.#doubtOf(topic, note, doubts)
      const isBelieved = note !== undefined && doubt === undefined
      if (!isBelieved) this.#clear(topic, tables)
      if (doubt !== undefined) {
        logger.warn({ topic, doubt }, 'kept tables cannot continue; they are read from the beginning')
        metrics.startedOver(tables.length)
      }
      this.#completeAt.set(topic, isBelieved ? momentOf(clock, note.completeAt) : moment(clock))
      for (const at of this.#partitions.filter((one) => one.topic === topic)) {
        // No record was ever read, so the tables are empty.
        const { position, last = null } = (isBelieved ? note.partitions[at.partition] : undefined) ?? {}
        this.#positions.set(keyOf(at), (last === null ? undefined : position) ?? starts.get(keyOf(at)) ?? 0)
        if (last !== null) this.#lasts.set(keyOf(at), last)
      }
    }
  }

  #doubtOf(topic: string, note: Note, doubts: ReadonlyMap<string, string>): string | undefined {
    const { topicIds, clock, maxAgeMs } = this.#options
    if (note.tables !== this.#signatureOf(topic)) return 'they were made by another definition'
    if (Object.values(note.partitions).some(({ topicId }) => topicId !== topicIds.get(topic))) {
      return 'the topic was created again'
    }
    if (msSince(clock, momentOf(clock, note.completeAt)) > maxAgeMs) {
      return 'tombstones may have been written and removed since they were complete'
    }
    const [doubt] = this.#partitions.filter((at) => at.topic === topic).flatMap((at) => doubts.get(keyOf(at)) ?? [])
    return doubt
  }

  #clear(topic: string, tables: readonly GlobalTable[]): void {
    const { state } = this.#options
    state.write((batch) => {
      state.deleteNote(batch, topicNote(topic))
      for (const table of tables) table.clear(batch)
    })
  }

  #signatureOf(topic: string): string {
    const tables = this.#byTopic.get(topic) ?? []
    return tables.map(({ definition: { name, version = 1 } }) => `${name} ${version}`).join(', ')
  }

  #noteOf(topic: string): Note {
    const topicId = this.#options.topicIds.get(topic) ?? ''
    const partitions: Record<number, PartitionNote> = {}
    for (const at of this.#partitions) {
      const position = this.#positions.get(keyOf(at))
      if (at.topic !== topic || position === undefined) continue
      partitions[at.partition] = { topicId, position, last: this.#lasts.get(keyOf(at)) ?? null }
    }
    return { tables: this.#signatureOf(topic), completeAt: this.#completeAt.get(topic)?.now ?? 0, partitions }
  }

  /** Notes that the tables have all records that were committed at that moment. */
  #confirm(at: Moment): void {
    const { state } = this.#options
    if (this.#closed) return
    state.write((batch) => {
      for (const topic of this.#byTopic.keys()) {
        this.#completeAt.set(topic, at)
        state.putNote(batch, topicNote(topic), this.#noteOf(topic))
      }
    })
  }

  #checkLater(): void {
    if (this.#closed) return
    this.#after(this.#options.checkEveryMs, () => {
      this.#check().catch((error: unknown) => {
        if (this.#closed) return
        if (error instanceof StreamsError) this.#options.onFailed(error)
        else this.#options.logger.warn({ err: error }, 'the end offsets of the global tables could not be read')
      })
    })
  }

  async #check(): Promise<void> {
    const { log, clock } = this.#options
    const at = moment(clock)
    try {
      await this.#reach(await log.offsets(this.#partitions, 'stable-end')).promise
      this.#confirm(at)
    } finally {
      this.#checkLater()
    }
  }

  #passOver(table: string, at: string): void {
    this.#options.metrics.tablePassedOver(table)
    this.#options.logger.warn({ table, at }, 'skipped a table record')
  }

  /** A large table may take any time, as long as reading progresses in a partition that is still behind. */
  #watchProgress(waiter: Waiter | undefined, stallTimeoutMs: number): { stalled: Promise<never>; cancel: () => void } {
    const { clock } = this.#options
    const stalled = Promise.withResolvers<never>()
    const leftOf = () =>
      [...(waiter?.behind ?? [])].map(([key, end]) => `${key} (${this.#positions.get(key) ?? 0} of ${end})`)
    let last = { left: leftOf().join(), at: clock.elapsed() }
    const look = () => {
      const left = leftOf().join()
      if (left !== last.left) last = { left, at: clock.elapsed() }
      const idleMs = clock.elapsed() - last.at
      if (idleMs < stallTimeoutMs) {
        cancel = this.#after(lookEveryMs(stallTimeoutMs), look)
        return
      }
      const message = `The global tables made no progress for ${stallTimeoutMs} ms at ${leftOf().join(', ')}.`
      stalled.reject(new StreamsError('STREAMS_RESTORE_STALLED', message))
    }
    let cancel = this.#after(lookEveryMs(stallTimeoutMs), look)
    return { stalled: stalled.promise, cancel: () => cancel() }
  }

  #reach(ends: ReadonlyMap<string, number>): { promise: Promise<void>; waiter: Waiter | undefined } {
    const behind = new Map([...ends].filter(([key, end]) => (this.#positions.get(key) ?? 0) < end))
    if (behind.size === 0) return { promise: Promise.resolve(), waiter: undefined }
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = { behind, reached: resolve }
    this.#waiters.add(waiter)
    return { promise, waiter }
  }

  /** Calls the action later, unless it is cancelled or the tables are closed before. */
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

/** A tenth of the time limit, so that a stall is noticed a tenth too late at most. */
function lookEveryMs(stallTimeoutMs: number): number {
  return Math.max(1, Math.ceil(stallTimeoutMs / 10))
}

function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}

function topicNote(topic: string): string {
  return `topic/${topic}`
}
