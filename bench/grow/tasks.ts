/**
 * The tasks of the real topologies in this process, without a log between them: what one writes is passed to those that read it, until all
 * are idle. They run the code of the services, so they write what the services would have.
 */
import { join } from 'node:path'
import { maxRecordBytes, topics } from '@streampay/domain'
import type { ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { openLocalStore } from '@streampay/local-store'
import { paymentsTopology, statisticsTopology } from '@streampay/payments'
import type { Topology } from '@streampay/streams'
import { bytesOfKey } from '../../apps/payments/src/idempotency.ts'
import { defaultLimits } from '../../apps/payments/src/limits.ts'
import { GlobalTable } from '../../packages/streams/src/state/global-table.ts'
import { LocalState, tableCount } from '../../packages/streams/src/state/local-state.ts'
import { Task } from '../../packages/streams/src/task/task.ts'
import { slotName } from '../../packages/streams/src/topology/names.ts'

const partitionCount = topics[0]?.partitions ?? 0
const maxStateBytes = 64 * 1024 ** 3
const maxCacheBytes = 64 * 1024 ** 2
/** The log time of a grown history may be within one day. */
const limits = {
  ...defaultLimits,
  maxIdempotencyBytes: 10_000_000 * bytesOfKey,
  maxBytesOfIdentity: 10_000_000 * bytesOfKey,
}

export type Tasks = {
  /** Passes a record of the log to all that read its topic. */
  deliver(record: ReceivedRecord): void
  /** Processes until nothing is left; `append` writes the output to the log. */
  settle(append: (record: RecordToSend) => ReceivedRecord): void
  close(): Promise<void>
}

/** @param folder for their state, which is not used afterwards */
export async function openTasks(folder: string): Promise<Tasks> {
  const processes = await Promise.all(
    [paymentsTopology(limits), statisticsTopology()].map((topology) => openProcess(topology, folder)),
  )
  const deliver = (record: ReceivedRecord) => {
    for (const { tables, tableRecords, queues } of processes) {
      if (tables.has(record.topic)) tableRecords.push(record)
      queues.get(`${record.topic}/${record.partition}`)?.push(record)
    }
  }
  return {
    deliver,
    settle(append) {
      for (let hasWritten = true; hasWritten; ) {
        hasWritten = false
        for (const process of processes) applyToTables(process)
        for (const process of processes) {
          for (const record of runBatch(process)) {
            deliver(append(record))
            hasWritten = true
          }
        }
      }
      for (const process of processes) flush(process)
    },
    async close() {
      for (const { state } of processes) await state.close()
    },
  }
}

type Process = {
  readonly transactionalId: string
  readonly topology: Topology
  readonly state: LocalState
  readonly tasks: readonly Task[]
  readonly tables: ReadonlyMap<string, readonly GlobalTable[]>
  /** What tables are to read: all of it before the tasks go on. */
  readonly tableRecords: ReceivedRecord[]
  /** What is to be read, by topic and partition. */
  readonly queues: ReadonlyMap<string, ReceivedRecord[]>
}

async function openProcess(topology: Topology, folder: string): Promise<Process> {
  const { store } = await openLocalStore({
    folder: join(folder, topology.applicationId),
    format: 'grow',
    maxBytes: maxStateBytes,
    maxTables: tableCount(topology, partitionCount),
  })
  const state = new LocalState(store, { maxCacheBytes })
  const tables = new Map(
    topology.tables.map((definition) => [
      definition.name,
      new GlobalTable({ definition, partitionCount, ...state.globalTable(definition.name) }),
    ]),
  )
  const tasks = Array.from({ length: partitionCount }, (_, number) => {
    const task = new Task({ topology, task: number, partitionCount, state, tables, maxRecordBytes })
    task.start({ sources: new Map(), streamTime: 0 })
    return task
  })
  const neighbours = new Map(tasks.map((task) => [task.number, task]))
  for (const task of tasks) task.meet(neighbours)
  const partitions = topology.sources.flatMap(({ topic }) => tasks.map(({ number }) => `${topic}/${number}`))
  return {
    transactionalId: slotName(topology.applicationId, 0),
    topology,
    state,
    tasks,
    tables: Map.groupBy(tables.values(), ({ definition }) => definition.topic),
    tableRecords: [],
    queues: new Map(partitions.map((at) => [at, []])),
  }
}

function applyToTables({ state, tables, tableRecords }: Process): void {
  if (tableRecords.length === 0) return
  state.write((batch) => {
    for (const record of tableRecords) for (const table of tables.get(record.topic) ?? []) table.apply(batch, record)
  })
  tableRecords.length = 0
}

/** What one transaction would hold. */
function runBatch({ transactionalId, tasks, queues }: Process): RecordToSend[] {
  for (const task of tasks) {
    for (const queue of task.queues) {
      const records = queues.get(`${queue.source.topic}/${task.number}`) ?? []
      const last = records.at(-1)
      if (last === undefined) continue
      queue.add({ records: [...records], position: last.offset + 1 })
      records.length = 0
    }
    run(task)
  }
  const batches = tasks.map((task) => task.endBatch(transactionalId))
  for (const task of tasks) task.commit()
  return batches.flatMap((batch) => {
    if (batch !== undefined && batch.deadLetters > 0) throw new Error('a record of the history is a dead letter')
    return batch?.records ?? []
  })
}

/** What is committed goes from memory to the local store, as beside a runtime. */
function flush({ topology, state, tasks }: Process): void {
  for (const task of tasks) {
    const timeOf = (source: string | undefined) =>
      source === undefined ? task.streamTime : (task.queue(source)?.time ?? 0)
    state.write((batch) => {
      for (const [index, store] of task.stores.entries()) {
        store.flush(batch, timeOf(topology.stores[index]?.expires?.timeOf))
      }
    })
    for (const store of task.stores) store.flushed()
  }
}

function run(task: Task): void {
  const unbounded = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }
  while (task.hasWork()) {
    task.run(unbounded)
    // Tables have read all that is on the log.
    for (const wait of task.takeWaits()) wait.outcome = 'reached'
  }
}
