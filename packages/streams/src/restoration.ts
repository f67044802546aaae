/**
 * Brings the tasks of an assignment back to what is committed. The order is what makes it right:
 *
 *   1. end the transactions of members that are gone   – else the next step could wait for their timeout
 *   2. OffsetFetch(require_stable)                      – returns only when no transaction holds an input offset
 *   3. ListOffsets(read_uncommitted) = the target       – every changelog record of a transaction whose offsets are
 *                                                         committed lies below it, marker or not
 *   4. fetch read_committed until the position ≥ target – control batches count; waits for pinned transactions
 *   5. claim: the offsets are committed again, as they are, in this member's name – so that whoever takes over can tell
 *      from them whose transaction may be open, even if it is this member's very first
 *
 * The last stable offset must never be the target: after PrepareCommit the markers of a transaction come in any order, so
 * a changelog's marker may still be missing when the offsets' is there (KAFKA-10167), and the store would lack a debit whose
 * input offset is already past.
 */
import type { Clock, CommittedOffset, GroupMetadata, ReceivedRecord, TopicPartition } from '@streampay/kafka'
import type { Logger } from 'pino'
import { StreamsError } from './errors.ts'
import { positionsChangelog } from './names.ts'
import { nothingReadBy, readBy, writerOf } from './offset-metadata.ts'
import { decodePosition, type Position } from './positions.ts'
import { startOffset } from './start-offsets.ts'
import { keyOf, type LogReader, type StreamLog } from './stream-log.ts'
import type { Task } from './task.ts'
import type { Topology } from './topology.ts'

export type RestoreOptions = {
  readonly topology: Topology
  readonly tasks: readonly Task[]
  readonly log: StreamLog
  readonly logger: Logger
  readonly transactionalId: string
  /** That of the generation which gave these tasks. */
  readonly metadata: GroupMetadata
  readonly stallTimeoutMs: number
  /** Restoration ends with a rejection when this aborts. */
  readonly signal: AbortSignal
  readonly clock: Clock
  onRestored(records: number): void
}

/**
 * Restores and starts the tasks.
 * @throws StreamsError STREAMS_OFFSETS_DIFFER, STREAMS_INPUT_GAP, STREAMS_RESTORE_STALLED, STREAMS_CHANGELOG_CORRUPT
 */
export async function restoreTasks(options: RestoreOptions): Promise<void> {
  const { topology, tasks, log, transactionalId, signal } = options
  const inputs = tasks.flatMap((task) => topology.sources.map(({ topic }) => ({ topic, partition: task.number })))
  await endAbandonedTransactions(options, inputs)
  const stable = log.committed(topology.applicationId, inputs, { requireStable: true })
  const committed = await unlessAborted(signal, stable)
  const committedAt = new Map(committed.map((offset) => [keyOf(offset), offset]))
  const positions = await readChangelogs(options)
  const bounds = Promise.all([log.offsets(inputs, 'start'), log.offsets(inputs, 'end')])
  const [starts, ends] = await unlessAborted(signal, bounds)
  const claims: CommittedOffset[] = []
  for (const task of tasks) {
    const offsets = new Map<string, number>()
    for (const { topic } of topology.sources) {
      const at = { topic, partition: task.number }
      const key = keyOf(at)
      const position = positions.get(key)
      const log = { logStart: starts.get(key) ?? 0, logEnd: ends.get(key) ?? 0 }
      const offset = startOffset({ ...at, ...log, committed: committedAt.get(key), position })
      offsets.set(topic, offset)
      const metadata = position === undefined ? nothingReadBy(transactionalId) : readBy(transactionalId)
      claims.push({ ...at, offset, metadata })
    }
    task.start({ offsets, streamTime: streamTimeOf(positions, task) })
  }
  if (claims.length === 0 || (await log.claim(options.metadata, claims))) return
  // The group has gone on without this generation: it will take the tasks back, and nothing may begin until then.
  await unlessAborted(signal, new Promise(() => undefined))
}

/**
 * What was asked for, or a rejection as soon as the signal aborts. For questions alone: the group need not wait for an answer
 * that has lost its use, but what changes anything has to be over before the next generation.
 */
async function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** The id in a committed offset's metadata is its last owner's. Only an id that is no member's any more is touched. */
async function endAbandonedTransactions(options: RestoreOptions, inputs: readonly TopicPartition[]): Promise<void> {
  const { topology, log, logger, transactionalId, signal } = options
  const asked = Promise.all([
    log.committed(topology.applicationId, inputs, { requireStable: false }),
    log.liveInstances(topology.applicationId),
  ])
  const [committed, live] = await unlessAborted(signal, asked)
  const writers = new Set(committed.map(({ metadata }) => writerOf(metadata)).filter((id) => id !== undefined))
  const gone = [...writers].filter((id) => id !== transactionalId && !live.has(id))
  if (gone.length === 0) return
  logger.info({ transactionalIds: gone }, 'ending the transactions of members that are gone')
  await Promise.all(gone.map((id) => log.endTransactionOf(id)))
}

function streamTimeOf(positions: ReadonlyMap<string, Position>, task: Task): number {
  const times = [...positions]
    .filter(([key]) => key.endsWith(`/${task.number}`))
    .map(([, position]) => position.streamTime)
  return Math.max(0, ...times)
}

/** Feeds the stores from their changelogs and returns the positions by source topic and partition. */
async function readChangelogs(options: RestoreOptions): Promise<Map<string, Position>> {
  const { topology, tasks, log, logger } = options
  const apply = new Map<string, (record: ReceivedRecord) => void>()
  const positions = new Map<string, Position>()
  const partitions: TopicPartition[] = []
  for (const task of tasks) {
    const positionsAt = { topic: positionsChangelog(topology.applicationId), partition: task.number }
    partitions.push(positionsAt)
    apply.set(keyOf(positionsAt), (record) => restorePosition(positions, record))
    for (const { name } of topology.stores) {
      const store = task.store(name)
      const changelogAt = { topic: store.changelog, partition: task.number }
      partitions.push(changelogAt)
      apply.set(keyOf(changelogAt), (record) => {
        if (record.key !== null) store.restore(record.key.toString('utf8'), record.value)
      })
    }
  }
  const bounds = Promise.all([log.offsets(partitions, 'end'), log.offsets(partitions, 'start')])
  const [targets, starts] = await unlessAborted(options.signal, bounds)
  const reader = log.openReader()
  try {
    reader.assign(partitions.map((at) => ({ ...at, offset: starts.get(keyOf(at)) ?? 0 })))
    const behind = new Map([...targets].filter(([key, target]) => (starts.get(key) ?? 0) < target))
    logger.info({ tasks: tasks.map((task) => task.number), partitions: behind.size }, 'restoring')
    const records = await readTo({ ...options, reader, behind, apply })
    logger.info({ tasks: tasks.map((task) => task.number), records }, 'restored')
  } finally {
    await reader.close()
  }
  return positions
}

type ReadToOptions = RestoreOptions & {
  readonly reader: LogReader
  /** The target of each partition that has not reached it. */
  readonly behind: Map<string, number>
  readonly apply: ReadonlyMap<string, (record: ReceivedRecord) => void>
}

const progressEveryMs = 1_000

/** Reads until no partition is behind; returns the number of records. */
async function readTo({
  reader,
  behind,
  apply,
  logger,
  signal,
  clock,
  stallTimeoutMs,
  onRestored,
}: ReadToOptions): Promise<number> {
  let total = 0
  let progressAt = clock.elapsed()
  let reportedAt = progressAt
  while (behind.size > 0) {
    for (const fetched of await unlessAborted(signal, reader.poll())) {
      const key = keyOf(fetched)
      for (const record of fetched.records) applyRecord(record, apply.get(key))
      total += fetched.records.length
      onRestored(fetched.records.length)
      if (fetched.records.length > 0) progressAt = clock.elapsed()
      if (fetched.position >= (behind.get(key) ?? Number.POSITIVE_INFINITY)) {
        behind.delete(key)
        progressAt = clock.elapsed()
      }
    }
    const now = clock.elapsed()
    if (now - progressAt > stallTimeoutMs) throw stalled(behind, stallTimeoutMs)
    if (now - reportedAt > progressEveryMs) {
      logger.info({ records: total, behind: Object.fromEntries(behind) }, 'restoring')
      reportedAt = now
    }
  }
  return total
}

function stalled(behind: ReadonlyMap<string, number>, stallTimeoutMs: number): StreamsError {
  const where = [...behind].map(([key, target]) => `${key} (to ${target})`).join(', ')
  const message = `Restoration made no progress for ${stallTimeoutMs} ms at ${where}; an open transaction may pin it.`
  return new StreamsError('STREAMS_RESTORE_STALLED', message)
}

function applyRecord(record: ReceivedRecord, apply: ((record: ReceivedRecord) => void) | undefined): void {
  try {
    apply?.(record)
  } catch (error) {
    const message = `The changelog record at ${keyOf(record)}/${record.offset} cannot be decoded.`
    throw new StreamsError('STREAMS_CHANGELOG_CORRUPT', message, error)
  }
}

function restorePosition(positions: Map<string, Position>, record: ReceivedRecord): void {
  if (record.key === null || record.value === null) return
  positions.set(
    keyOf({ topic: record.key.toString('utf8'), partition: record.partition }),
    decodePosition(record.value),
  )
}
