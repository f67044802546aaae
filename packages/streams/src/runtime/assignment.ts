/**
 * The tasks that one generation of the group gave to this process, from restoration to the last commit. It has two kinds of loops.
 * The fetch loops (one for each `lingerMs` of the sources) fill the tasks' queues. The process loop turns all queued records into
 * transactions, one at a time. While one commits, the records of the next batch arrive: no batch waits to be full, unless
 * `commitIntervalMs` demands it.
 *
 *     restore ─► start ─┬► fetch loop:   poll ─► queues (a full one pauses its partition)
 *                       └► process loop: queues ─► run ─► begin ─► Produce and TxnOffsetCommit ─► EndTxn ─► commit
 *                                                   └─ nothing to write: no transaction; its offsets go with a later one
 *     stop: both loops end, the open transaction is finished first        abort ─► rollback, and the records run again
 */
import {
  type FetchedRecords,
  type GroupMetadata,
  keyOf,
  type RecordToSend,
  type TopicPartition,
  type UndecodableBatch,
} from '@streampay/kafka'
import { moments, tellMoment } from '@streampay/process'
import type { Logger } from 'pino'
import { reasonOf, StreamsError } from '../errors.ts'
import type { SetAsideRecords } from '../log/set-aside.ts'
import { type Moment, moment, pause, type StreamClock } from '../log/stream-clock.ts'
import type { LogProducer, LogReader, StreamLog } from '../log/stream-log.ts'
import { unlessAborted } from '../log/unless-aborted.ts'
import type { Replica } from '../task/replica.ts'
import type { SourceQueue } from '../task/source-queue.ts'
import type { Task } from '../task/task.ts'
import type { TaskBatch, TellingOffsets } from '../task/task-options.ts'
import { changelogsOf } from '../topology/names.ts'
import type { Topology } from '../topology/topology.ts'
import { Flusher } from './flusher.ts'
import type { Limits } from './limits.ts'
import type { StreamsMetrics } from './metrics.ts'
import { restoreTasks } from './restoration.ts'
import { Signal } from './signal.ts'
import type { TableFollower } from './table-follower.ts'
import { Trimmer } from './trimming.ts'

/** The steps of a transaction at which a test can stop or inspect the process. */
export type CommitStep = 'produce' | 'offsets' | 'commit' | 'committed'
/** For tests: `before` is awaited at each step of a transaction, at the last one when it is committed. */
export type RuntimeHooks = {
  /** If it throws, the topology fails as if the step had failed. */
  readonly before?: (step: CommitStep) => void | Promise<void>
}

export type AssignmentOptions = {
  readonly topology: Topology
  /** The state of each task, from any source; this assignment restores it to the end of its changelogs and owns it. */
  readonly replicas: readonly Replica[]
  /** The metadata of the generation that gave these tasks; their offsets must not be committed under a later one. */
  readonly metadata: GroupMetadata
  readonly transactionalId: string
  readonly log: StreamLog
  /** Shared by all assignments of a membership; may still be opening. */
  readonly producer: Promise<LogProducer>
  readonly tables: TableFollower
  readonly limits: Limits
  readonly metrics: StreamsMetrics
  readonly logger: Logger
  readonly hooks: RuntimeHooks
  readonly clock: StreamClock
  readonly setAside: SetAsideRecords
  /** Called when the committed state is on the disk. */
  onFlushed(): void
  /** Called with an error after which this process must not continue. */
  onFailed(error: unknown): void
}

type Place = TopicPartition & { readonly offset: number }

const abortBackoffMs = 50

export class Assignment {
  readonly #options: AssignmentOptions
  readonly #tasks: ReadonlyMap<number, Task>
  readonly #replicas: ReadonlyMap<number, Replica>
  readonly #changelogs: ReadonlySet<string>
  readonly #work = new Signal()
  readonly #paused = new Set<SourceQueue>()
  readonly #highWatermarks = new Map<string, number>()
  readonly #abort = new AbortController()
  readonly #trimmer: Trimmer
  readonly #flusher: Flusher
  #restoring: Promise<unknown> = Promise.resolve()
  #loops: Promise<unknown> = Promise.resolve()
  /** By topic; several topics may share one. */
  readonly #readers = new Map<string, LogReader>()
  #abortsInARow = 0
  /** Cancels the timer after which offsets are committed in a transaction of their own. */
  #cancelTelling: (() => void) | undefined
  #isTellingDue = false

  constructor(options: AssignmentOptions) {
    this.#options = options
    const { limits, log, logger, replicas } = options
    this.#replicas = new Map(replicas.map((replica) => [replica.number, replica]))
    this.#tasks = new Map(replicas.map((replica) => [replica.number, replica.task]))
    this.#changelogs = new Set(changelogsOf(options.topology))
    const { trimEveryMs: everyMs, minTrimRecords: minRecords } = limits
    const consumed = () => this.#consumed()
    const { clock, onFailed, onFlushed } = options
    this.#trimmer = new Trimmer({ log, logger, everyMs, minRecords, clock, consumed })
    const { flushEveryMs, maxUnflushedEntries: maxEntries } = limits
    this.#flusher = new Flusher({ replicas, clock, everyMs: flushEveryMs, maxEntries, onFlushed, onFailed })
  }

  get taskNumbers(): readonly number[] {
    return [...this.#tasks.keys()]
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted
  }

  /** Restores and starts the tasks; resolves early, with `stopped` true, when `stop` is called meanwhile. */
  async run(): Promise<void> {
    let producer: LogProducer
    try {
      const restoring = this.#restore()
      this.#restoring = restoring
      await restoring
      producer = await unlessAborted(this.#abort.signal, this.#options.producer)
    } catch (error) {
      if (this.stopped) return
      throw error
    }
    if (this.stopped || this.#tasks.size === 0) return
    for (const task of this.#tasks.values()) task.meet(this.#tasks)
    const { setAside } = this.#options
    const skips = new Set(
      this.#options.topology.sources.flatMap((one) => (one.onError === 'dead-letter' ? one.topic : [])),
    )
    const onUndecodable = (batch: UndecodableBatch) =>
      skips.has(batch.topic) || setAside.hasBatch(batch) ? 'skip' : 'stop'
    // The next transaction does not begin earlier: records that arrive before that share it.
    const { commitIntervalMs } = this.#options.limits
    const byLinger = Map.groupBy(this.#inputs(), ({ queue }) => queue.source.lingerMs ?? commitIntervalMs)
    for (const [lingerMs, inputs] of byLinger) {
      const reader = this.#options.log.openReader({ lingerMs, onUndecodable })
      reader.assign(inputs.map(({ queue, ...at }) => ({ ...at, offset: queue.nextOffset })))
      for (const { topic } of inputs) this.#readers.set(topic, reader)
    }
    this.#trimmer.start()
    const fetching = [...new Set(this.#readers.values())].map((reader) => this.#loop(this.#fetch(reader)))
    this.#loops = Promise.all([...fetching, this.#loop(this.#process(producer))])
  }

  async #restore(): Promise<void> {
    const { topology, replicas, log, logger, transactionalId, limits, metrics, clock, metadata, setAside } =
      this.#options
    await restoreTasks({
      topology,
      replicas,
      log,
      logger,
      transactionalId,
      metadata,
      stallTimeoutMs: limits.stallTimeoutMs,
      maxReplicaAgeMs: limits.maxReplicaAgeMs,
      setAside,
      signal: this.#abort.signal,
      clock,
      onProgress: (records, remaining) => metrics.restored(records, remaining),
      onStartsOver: (stores) => metrics.startedOver(stores),
    })
  }

  /**
   * Finishes the transaction under way; after that it does not use the tasks any more.
   * @throws StreamsError STREAMS_STATE_FAILED
   */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#trimmer.stop()
    this.#cancelTelling?.()
    this.#work.ring()
    // run() reports the result; here restoration only has to end.
    await this.#restoring.catch(() => undefined)
    for (const reader of new Set(this.#readers.values())) await reader.close()
    await this.#loops
    this.#flusher.flush()
    this.#options.metrics.forgetLag()
  }

  async #loop(loop: Promise<void>): Promise<void> {
    try {
      await loop
    } catch (error) {
      this.#options.onFailed(error)
    }
  }

  async #fetch(reader: LogReader): Promise<void> {
    while (!this.stopped) {
      let fetched: readonly FetchedRecords[]
      try {
        fetched = await reader.poll()
      } catch (error) {
        if (this.stopped) return
        throw error
      }
      for (const partition of fetched) this.#enqueue(reader, partition)
    }
  }

  #enqueue(reader: LogReader, fetched: FetchedRecords): void {
    const queue = this.#tasks.get(fetched.partition)?.queue(fetched.topic)
    if (queue === undefined) return
    queue.add(fetched)
    if (moments.hasSubscribers) {
      tellMoment({ step: 'read', topic: fetched.topic, partition: fetched.partition, offset: fetched.position })
    }
    this.#highWatermarks.set(keyOf(fetched), fetched.highWatermark)
    this.#reportLag(queue, fetched.partition)
    if (queue.queuedRecords > 0) this.#work.ring()
    const { maxQueuedRecords, maxQueuedBytes } = this.#options.limits
    if (queue.queuedRecords < maxQueuedRecords && queue.queuedBytes < maxQueuedBytes) return
    this.#paused.add(queue)
    reader.pause([fetched])
  }

  async #process(producer: LogProducer): Promise<void> {
    const { clock } = this.#options
    while (!this.stopped) {
      await this.#work.wait()
      let begunAt = clock.elapsed()
      while (!this.stopped && (await this.#runBatch(producer))) {
        this.#resumeInputs()
        await this.#endInterval(begunAt)
        begunAt = clock.elapsed()
      }
    }
  }

  async #endInterval(begunAt: number): Promise<void> {
    const { clock, limits } = this.#options
    const leftMs = begunAt + limits.commitIntervalMs - clock.elapsed()
    if (leftMs > 0) await pause(clock, leftMs, this.#abort.signal)
  }

  /** One transaction over all tasks, if there is anything to write; false if there was nothing to do. */
  async #runBatch(producer: LogProducer): Promise<boolean> {
    const tasks = [...this.#tasks.values()]
    const busy = tasks.filter((task) => task.hasWork())
    const isTellingAll = this.#isTellingDue
    if (busy.length === 0 && !isTellingAll) return false
    this.#run(busy)
    const batches = this.#endBatches(tasks, isTellingAll ? 'all' : 'needed')
    const startedAt = moment(this.#options.clock)
    const places = batches.size === 0 ? [] : await this.#commit(producer, batches)
    if (places === undefined) {
      for (const task of tasks) task.rollback()
      return true
    }
    for (const task of tasks) task.commit()
    if (isTellingAll) this.#isTellingDue = false
    this.#tellLater(tasks)
    if (batches.size > 0) this.#committed(batches, { places, startedAt })
    for (const task of busy) for (const queue of task.queues) this.#reportLag(queue, task.number)
    return true
  }

  #run(busy: readonly Task[]): void {
    const { limits, tables } = this.#options
    const records = Math.ceil(limits.maxBatchRecords / Math.max(1, busy.length))
    const bytes = Math.ceil(limits.maxBatchBytes / Math.max(1, busy.length))
    for (const task of busy) {
      task.run({ records, bytes })
      for (const wait of task.takeWaits()) tables.startWait(wait, () => this.#work.ring())
    }
  }

  #endBatches(tasks: readonly Task[], telling: TellingOffsets): Map<Task, TaskBatch> {
    const batches = new Map<Task, TaskBatch>()
    for (const task of tasks) {
      const batch = task.endBatch(this.#options.transactionalId, telling)
      if (batch !== undefined) batches.set(task, batch)
    }
    return batches
  }

  /** Offsets that no transaction has taken for a while are committed in a transaction of their own, all together. */
  #tellLater(tasks: readonly Task[]): void {
    if (this.#cancelTelling !== undefined || !tasks.some((task) => task.hasUntold())) return
    const { clock, limits } = this.#options
    const tell = () => {
      this.#cancelTelling = undefined
      this.#isTellingDue = true
      this.#work.ring()
    }
    this.#cancelTelling = clock.after(limits.maxOffsetLagMs, tell, { background: true })
  }

  #committed(
    batches: ReadonlyMap<Task, TaskBatch>,
    { places, startedAt }: { readonly places: readonly Place[]; readonly startedAt: Moment },
  ): void {
    const { clock, metrics } = this.#options
    this.#keepUp(batches, places)
    // The commit proves that the generation that owns all of these tasks was still the present one.
    for (const replica of this.#replicas.values()) replica.confirm(startedAt)
    this.#flusher.committed()
    metrics.committed({
      seconds: (clock.elapsed() - startedAt.elapsed) / 1_000,
      records: sum([...batches.values()].map((batch) => batch.processed)),
      deadLetters: sum([...batches.values()].map((batch) => batch.deadLetters)),
    })
  }

  /** Marks the replicas as read up to the position behind these records. */
  #keepUp(batches: ReadonlyMap<Task, TaskBatch>, places: readonly Place[]): void {
    /** By topic and partition. */
    const lasts = new Map<string, Map<number, { readonly offset: number; readonly record: RecordToSend }>>()
    let index = 0
    // In the order in which `#commit` sends them.
    for (const { records } of batches.values()) {
      for (const record of records) {
        const place = places[index++]
        if (place === undefined || !this.#changelogs.has(place.topic)) continue
        const { topic, partition, offset } = place
        const ofTopic = lasts.get(topic) ?? new Map()
        lasts.set(topic, ofTopic)
        if (offset === -1 || offset >= (ofTopic.get(partition)?.offset ?? 0)) ofTopic.set(partition, { offset, record })
      }
    }
    for (const [topic, ofTopic] of lasts) {
      for (const [partition, { offset, record }] of ofTopic) {
        const { timestamp = 0 } = record
        this.#replicas.get(partition)?.wrote({ ...record, timestamp, topic, offset })
      }
    }
    for (const [task, batch] of batches) this.#replicas.get(task.number)?.advance(batch.positions)
  }

  /** The places of the records, once committed. Undefined: surely aborted. Throws if the result is unknown, or if it aborts too often. */
  async #commit(producer: LogProducer, batches: ReadonlyMap<Task, TaskBatch>): Promise<readonly Place[] | undefined> {
    const { metadata, transactionalId, hooks } = this.#options
    const records: RecordToSend[] = []
    const offsets = []
    for (const [task, batch] of batches) {
      for (const record of batch.records) records.push(record)
      for (const at of batch.offsets) offsets.push({ ...at, partition: task.number, metadata: transactionalId })
    }
    const tell = (step: 'decided' | 'written' | 'positioned' | 'committed') => {
      if (moments.hasSubscribers) tellMoment({ step, id: transactionalId, records: records.length })
    }
    try {
      await producer.begin()
      await hooks.before?.('produce')
      tell('decided')
      const sending = producer.send(records)
      sending.then(() => tell('written')).catch(() => undefined) // Awaited below, beside the offsets.
      await hooks.before?.('offsets')
      const [places] = await Promise.all([sending, producer.sendOffsets(metadata, offsets)])
      tell('positioned')
      await hooks.before?.('commit')
      await producer.commit()
      tell('committed')
      await hooks.before?.('committed')
      this.#abortsInARow = 0
      return places
    } catch (error) {
      await this.#abortAfter(producer, error)
      return undefined
    }
  }

  async #abortAfter(producer: LogProducer, error: unknown): Promise<void> {
    const { limits, metrics, logger, transactionalId, clock } = this.#options
    if (!producer.mayAbort(error)) throw commitFailed(transactionalId, reasonOf(error), error)
    this.#abortsInARow++
    if (this.#abortsInARow > limits.maxAbortsInARow) {
      throw commitFailed(
        transactionalId,
        `${limits.maxAbortsInARow} transactions in a row aborted: ${reasonOf(error)}`,
        error,
      )
    }
    logger.warn({ err: error, abortsInARow: this.#abortsInARow }, 'aborting a transaction; its records run again')
    try {
      await producer.abort()
    } catch (second) {
      throw commitFailed(transactionalId, `could not abort: ${reasonOf(second)}`, second)
    }
    metrics.aborted()
    await pause(clock, abortBackoffMs * this.#abortsInARow, this.#abort.signal)
  }

  #resumeInputs(): void {
    const { maxQueuedRecords, maxQueuedBytes } = this.#options.limits
    for (const { queue, ...at } of this.#inputs()) {
      if (!this.#paused.has(queue)) continue
      if (queue.queuedRecords > maxQueuedRecords / 2 || queue.queuedBytes > maxQueuedBytes / 2) continue
      this.#paused.delete(queue)
      this.#readers.get(at.topic)?.resume([at])
    }
  }

  #inputs(): { topic: string; partition: number; queue: SourceQueue }[] {
    return [...this.#tasks.values()].flatMap((task) =>
      task.queues.map((queue) => ({ topic: queue.source.topic, partition: task.number, queue })),
    )
  }

  #consumed(): (TopicPartition & { committedOffset: number })[] {
    return this.#inputs()
      .filter(({ queue }) => queue.source.internal === true)
      .map(({ topic, partition, queue }) => ({ topic, partition, committedOffset: queue.committedOffset }))
  }

  #reportLag(queue: SourceQueue, partition: number): void {
    const at = { topic: queue.source.topic, partition }
    const end = this.#highWatermarks.get(keyOf(at)) ?? 0
    this.#options.metrics.lag(at, Math.max(0, end - queue.readTo))
  }
}

function commitFailed(transactionalId: string, reason: string, cause: unknown): StreamsError {
  return new StreamsError('STREAMS_COMMIT_FAILED', `The transaction of ${transactionalId} failed: ${reason}`, cause)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
