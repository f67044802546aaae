/**
 * A task: partition p of all sources, with its stores. Pure and synchronous, so that the runtime and the test driver run
 * the same code. The steps of a batch:
 *
 *     run(budget) ─► record ─► process ──ok──► next record …   endBatch() ─► endOfBatch ─► records + offsets, one transaction
 *                      ▲          │ Wait: undo the record, block its source          │ committed ─► commit()
 *                      │          │ throws: undo it, dead-letter it (or stop)        │ aborted   ─► rollback(): stores,
 *                      └──────────┘                                                  ▼               queues, time go back
 */
import { partitionForKey, type RecordToSend } from '@streampay/kafka'
import { reasonOf, StreamsError } from '../errors.ts'
import { BatchScratch } from '../state/batch-scratch.ts'
import { encodePosition } from '../state/positions.ts'
import { changelogRecords, type Journal, StateStore, undoTo } from '../state/state-store.ts'
import { changelogOf, positionsChangelog } from '../topology/names.ts'
import type {
  KeyValueStore,
  NeighbourContext,
  OutgoingHeaders,
  OutgoingRecord,
  ProcessorContext,
  Punctuator,
  ReadonlyTable,
  Scratch,
  SinkDefinition,
  SourceDefinition,
  Wait,
} from '../topology/topology.ts'
import { deadLetterOf, undecodableLetterOf } from './dead-letter.ts'
import { assertRecords, recordFailed, refused } from './record-faults.ts'
import { recordBytes } from './record-size.ts'
import { type PendingWait, type QueuedRecord, SourceQueue } from './source-queue.ts'
import type { Budget, TaskBatch, TaskOptions, TaskStart, TellingOffsets } from './task-options.ts'

/** Tasks of one process, by number: their batches always end together, in one transaction. */
export type Neighbours = ReadonlyMap<number, Task>

type Mark = { outputs: number; journal: number; bytes: number; scratch: number }

export class Task {
  readonly number: number
  readonly #options: TaskOptions
  #queues: readonly SourceQueue[] = []
  readonly #stores = new Map<string, StateStore>()
  readonly #sinks: ReadonlySet<SinkDefinition>
  readonly #journal: Journal
  readonly #scratch: BatchScratch
  readonly #context: ProcessorContext
  #outputs: RecordToSend[] = []
  #outputBytes = 0
  #streamTime = 0
  #lastRun: ReadonlyMap<Punctuator, number> = new Map()
  #processed = 0
  #deadLetters = 0
  #neighbours: Neighbours = new Map()
  /** The other tasks that the present record has written to, with marks to undo its writes. */
  readonly #visited = new Map<Task, Mark>()
  /** Whether the record of another task is writing here. */
  #hasVisitor = false
  /** Sources whose offsets the present batch commits. */
  #told: readonly SourceQueue[] = []
  #waits: PendingWait[] = []
  /** Writes are only allowed inside a processor: a context that is kept and used later must fail. */
  #processing = false
  #mayVisit = false
  #waited: ProcessorContext['waited']
  /** Headers that are copied from the present record to the records that it causes. */
  #carried: OutgoingHeaders | undefined
  /** The values at the last commit, for a rollback. */
  #committed: { streamTime: number; lastRun: ReadonlyMap<Punctuator, number> } = { streamTime: 0, lastRun: new Map() }

  constructor(options: TaskOptions) {
    const { topology, task } = options
    this.number = task
    this.#options = options
    this.#sinks = new Set(topology.sinks)
    this.#journal = {
      entries: [],
      timestamp: 0,
      admit: (record) => this.#admit(record),
    }
    const freezeValues = options.freezeValues ?? false
    this.#scratch = new BatchScratch({ freezeValues, admit: () => this.#assertProcessing('the scratch') })
    for (const definition of topology.stores) {
      const changelog = changelogOf(topology.applicationId, definition)
      const { name, expires } = definition
      const kept = options.state.storeTable(task, name, { expires: expires !== undefined })
      const time = (source: string | undefined) => (source === undefined ? this.#streamTime : this.#sourceTime(source))
      const journal = this.#journal
      this.#stores.set(name, new StateStore({ definition, changelog, journal, freezeValues, time, ...kept }))
    }
    this.#context = this.#makeContext()
  }

  /** Ends restoration: from now on the task takes records. A task that ran before begins anew, but keeps its stores. */
  start({ sources, streamTime }: TaskStart): void {
    this.#streamTime = streamTime
    this.#lastRun = new Map()
    this.#committed = { streamTime, lastRun: this.#lastRun }
    this.#queues = this.#options.topology.sources
      .map((source) => new SourceQueue(source, sources.get(source.topic) ?? { offset: 0, time: 0 }))
      .sort((a, b) => a.source.priority - b.source.priority)
    this.#neighbours = new Map()
  }

  /** From now on processors may reach these tasks, this one among them, until the next `start`. All of them must be started. */
  meet(neighbours: Neighbours): void {
    this.#neighbours = neighbours
  }

  get streamTime(): number {
    return this.#streamTime
  }

  get queues(): readonly SourceQueue[] {
    return this.#queues
  }

  queue(topic: string): SourceQueue | undefined {
    return this.#queues.find((queue) => queue.source.topic === topic)
  }

  /** In the order of the topology. */
  get stores(): readonly StateStore[] {
    return [...this.#stores.values()]
  }

  /** @throws StreamsError STREAMS_CONTEXT_MISUSED for a name that the topology does not have. */
  store(name: string): StateStore {
    const store = this.#stores.get(name)
    if (store === undefined) throw new StreamsError('STREAMS_CONTEXT_MISUSED', `There is no store named "${name}".`)
    return store
  }

  /** Whether `run` would find a record. */
  hasWork(): boolean {
    return this.#queues.some((queue) => queue.ready() !== undefined)
  }

  /**
   * Processes records, lower priority numbers first, until none is ready or the budget is used up.
   * @throws StreamsError STREAMS_RECORD_FAILED or STREAMS_PUNCTUATOR_FAILED; the task must not be used afterwards.
   */
  run(budget: Budget): void {
    if (budget.records <= 0 || budget.bytes <= 0 || !this.hasWork()) return
    const bytesBefore = this.#outputBytes
    this.#punctuate()
    budget.bytes -= this.#outputBytes - bytesBefore
    while (budget.records > 0 && budget.bytes > 0) {
      const queue = this.#queues.find((candidate) => candidate.ready() !== undefined)
      const record = queue?.ready()
      if (queue === undefined || record === undefined) break
      budget.records--
      budget.bytes -= this.#processOne(queue, record)
    }
  }

  /** Waits that processors asked for since the last call. The caller sets their outcomes later. */
  takeWaits(): PendingWait[] {
    const waits = this.#waits
    this.#waits = []
    return waits
  }

  /** Whether there are offsets that are not committed yet. */
  hasUntold(): boolean {
    return this.#queues.some((queue) => queue.advanced)
  }

  /**
   * Ends the batch. Returns its records, and the offsets in the group's and in the changelog's form; undefined if there
   * are none. @throws StreamsError STREAMS_END_OF_BATCH_FAILED; the task must not be used afterwards.
   */
  endBatch(transactionalId: string, telling: TellingOffsets = 'needed'): TaskBatch | undefined {
    this.#finishBatch()
    const changelog = changelogRecords(this.#journal, this.number)
    const told = this.#offsetsToTell(telling, { writes: this.#outputs.length > 0 || changelog.length > 0 })
    this.#told = told
    if (told.length === 0) return undefined
    const offsets = told.map(({ source: { topic }, nextOffset: offset }) => ({ topic, offset }))
    const streamTime = this.#streamTime
    const positions = new Map(
      told.map(({ source: { topic }, nextOffset: offset, time: sourceTime }) => {
        return [topic, { offset, streamTime, sourceTime, transactionalId }]
      }),
    )
    const positionRecords = [...positions].map(([topic, position]) => ({
      topic: positionsChangelog(this.#options.topology.applicationId),
      partition: this.number,
      key: topic,
      value: encodePosition(position),
      timestamp: streamTime,
    }))
    const records = [...this.#outputs, ...changelog, ...positionRecords]
    return { records, offsets, positions, processed: this.#processed, deadLetters: this.#deadLetters }
  }

  /** The transaction committed, or the batch had nothing to write: the state is now that of the log. */
  commit(): void {
    for (const queue of this.#queues) queue.commit({ told: this.#told.includes(queue) })
    for (const store of this.#stores.values()) store.commit()
    this.#journal.entries.length = 0
    this.#committed = { streamTime: this.#streamTime, lastRun: this.#lastRun }
    this.#endOutputs()
  }

  /** The transaction aborted: stores, time and queues return to the last commit, and the records will run again. */
  rollback(): void {
    this.#journal.entries.length = 0
    for (const store of this.#stores.values()) store.rollback()
    for (const queue of this.#queues) queue.rollback()
    this.#streamTime = this.#committed.streamTime
    this.#lastRun = this.#committed.lastRun
    this.#endOutputs()
  }

  /**
   * The sources whose records had effects. A batch that writes without such a record, for example by a punctuator, still commits one
   * offset: the group metadata that fences a zombie is sent with offsets, and the next owner of the task waits for the
   * transaction that holds one of them.
   */
  #offsetsToTell(telling: TellingOffsets, { writes }: { readonly writes: boolean }): readonly SourceQueue[] {
    const advanced = this.#queues.filter((queue) => queue.advanced)
    if (telling === 'all' && advanced.length > 0) return advanced
    const needed = this.#queues.filter((queue) => queue.hasEffects)
    return needed.length > 0 || !writes ? needed : [...advanced, ...this.#queues].slice(0, 1)
  }

  #finishBatch(): void {
    const { endOfBatch } = this.#options.topology
    if (endOfBatch !== undefined && (this.#processed > 0 || this.#scratch.size > 0)) {
      this.#journal.timestamp = this.#streamTime
      this.#waited = undefined
      try {
        this.#within(() => endOfBatch(this.#context))
      } catch (error) {
        const message = `The end of a batch of task ${this.number} failed at ${this.#streamTime}: ${reasonOf(error)}`
        throw new StreamsError('STREAMS_END_OF_BATCH_FAILED', message, error)
      }
    }
    this.#scratch.clear()
  }

  #endOutputs(): void {
    this.#told = []
    this.#scratch.clear()
    this.#outputs = []
    this.#outputBytes = 0
    this.#processed = 0
    this.#deadLetters = 0
  }

  /** The bytes that the record wrote, also to other tasks. */
  #processOne(queue: SourceQueue, record: QueuedRecord): number {
    if (this.#options.setAside?.has(record) === true) {
      this.#processed++
      queue.advance(record, 'nothing')
      return 0
    }
    const mark = this.#mark()
    const timeBefore = this.#streamTime
    this.#streamTime = Math.max(timeBefore, record.timestamp)
    this.#journal.timestamp = record.timestamp
    this.#waited = queue.waited(record)
    const { tracing } = this.#options.topology
    this.#carried = tracing?.carry(record)
    try {
      if (record.undecodable !== undefined) throw record.undecodable.error
      const wait = this.#decide(queue, record, mark)
      if (wait !== undefined) {
        this.#undo(mark)
        this.#assertFirstWait(wait.waitFor)
        this.#waits.push(queue.block(record, wait))
        // Its time is undone too: records of other sources are processed meanwhile as if this one had not come yet.
        this.#streamTime = timeBefore
        this.#carried = undefined
        return 0
      }
    } catch (error) {
      this.#undo(mark)
      this.#failed(queue.source, record, error)
    }
    this.#processed++
    let bytes = this.#outputBytes - mark.bytes
    let hasWritten = this.#hasWrittenSince(mark)
    for (const [task, before] of this.#visited) {
      bytes += task.#outputBytes - before.bytes
      hasWritten ||= task.#hasWrittenSince(before)
    }
    this.#endVisits()
    if (hasWritten && this.#carried !== undefined) tracing?.processed(record)
    this.#carried = undefined
    queue.advance(record, hasWritten ? 'something' : 'nothing')
    return bytes
  }

  /** A wait that an earlier record of the queue had for this one as well is over already. */
  #decide(queue: SourceQueue, record: QueuedRecord, mark: Mark): Wait | undefined {
    const process = () => this.#withinRecord(() => queue.source.process(record, this.#context))
    const wait = process()
    if (wait === undefined || this.#waited !== undefined || !queue.hasReached(record, wait.waitFor)) return wait
    this.#undo(mark)
    this.#waited = 'reached'
    return process()
  }

  #assertFirstWait(table: string): void {
    if (!this.#options.tables.has(table)) {
      throw new StreamsError('STREAMS_CONTEXT_MISUSED', `There is no global table named "${table}" to wait for.`)
    }
    if (this.#waited === undefined) return
    throw new StreamsError(
      'STREAMS_CONTEXT_MISUSED',
      'A record may wait once, but the processor asked for a second wait.',
    )
  }

  #failed(source: SourceDefinition, record: QueuedRecord, error: unknown): void {
    assertRecords(error)
    const topic = this.#options.topology.deadLetterTopic
    if (source.onError === 'stop' || topic === undefined) throw recordFailed(record, error)
    const maxBytes = this.#options.maxRecordBytes
    const { undecodable } = record
    const letter =
      undecodable === undefined
        ? deadLetterOf(record, { topic, error, maxBytes })
        : undecodableLetterOf(undecodable, { topic, timestamp: Math.max(undecodable.timestamp, this.#streamTime) })
    this.#outputs.push(letter)
    this.#outputBytes += recordBytes(letter)
    this.#deadLetters++
    // The sender is not known, and there is no address for an answer.
    if (undecodable !== undefined) return
    const cause = error instanceof Error ? error : new Error(String(error))
    const mark = this.#mark()
    try {
      this.#withinRecord(() => source.onDeadLetter?.(record, this.#context, cause))
    } catch (unanswered) {
      assertRecords(unanswered)
      this.#undo(mark)
      this.#outputs[this.#outputs.length - 1] = deadLetterOf(record, { topic, error, maxBytes, unanswered })
    }
  }

  #punctuate(): void {
    // Before the first record there is no stream time.
    if (this.#streamTime === 0) return
    for (const punctuator of this.#options.topology.punctuators ?? []) {
      const last = this.#lastRun.get(punctuator)
      if (last !== undefined && this.#streamTime - last < punctuator.everyMs) continue
      this.#lastRun = new Map(this.#lastRun).set(punctuator, this.#streamTime)
      this.#journal.timestamp = this.#streamTime
      this.#waited = undefined
      try {
        this.#within(() => punctuator.run(this.#streamTime, this.#context))
      } catch (error) {
        const message = `A punctuator of task ${this.number} failed at ${this.#streamTime}: ${reasonOf(error)}`
        throw new StreamsError('STREAMS_PUNCTUATOR_FAILED', message, error)
      }
    }
  }

  /** The effects can be undone, also in other tasks. */
  #withinRecord<T>(action: () => T): T {
    this.#mayVisit = true
    try {
      return this.#within(action)
    } finally {
      this.#mayVisit = false
    }
  }

  #within<T>(action: () => T): T {
    this.#processing = true
    try {
      return action()
    } finally {
      this.#processing = false
    }
  }

  #mark(): Mark {
    return {
      outputs: this.#outputs.length,
      journal: this.#journal.entries.length,
      bytes: this.#outputBytes,
      scratch: this.#scratch.writes,
    }
  }

  #hasWrittenSince({ outputs, journal, scratch }: Mark): boolean {
    return this.#outputs.length > outputs || this.#journal.entries.length > journal || this.#scratch.writes > scratch
  }

  #undo(mark: Mark): void {
    undoTo(this.#journal, mark.journal)
    this.#scratch.undoTo(mark.scratch)
    this.#outputs.length = mark.outputs
    this.#outputBytes = mark.bytes
    for (const [task, before] of this.#visited) task.#undo(before)
    this.#endVisits()
  }

  /** The task to which a key belongs, prepared for writes of this task's present record. */
  #visit(key: string): NeighbourContext | undefined {
    if (!this.#mayVisit) {
      throw new StreamsError(
        'STREAMS_CONTEXT_MISUSED',
        'Another task can be reached by a processor alone, while it runs.',
      )
    }
    const task = this.#neighbours.get(partitionForKey(key, this.#options.partitionCount))
    if (task === undefined) return undefined
    if (task === this) return this.#context
    if (!this.#visited.has(task)) this.#visited.set(task, task.#mark())
    task.#hasVisitor = true
    task.#carried = this.#carried
    task.#journal.timestamp = this.#journal.timestamp
    return task.#context
  }

  #endVisits(): void {
    for (const task of this.#visited.keys()) {
      task.#hasVisitor = false
      task.#carried = undefined
    }
    this.#visited.clear()
  }

  #makeContext(): ProcessorContext {
    const task = this
    return {
      task: task.number,
      partitionCount: task.#options.partitionCount,
      get streamTime() {
        return task.#streamTime
      },
      get waited() {
        return task.#waited
      },
      sourceTime: (topic) => task.#sourceTime(topic),
      store: <V, K>(name: string) => task.store(name) as KeyValueStore<V, K>,
      table: <V>(name: string) => task.#table(name) as ReadonlyTable<V>,
      taskOf: (key) => task.#visit(key),
      send: (sink, record) => task.#send(sink as SinkDefinition, record),
      scratch: <V>() => task.#scratch as Scratch<V>,
    }
  }

  #sourceTime(topic: string): number {
    const queue = this.queue(topic)
    if (queue !== undefined) return queue.time
    throw new StreamsError('STREAMS_CONTEXT_MISUSED', `"${topic}" is not among the sources of the topology.`)
  }

  #table(name: string): ReadonlyTable<unknown> {
    const table = this.#options.tables.get(name)
    if (table === undefined)
      throw new StreamsError('STREAMS_CONTEXT_MISUSED', `There is no global table named "${name}".`)
    return table
  }

  #send(sink: SinkDefinition, { key, value, headers, partition }: OutgoingRecord): void {
    const { topic } = sink
    if (!this.#sinks.has(sink)) {
      throw new StreamsError('STREAMS_CONTEXT_MISUSED', `"${topic}" is not among the sinks of the topology.`)
    }
    if (value !== null && sink.key !== undefined && sink.key(value) !== key) {
      throw refused(topic, `its key is "${key}" instead of "${sink.key(value)}"`)
    }
    const all = this.#carried === undefined ? headers : { ...headers, ...this.#carried }
    const record: RecordToSend = {
      topic,
      key,
      value: value === null ? null : sink.value.encode(value),
      timestamp: this.#journal.timestamp,
      ...(all && { headers: all }),
      ...(partition !== undefined && { partition }),
    }
    this.#admit(record)
    this.#outputs.push(record)
  }

  #assertProcessing(target: string): void {
    if (this.#processing || this.#hasVisitor) return
    throw new StreamsError('STREAMS_CONTEXT_MISUSED', `A write to ${target} came after its processor had returned.`)
  }

  /** Two conditions that readers need for every record: a size that fits into a batch, and a key that is the same after reading. */
  #admit(record: RecordToSend): void {
    const { topic, key } = record
    this.#assertProcessing(`"${topic}"`)
    const bytes = recordBytes(record)
    const limit = this.#options.maxRecordBytes
    if (bytes > limit) throw refused(topic, `it takes ${bytes} bytes, and ${limit} are allowed`)
    if (typeof key === 'string' && !key.isWellFormed()) throw refused(topic, 'its key is not well-formed Unicode')
    this.#outputBytes += bytes
  }
}
