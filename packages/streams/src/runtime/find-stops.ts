/**
 * Finds the records at which a topology would stop: it restores the tasks from their changelogs and runs them on the records that are
 * not yet consumed, in a process that joins no group, opens no transaction and writes nothing. The next start
 * of the application would stop at the same records.
 */
import { type Cluster, keyOf, UndecodableBatchError } from '@streampay/kafka'
import type { Logger } from 'pino'
import { StreamsError } from '../errors.ts'
import { checkPartitions } from '../log/check-partitions.ts'
import { kafkaLog } from '../log/kafka-log.ts'
import { policyOf, readSetAside, type SetAside, type SetAsideRecords } from '../log/set-aside.ts'
import { systemClock } from '../log/stream-clock.ts'
import type { LogReader, StreamLog } from '../log/stream-log.ts'
import { LocalState, tableCount } from '../state/local-state.ts'
import { type StateOptions, stateIn, stateInHeap } from '../state/state-options.ts'
import { Replica } from '../task/replica.ts'
import { Task } from '../task/task.ts'
import { checkTopology } from '../topology/check-topology.ts'
import type { Topology } from '../topology/topology.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { streamsMetrics } from './metrics.ts'
import { readChangelogs } from './restoration-reading.ts'
import { startOffset } from './start-offsets.ts'
import { TableFollower } from './table-follower.ts'

/** The log and the limits with which a topology is tried. */
export type FindStopsOptions = {
  /** The caller closes it. */
  readonly cluster: Cluster
  /** Gets the log lines of the parts, as in a running topology. */
  readonly logger: Logger
  /** The limits that the application runs with: only those that differ from `defaultLimits`. */
  readonly limits?: Partial<Limits>
  /** Where the tasks are restored: an empty folder of its own; by default in the heap. */
  readonly state?: StateOptions
}

/** The first record that each task stops at. */
export type Stop = SetAside & {
  /** The number of the task, which is the partition of its sources. */
  readonly task: number
  /** Whether the record is an input, or belongs to a changelog that restores a store. */
  readonly kind: 'source' | 'changelog'
  /** The error that the processor or the serde threw. */
  readonly error: Error
}

type Setting = {
  readonly topology: Topology
  readonly log: StreamLog
  readonly logger: Logger
  readonly limits: Limits
  readonly partitionCount: number
  readonly state: LocalState
  readonly tables: TableFollower
  readonly setAside: SetAsideRecords
}

/**
 * The result has the order of the tasks; it is empty if no record stops the topology.
 * @throws StreamsError, KafkaError for errors that no record causes: topics that differ, offsets that differ from those of the
 * changelog (also while the application runs, because it moves them meanwhile), a log that does not answer
 */
export async function findStops(topology: Topology, options: FindStopsOptions): Promise<Stop[]> {
  checkTopology(topology)
  const { cluster, logger } = options
  const limits = { ...defaultLimits, ...options.limits }
  const log = kafkaLog(cluster)
  const { stallTimeoutMs, maxReplicaAgeMs: maxAgeMs } = limits
  const partitionCount = await checkPartitions(log, topology)
  const setAside = await readSetAside({ topic: topology.setAsideTopic, log, stallTimeoutMs, clock: systemClock })
  const state = await openState(topology, { partitionCount, limits, where: options.state })
  const failed = Promise.withResolvers<never>()
  const tables = new TableFollower({
    definitions: topology.tables,
    partitionCounts: await log.partitionCounts(topology.tables.map((table) => table.topic)),
    state,
    topicIds: new Map(),
    checkEveryMs: limits.standbyCheckEveryMs,
    log,
    logger,
    metrics: streamsMetrics(undefined, topology.applicationId),
    stallTimeoutMs,
    maxAgeMs,
    clock: systemClock,
    onFailed: (error) => failed.reject(error),
  })
  const setting = { topology, log, logger, limits, partitionCount, state, tables, setAside }
  try {
    await Promise.race([tables.open(), failed.promise])
    const tasks = Array.from({ length: partitionCount }, (_, task) => stopOf(setting, task))
    const stops = await Promise.race([Promise.all(tasks), failed.promise])
    return stops.filter((stop) => stop !== undefined)
  } finally {
    failed.promise.catch(() => undefined)
    await tables.close()
    await state.close()
  }
}

async function openState(
  topology: Topology,
  { partitionCount, limits, where }: { partitionCount: number; limits: Limits; where: StateOptions | undefined },
): Promise<LocalState> {
  const { applicationId } = topology
  const open = where === undefined ? stateInHeap : stateIn(where)
  const { store } = await open({ applicationId, partitionCount, tables: tableCount(topology, partitionCount) })
  return new LocalState(store, { maxCacheBytes: limits.maxCacheBytes })
}

async function stopOf(setting: Setting, number: number): Promise<Stop | undefined> {
  const { topology, limits, tables, state, partitionCount, setAside } = setting
  const { maxRecordBytes } = limits
  const task = new Task({
    topology,
    task: number,
    partitionCount,
    state,
    tables: tables.tables,
    maxRecordBytes,
    setAside,
  })
  const replica = new Replica({ task, topology, state, topicIds: new Map(), clock: systemClock, setAside })
  let kind: Stop['kind'] = 'changelog'
  try {
    await restore(setting, replica)
    kind = 'source'
    await run(setting, task, replica)
    return undefined
  } catch (error) {
    if (error instanceof UndecodableBatchError) {
      const { topic, partition, baseOffset: offset, lastOffset } = error.batch
      return { topic, partition, offset, lastOffset, task: number, kind, error }
    }
    if (!(error instanceof StreamsError) || error.record === undefined) throw error
    return { ...error.record, lastOffset: error.record.offset, task: number, kind, error }
  }
}

/** As in restoration, but without claiming offsets and without ending the transactions of members that are gone. */
async function restore(setting: Setting, replica: Replica): Promise<void> {
  const { topology, log, logger, limits, setAside } = setting
  const partition = replica.number
  const inputs = topology.sources.map(({ topic }) => ({ topic, partition }))
  const committed = await log.committed(topology.applicationId, inputs, { requireStable: true })
  await readChangelogs({
    replicas: [replica],
    log,
    logger,
    setAside,
    stallTimeoutMs: limits.stallTimeoutMs,
    maxReplicaAgeMs: limits.maxReplicaAgeMs,
    signal: new AbortController().signal,
    clock: systemClock,
    onProgress: () => undefined,
    onStartsOver: () => undefined,
  })
  const [starts, ends] = await Promise.all([log.offsets(inputs, 'start'), log.offsets(inputs, 'end')])
  const sources = new Map(
    inputs.map((at) => {
      const key = keyOf(at)
      const position = replica.inputs.get(at.topic)
      const bounds = { logStart: starts.get(key) ?? 0, logEnd: ends.get(key) ?? 0 }
      const known = committed.find((offset) => keyOf(offset) === key)
      const offset = startOffset({ ...at, ...bounds, committed: known, position })
      return [at.topic, { offset, time: position?.sourceTime ?? 0 }]
    }),
  )
  const streamTime = Math.max(0, ...[...replica.inputs.values()].map((position) => position.streamTime))
  replica.task.start({ sources, streamTime })
}

/** Runs all records that the sources have now, in batches whose results are dropped. */
async function run(setting: Setting, task: Task, replica: Replica): Promise<void> {
  const { topology, log, limits, setAside } = setting
  const inputs = topology.sources.map(({ topic }) => ({ topic, partition: task.number }))
  const ends = await log.offsets(inputs, 'stable-end')
  const skips = new Set(topology.sources.flatMap((one) => (one.onError === 'dead-letter' ? one.topic : [])))
  const isTrusted = policyOf(setAside)
  const reader = log.openReader({ onUndecodable: (batch) => (skips.has(batch.topic) ? 'skip' : isTrusted(batch)) })
  try {
    const behind = inputs.filter((at) => (task.queue(at.topic)?.nextOffset ?? 0) < (ends.get(keyOf(at)) ?? 0))
    reader.assign(behind.map((at) => ({ ...at, offset: task.queue(at.topic)?.nextOffset ?? 0 })))
    const left = new Map(behind.map((at) => [keyOf(at), ends.get(keyOf(at)) ?? 0]))
    let progressAt = systemClock.elapsed()
    while (left.size > 0) {
      for (const fetched of await pollOrWork(reader, setting, task)) {
        progressAt = systemClock.elapsed()
        task.queue(fetched.topic)?.add(fetched)
        if (fetched.position >= (left.get(keyOf(fetched)) ?? 0)) left.delete(keyOf(fetched))
      }
      await work(setting, task)
      replica.flush()
      if (systemClock.elapsed() - progressAt > limits.stallTimeoutMs) throw stalled(left, limits.stallTimeoutMs)
    }
  } finally {
    await reader.close()
  }
}

/** A reader that stops at a batch has delivered the records before it: the task may stop at one of them. */
async function pollOrWork(reader: LogReader, setting: Setting, task: Task) {
  try {
    return await reader.poll()
  } catch (error) {
    await work(setting, task)
    throw error
  }
}

async function work({ limits, tables }: Setting, task: Task): Promise<void> {
  while (task.hasWork()) {
    task.run({ records: limits.maxBatchRecords, bytes: limits.maxBatchBytes })
    const waits = task.takeWaits()
    task.endBatch('')
    task.commit()
    await Promise.all(waits.map((wait) => new Promise<void>((resolve) => tables.startWait(wait, resolve))))
  }
}

function stalled(left: ReadonlyMap<string, number>, stallTimeoutMs: number): StreamsError {
  const where = [...left].map(([key, end]) => `${key} (to ${end})`).join(', ')
  const message = `Nothing new came for ${stallTimeoutMs} ms at ${where}; an open transaction may hold it back.`
  return new StreamsError('STREAMS_RESTORE_STALLED', message)
}
