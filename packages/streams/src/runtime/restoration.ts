/**
 * Restores the tasks of an assignment to the committed state, from any position of their replicas. The order of the steps matters:
 *
 *   1. end the transactions of members that are gone   – otherwise the next step could wait for their timeout
 *   2. OffsetFetch(require_stable)                      – returns only when no transaction holds an input offset
 *   3. ListOffsets(read_uncommitted) = the target       – every changelog record of a transaction whose offsets are
 *                                                         committed lies below it, with or without its marker
 *   4. fetch read_committed until the position ≥ target – control batches count; waits for open transactions
 *   5. claim: the same offsets are committed again in this member's name – so the next owner can read from them
 *      whose transaction may be open, even if it is this member's very first
 *
 * The last stable offset must never be the target: after PrepareCommit the markers of a transaction come in any order. A
 * changelog's marker may still be missing when the marker of the offsets is there (KAFKA-10167), and the store would lack a debit
 * whose input offset is already committed.
 */
import { type CommittedOffset, type GroupMetadata, keyOf, type TopicPartition } from '@streampay/kafka'
import { nothingReadBy, readBy, writerOf } from '../log/offset-metadata.ts'
import { unlessAborted } from '../log/unless-aborted.ts'
import type { Topology } from '../topology/topology.ts'
import { type ReadingOptions, readChangelogs } from './restoration-reading.ts'
import { startOffset } from './start-offsets.ts'

export type RestoreOptions = ReadingOptions & {
  readonly topology: Topology
  readonly transactionalId: string
  /** The metadata of the generation that gave these tasks. */
  readonly metadata: GroupMetadata
}

/**
 * Restores and starts the tasks.
 * @throws StreamsError STREAMS_OFFSETS_DIFFER, STREAMS_INPUT_GAP, STREAMS_RESTORE_STALLED, STREAMS_CHANGELOG_CORRUPT
 */
export async function restoreTasks(options: RestoreOptions): Promise<void> {
  const { topology, replicas, log, transactionalId, signal } = options
  const inputs = replicas.flatMap(({ number }) => topology.sources.map(({ topic }) => ({ topic, partition: number })))
  if (inputs.length === 0) return
  await endAbandonedTransactions(options, inputs)
  const stable = log.committed(topology.applicationId, inputs, { requireStable: true })
  const committed = await unlessAborted(signal, stable)
  const committedAt = new Map(committed.map((offset) => [keyOf(offset), offset]))
  await readChangelogs(options)
  const bounds = Promise.all([log.offsets(inputs, 'start'), log.offsets(inputs, 'end')])
  const [starts, ends] = await unlessAborted(signal, bounds)
  const claims: CommittedOffset[] = []
  for (const { number, task, inputs: positions } of replicas) {
    const sources = new Map<string, { offset: number; time: number }>()
    for (const { topic } of topology.sources) {
      const at = { topic, partition: number }
      const key = keyOf(at)
      const position = positions.get(topic)
      const log = { logStart: starts.get(key) ?? 0, logEnd: ends.get(key) ?? 0 }
      const offset = startOffset({ ...at, ...log, committed: committedAt.get(key), position })
      sources.set(topic, { offset, time: position?.sourceTime ?? 0 })
      const metadata = position === undefined ? nothingReadBy(transactionalId) : readBy(transactionalId)
      claims.push({ ...at, offset, metadata })
    }
    const streamTime = Math.max(0, ...[...positions.values()].map((position) => position.streamTime))
    task.start({ sources, streamTime })
  }
  if (await log.claim(options.metadata, claims)) return
  // The group has moved on from this generation: it will revoke the tasks, and no processing may begin until then.
  await unlessAborted(signal, new Promise(() => undefined))
}

/** The id in a committed offset's metadata is its last owner's. Only ids without a living member are ended. */
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
