/**
 * Runs a topology without a log: the same tasks as the runtime, topics as arrays, and a clock that only the test
 * moves. All calls are synchronous.
 *
 *     const driver = openTestDriver(topology, { partitionCount: 4 })
 *     const written = driver.pipe({ topic: 'commands', key: 'alice', value: { userId: 'bob', amount: 100 } })
 *     driver.settle()                 // processes what the topology wrote to its own sources, until no record is left
 *     driver.store('accounts', 2).get('alice')
 */
import { partitionForKey, type ReceivedRecord, type RecordToSend } from '@streampay/kafka'
import { memoryStore } from '@streampay/local-store/memory'
import { defaultLimits } from '../runtime/limits.ts'
import { GlobalTable } from '../state/global-table.ts'
import { LocalState } from '../state/local-state.ts'
import { decodePosition } from '../state/positions.ts'
import type { PendingWait } from '../task/source-queue.ts'
import { Task } from '../task/task.ts'
import { checkTopology } from '../topology/check-topology.ts'
import { changelogOf, positionsChangelog } from '../topology/names.ts'
import type { KeyValueStore, ReadonlyTable, Topology } from '../topology/topology.ts'
import { type DriverLog, openDriverLog, type PipedRecord, type WrittenRecord } from './test-driver-log.ts'

export type { PipedRecord, WrittenRecord } from './test-driver-log.ts'

/** The initial values of the driver: partitions, tables, the time. */
export type TestDriverOptions = {
  /** The number of partitions of every topic, and so the number of tasks. */
  readonly partitionCount: number
  /** Initial contents of global tables, by table name and key: the table's serde encodes the values. */
  readonly tables?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** The initial time of the driver's clock, ms since the epoch; records without a timestamp get its time. */
  readonly startTime?: number
  /** Whether all tasks are in one process and reach each other (`taskOf`). By default each is alone in a process of its own. */
  readonly together?: boolean
}

/** A store of one task, as a test reads it. */
export type StoreView<V, K = string> = Pick<KeyValueStore<V, K>, 'get' | 'range'> & {
  /** The number of entries. */
  readonly size: number
  /** In key order, without expired entries. */
  entries(): IterableIterator<[K, V]>
}

/** A topology under test: tests pipe records in, and read what was written and stored. */
export type TestDriver = {
  /** The clock, in ms; assign to move it. */
  now: number
  /**
   * Appends records to their topics and processes them as one batch, then returns the batch's writes, changelogs
   * included, in order. With `abort`, the transaction is aborted: nothing is written, all state rolls back, and the next
   * `pipe` or `settle` processes the records again, as after a refusal by the broker.
   */
  pipe(records: PipedRecord | readonly PipedRecord[], options?: { abort?: boolean }): WrittenRecord[]
  /** Processes what the topology wrote to its own sources, batch by batch, until no record is left; returns all writes. */
  settle(): WrittenRecord[]
  /** All records of a topic so far, piped and written, in the order of their appends. */
  records(topic: string): WrittenRecord[]
  /** The store of one task, for reading: entries that have not expired, in key order. */
  store<V, K = string>(name: string, task: number): StoreView<V, K>
  /** A global table by its name. @throws Error for an unknown one */
  table<V>(name: string): ReadonlyTable<V>
  /** From now on a table does not follow its topic, as if its reader were slow: processors that wait for it are not called again. */
  holdTable(name: string): void
  /** The table reaches the end of its topic, and waits for it end with `reached`; returns the writes of the waiting records. */
  releaseTable(name: string): WrittenRecord[]
  /** All waits end with `timed-out`; returns the writes of the waiting records. */
  timeOutWaits(): WrittenRecord[]
  /** The murmur2 partition of a key, which is the number of its task. */
  taskOf(key: string): number
  /** Drops everything in memory and restores every task from its changelogs, as after a kill. */
  restart(): void
}

const defaultStartTime = Date.UTC(2026, 0, 1)
const { maxRecordBytes } = defaultLimits
const maxSettleBatches = 100_000

/**
 * Opens a driver with empty topics and stores.
 * @throws StreamsError STREAMS_TOPOLOGY_INVALID
 * @example
 * ```ts
 * import type { Topology } from '@streampay/streams'
 * import { openTestDriver } from '@streampay/streams/test-driver'
 *
 * const number = { encode: (value: number) => Buffer.from(`${value}`), decode: (bytes: Buffer) => Number(bytes) }
 * const totals = { topic: 'totals', value: number }
 * const topology: Topology = {
 *   applicationId: 'till',
 *   sources: [
 *     {
 *       topic: 'payments',
 *       priority: 0,
 *       onError: 'stop',
 *       process({ key, value }, context) {
 *         const balances = context.store<number>('balances')
 *         const balance = (balances.get(String(key)) ?? 0) + Number(value)
 *         balances.set(String(key), balance)
 *         context.send(totals, { key: String(key), value: balance })
 *         return undefined
 *       },
 *     },
 *   ],
 *   stores: [{ name: 'balances', value: number }],
 *   tables: [],
 *   sinks: [totals],
 * }
 * const driver = openTestDriver(topology, { partitionCount: 4 })
 * driver.pipe(['10', '32'].map((value) => ({ topic: 'payments', key: 'ada', value })))
 * console.log(driver.records('totals').map(({ json }) => json)) // → [ 10, 42 ]
 * driver.restart()
 * console.log(driver.store<number>('balances', driver.taskOf('ada')).get('ada')) // → 42
 * ```
 */
export function openTestDriver(topology: Topology, options: TestDriverOptions): TestDriver {
  checkTopology(topology)
  return new Driver(topology, options)
}

class Driver implements TestDriver {
  now: number
  readonly #topology: Topology
  readonly #partitionCount: number
  readonly #together: boolean
  readonly #log: DriverLog
  readonly #tables = new Map<string, GlobalTable>()
  /** Small, so that values are decoded from their bytes, as in production. */
  readonly #state = new LocalState(memoryStore(), { maxCacheBytes: 10_000 })
  /** Records that a held table has not read yet, by table. */
  readonly #held = new Map<string, ReceivedRecord[]>()
  #tasks: Task[] = []
  #waits: PendingWait[] = []

  constructor(topology: Topology, options: TestDriverOptions) {
    this.now = options.startTime ?? defaultStartTime
    this.#topology = topology
    this.#partitionCount = options.partitionCount
    this.#together = options.together ?? false
    this.#log = openDriverLog(options.partitionCount)
    const { partitionCount } = options
    for (const definition of topology.tables) {
      const table = new GlobalTable({ definition, partitionCount, ...this.#state.globalTable(definition.name) })
      this.#tables.set(definition.name, table)
      for (const [key, value] of Object.entries(options.tables?.[definition.name] ?? {})) {
        const record = { topic: definition.topic, key, value: definition.value.encode(value) }
        this.#applyTo(table, this.#log.received(record, this.now))
      }
    }
    this.#tasks = this.#openTasks()
  }

  pipe(records: PipedRecord | readonly PipedRecord[], options: { abort?: boolean } = {}): WrittenRecord[] {
    const piped = Array.isArray(records) ? (records as readonly PipedRecord[]) : [records as PipedRecord]
    for (const record of piped) this.#append(record)
    for (const record of piped) this.#deliver(record.topic)
    return this.#runBatch(options.abort ?? false)
  }

  settle(): WrittenRecord[] {
    const written: WrittenRecord[] = []
    for (let batches = 0; batches < maxSettleBatches; batches++) {
      for (const source of this.#topology.sources) this.#deliver(source.topic)
      // A wait that an aborted batch began has ended by now, as it would before the runtime's next attempt.
      this.#setOutcome('reached', (wait) => !this.#held.has(wait.wait.waitFor))
      if (!this.#tasks.some((task) => task.hasWork())) return written
      written.push(...this.#runBatch(false))
    }
    throw new Error(`The topology was still writing to its own sources after ${maxSettleBatches} batches`)
  }

  records(topic: string): WrittenRecord[] {
    return this.#log.records(topic)
  }

  store<V, K = string>(name: string, task: number): StoreView<V, K> {
    const found = this.#tasks[task]
    if (found === undefined) throw new Error(`There is no task ${task} with ${this.#partitionCount} partitions`)
    const store = found.store(name) as KeyValueStore<V, K>
    return {
      get: (key) => store.get(key),
      range: (range) => store.range(range),
      get size() {
        return [...store.range()].length
      },
      entries: () => [...store.range()].values(),
    }
  }

  table<V>(name: string): ReadonlyTable<V> {
    return this.#tableNamed(name) as ReadonlyTable<V>
  }

  holdTable(name: string): void {
    this.#tableNamed(name)
    this.#held.set(name, this.#held.get(name) ?? [])
  }

  releaseTable(name: string): WrittenRecord[] {
    const table = this.#tableNamed(name)
    for (const record of this.#held.get(name) ?? []) this.#applyTo(table, record)
    this.#held.delete(name)
    return this.#endWaits('reached', (wait) => wait.wait.waitFor === name)
  }

  timeOutWaits(): WrittenRecord[] {
    return this.#endWaits('timed-out', () => true)
  }

  taskOf(key: string): number {
    return partitionForKey(key, this.#partitionCount)
  }

  restart(): void {
    this.#waits = []
    this.#tasks = this.#openTasks()
    for (const { topic } of this.#topology.sources) {
      for (const task of this.#tasks) this.#log.deliverFrom(topic, task.number, task.queue(topic)?.nextOffset ?? 0)
    }
    // Records that were fetched but not committed are fetched again with the next batch.
  }

  #applyTo(table: GlobalTable, record: ReceivedRecord): void {
    this.#state.write((batch) => void table.apply(batch, record))
  }

  #tableNamed(name: string): GlobalTable {
    const table = this.#tables.get(name)
    if (table === undefined) throw new Error(`There is no global table named "${name}"`)
    return table
  }

  #openTasks(): Task[] {
    const { applicationId, stores } = this.#topology
    const tasks = Array.from({ length: this.#partitionCount }, (_, number) => {
      const task = new Task({
        topology: this.#topology,
        task: number,
        partitionCount: this.#partitionCount,
        state: this.#state,
        tables: this.#tables,
        maxRecordBytes,
        freezeValues: true,
      })
      for (const store of stores) {
        const restored = task.store(store.name)
        this.#state.write((batch) => restored.clear(batch))
        for (const { key, value, timestamp } of this.#log.partition(changelogOf(applicationId, store), number)) {
          if (key !== null) restored.restore(key, value, timestamp)
        }
      }
      const sources = new Map<string, { offset: number; time: number }>()
      let streamTime = 0
      for (const record of this.#log.partition(positionsChangelog(applicationId), number)) {
        if (record.key === null || record.value === null) continue
        const position = decodePosition(record.value)
        sources.set(record.key.toString('utf8'), { offset: position.offset, time: position.sourceTime })
        streamTime = Math.max(streamTime, position.streamTime)
      }
      task.start({ sources, streamTime })
      return task
    })
    for (const task of tasks) {
      task.meet(new Map((this.#together ? tasks : [task]).map((neighbour) => [neighbour.number, neighbour])))
    }
    return tasks
  }

  #append(record: PipedRecord | RecordToSend): WrittenRecord {
    const received = this.#log.received(record, this.now)
    for (const [name, table] of this.#tables) {
      if (table.definition.topic !== record.topic) continue
      const held = this.#held.get(name)
      if (held === undefined) this.#applyTo(table, received)
      else held.push(received)
    }
    return this.#log.append(received)
  }

  #deliver(topic: string): void {
    for (const task of this.#tasks) {
      const queue = task.queue(topic)
      if (queue === undefined) continue
      const { records, position } = this.#log.undelivered(topic, task.number)
      queue.add({ records, position })
    }
  }

  #runBatch(abort: boolean): WrittenRecord[] {
    const written: WrittenRecord[] = []
    do {
      for (const task of this.#tasks) {
        task.run({ records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER })
        this.#waits.push(...task.takeWaits())
      }
      const batches = this.#tasks.map((task) => task.endBatch('test-driver'))
      for (const task of this.#tasks) {
        if (abort) task.rollback()
        else this.#commit(task)
      }
      if (abort) break
      for (const batch of batches) written.push(...(batch?.records ?? []).map((record) => this.#append(record)))
      // A table that is not held has always reached the end.
    } while (this.#setOutcome('reached', (wait) => !this.#held.has(wait.wait.waitFor)))
    return written
  }

  #commit(task: Task): void {
    task.commit()
    const { stores } = this.#topology
    const timeOf = (source: string | undefined) =>
      source === undefined ? task.streamTime : (task.queue(source)?.time ?? 0)
    this.#state.write((batch) => {
      for (const [index, store] of task.stores.entries()) store.flush(batch, timeOf(stores[index]?.expires?.timeOf))
    })
    for (const store of task.stores) store.flushed()
  }

  #endWaits(outcome: 'reached' | 'timed-out', concerned: (wait: PendingWait) => boolean): WrittenRecord[] {
    return this.#setOutcome(outcome, concerned) ? this.#runBatch(false) : []
  }

  #setOutcome(outcome: 'reached' | 'timed-out', concerned: (wait: PendingWait) => boolean): boolean {
    const ended = this.#waits.filter(concerned)
    for (const wait of ended) wait.outcome = outcome
    this.#waits = this.#waits.filter((wait) => !ended.includes(wait))
    return ended.length > 0
  }
}
