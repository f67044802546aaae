/**
 * A task: partition p of all sources, with its stores. Pure and synchronous, so that the runtime and the test driver run
 * the very same code. A batch goes like this:
 *
 *     run(budget) ─► record ─► process ──ok──► next record …   endBatch() ─► endOfBatch ─► records + offsets, one transaction
 *                      ▲          │ Wait: undo the record, block its source          │ committed ─► commit()
 *                      │          │ throws: undo it, dead-letter it (or stop)        │ aborted   ─► rollback(): stores,
 *                      └──────────┘                                                  ▼               queues, time go back
 */
import type { ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { reasonOf, StreamsError } from '../errors.ts'
import type { SetAsideRecords } from '../log/set-aside.ts'
import { BatchScratch } from '../state/batch-scratch.ts'
import type { LocalState } from '../state/local-state.ts'
import { encodePosition, type Position } from '../state/positions.ts'
import { changelogRecords, type Journal, StateStore, undoTo } from '../state/state-store.ts'
import { changelogOf, positionsChangelog } from '../topology/names.ts'
import type {
  KeyValueStore,
  OutgoingRecord,
  ProcessorContext,
  Punctuator,
  ReadonlyTable,
  Scratch,
  SinkDefinition,
  SourceDefinition,
  Topology,
} from '../topology/topology.ts'
import { deadLetterOf, undecodableLetterOf } from './dead-letter.ts'
import { recordBytes } from './record-size.ts'
import { type PendingWait, type QueuedRecord, SourceQueue } from './source-queue.ts'

export type TaskOptions = {
  readonly topology: Topology
  readonly task: number
  readonly partitionCount: number
  /** Where the stores are kept. */
  readonly state: LocalState
  /** Every global table by its name. */
  readonly tables: ReadonlyMap<string, ReadonlyTable<unknown>>
  /** The largest record that may be written, in bytes as the encoder makes them. */
  readonly maxRecordBytes: number
  /** What is left out, as if it were not on the log; nothing by default. */
  readonly setAside?: SetAsideRecords
  readonly freezeValues?: boolean
}

/** What a task knows once its stores are restored. */
export type TaskStart = {
  /** Where each source continues, by topic, and the highest timestamp before that, in ms. */
  readonly sources: ReadonlyMap<string, { readonly offset: number; readonly time: number }>
  /** The stream time that was committed, in ms; 0 if there is none. */
  readonly streamTime: number
}

/** What a batch may still take; `run` counts it down. */
export type Budget = { records: number; bytes: number }

export type TaskBatch = {
  readonly records: readonly RecordToSend[]
  readonly offsets: ReadonlyArray<{ readonly topic: string; readonly offset: number }>
  /** The same offsets as the positions changelog has them, by source topic. */
  readonly positions: ReadonlyMap<string, Position>
  readonly processed: number
  readonly deadLetters: number
}

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
  #waits: PendingWait[] = []
  /** Outside a processor there is nothing to write to: a context that was kept and used later must fail. */
  #processing = false
  #waited: ProcessorContext['waited']
  /** What the last commit left behind, for a rollback. */
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

  /** Ends restoration: from here on records are taken. A task that ran before begins as a new one does, with its stores. */
  start({ sources, streamTime }: TaskStart): void {
    this.#streamTime = streamTime
    this.#lastRun = new Map()
    this.#committed = { streamTime, lastRun: this.#lastRun }
    this.#queues = this.#options.topology.sources
      .map((source) => new SourceQueue(source, sources.get(source.topic) ?? { offset: 0, time: 0 }))
      .sort((a, b) => a.source.priority - b.source.priority)
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

  /** Whether a call of `run` would find a record. */
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
    while (budget.records > 0 && this.#outputBytes - bytesBefore < budget.bytes) {
      const queue = this.#queues.find((candidate) => candidate.ready() !== undefined)
      const record = queue?.ready()
      if (queue === undefined || record === undefined) break
      budget.records--
      this.#processOne(queue, record)
    }
    budget.bytes -= this.#outputBytes - bytesBefore
  }

  /** Waits that processors asked for since the last call. Whoever takes one sets its outcome later. */
  takeWaits(): PendingWait[] {
    const waits = this.#waits
    this.#waits = []
    return waits
  }

  /**
   * Ends the batch: all that it has to write, with the offsets in the group's and in the changelog's form; undefined if
   * nothing. @throws StreamsError STREAMS_END_OF_BATCH_FAILED; the task must not be used afterwards.
   */
  endBatch(transactionalId: string): TaskBatch | undefined {
    this.#finishBatch()
    const changelog = changelogRecords(this.#journal, this.number)
    const advanced = this.#queues.filter((queue) => queue.advanced)
    if (advanced.length === 0 && this.#outputs.length === 0 && changelog.length === 0) return undefined
    // A batch of a punctuator alone still sends offsets, because with them goes the group metadata that fences a zombie.
    const told = advanced.length > 0 ? advanced : this.#queues
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

  /** The transaction committed: its state is now what the log says. */
  commit(): void {
    for (const queue of this.#queues) queue.commit()
    for (const store of this.#stores.values()) store.commit()
    this.#journal.entries.length = 0
    this.#committed = { streamTime: this.#streamTime, lastRun: this.#lastRun }
    this.#endOutputs()
  }

  /** The transaction aborted: stores, time and queues go back to the last commit, and the records will run again. */
  rollback(): void {
    this.#journal.entries.length = 0
    for (const store of this.#stores.values()) store.rollback()
    for (const queue of this.#queues) queue.rollback()
    this.#streamTime = this.#committed.streamTime
    this.#lastRun = this.#committed.lastRun
    this.#endOutputs()
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
    this.#scratch.clear()
    this.#outputs = []
    this.#outputBytes = 0
    this.#processed = 0
    this.#deadLetters = 0
  }

  #processOne(queue: SourceQueue, record: QueuedRecord): void {
    if (this.#options.setAside?.has(record) === true) {
      this.#processed++
      queue.advance(record)
      return
    }
    const mark = this.#mark()
    const timeBefore = this.#streamTime
    this.#streamTime = Math.max(timeBefore, record.timestamp)
    this.#journal.timestamp = record.timestamp
    this.#waited = queue.waited(record)
    try {
      if (record.undecodable !== undefined) throw record.undecodable.error
      const wait = this.#within(() => queue.source.process(record, this.#context))
      if (wait !== undefined) {
        this.#undo(mark)
        this.#assertFirstWait(wait.waitFor)
        this.#waits.push(queue.block(record, wait))
        // Its time is undone too: what other sources bring meanwhile is decided as if the record were still to come.
        this.#streamTime = timeBefore
        return
      }
    } catch (error) {
      this.#undo(mark)
      this.#failed(queue.source, record, error)
    }
    this.#processed++
    queue.advance(record)
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
    // Nothing is known of a sender, or of an address to answer to.
    if (undecodable !== undefined) return
    const cause = error instanceof Error ? error : new Error(String(error))
    const mark = this.#mark()
    try {
      this.#within(() => source.onDeadLetter?.(record, this.#context, cause))
    } catch (unanswered) {
      assertRecords(unanswered)
      this.#undo(mark)
      this.#outputs[this.#outputs.length - 1] = deadLetterOf(record, { topic, error, maxBytes, unanswered })
    }
  }

  #punctuate(): void {
    // Before the first record there is no time to speak of.
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

  #undo(mark: Mark): void {
    undoTo(this.#journal, mark.journal)
    this.#scratch.undoTo(mark.scratch)
    this.#outputs.length = mark.outputs
    this.#outputBytes = mark.bytes
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
    const record: RecordToSend = {
      topic,
      key,
      value: value === null ? null : sink.value.encode(value),
      timestamp: this.#journal.timestamp,
      ...(headers && { headers }),
      ...(partition !== undefined && { partition }),
    }
    this.#admit(record)
    this.#outputs.push(record)
  }

  #assertProcessing(target: string): void {
    if (this.#processing) return
    throw new StreamsError('STREAMS_CONTEXT_MISUSED', `A write to ${target} came after its processor had returned.`)
  }

  /** What readers demand of every record: a size that fits into a batch, and a key that is the same when it is read. */
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

/** Throws what no record is to blame for: a fault of the disk, or of what was read from it. */
function assertRecords(error: unknown): void {
  if (error instanceof StreamsError && error.code === 'STREAMS_STATE_FAILED') throw error
}

function refused(topic: string, reason: string): StreamsError {
  return new StreamsError('STREAMS_RECORD_REFUSED', `A record for "${topic}" is refused: ${reason}.`)
}

function recordFailed(record: ReceivedRecord, error: unknown): StreamsError {
  const { topic, partition, offset } = record
  const message = `The record at ${topic}/${partition}/${offset} could not be processed: ${reasonOf(error)}`
  return new StreamsError('STREAMS_RECORD_FAILED', message, error, { topic, partition, offset })
}
