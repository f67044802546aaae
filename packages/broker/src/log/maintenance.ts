/**
 * Retention and compaction, both on whole closed segments. Files are removed only after a checkpoint that does not
 * need them any more; if the process ends in between, the next start finds files that are in no checkpoint, and removes
 * them then.
 */

import { type CompactionRound, compactPartition, needsCompaction } from './compact-partition.ts'
import { Compactor } from './compactor.ts'
import type { LogPartition } from './partition.ts'
import { removeSegment, type Segment } from './segment.ts'
import type { MaintenanceReport } from './types.ts'

export type MaintenanceRound = Omit<CompactionRound, 'compactor'> & { readonly partitions: readonly LogPartition[] }

/** Kafka's producer.id.expiration.ms. */
const producerExpiryMs = 86_400_000
/**
 * The open segment of a compacted topic is closed when it has grown to the size of the rest of the log, and at
 * least to this size: the log, and the time to restore from it, stay within about twice the size of its live records.
 */
const minRollBytes = 4 * 1024 * 1024

export async function maintainPartitions(round: MaintenanceRound): Promise<MaintenanceReport> {
  const partitions = round.partitions.filter((partition) => !partition.deleted)
  for (const partition of partitions) {
    partition.producers.expire(round.now - producerExpiryMs)
    rollIfDue(partition, round.now)
  }
  const segmentsDeleted = await deleteExpired(partitions, round)
  const candidates = partitions.filter((partition) => needsCompaction(partition, round.now))
  if (candidates.length === 0) return { segmentsDeleted, partitionsCompacted: 0 }
  // Closed segments become part of a checkpoint, so that no journal has to be replayed over the old ones.
  await round.checkpoint()
  const compactor = new Compactor(round.files)
  let partitionsCompacted = 0
  try {
    for (const partition of candidates) {
      if (await isCompacted(partition, { ...round, compactor })) partitionsCompacted += 1
    }
  } finally {
    await compactor.close()
  }
  return { segmentsDeleted, partitionsCompacted }
}

/** An error in one partition's segments, or of its disk, must not prevent the compaction of the others. */
async function isCompacted(partition: LogPartition, round: CompactionRound): Promise<boolean> {
  try {
    await compactPartition(partition, round)
    return true
  } catch (err) {
    round.logger.error({ topic: partition.topic, partition: partition.index, err }, 'a compaction failed')
    return false
  }
}

function rollIfDue(partition: LogPartition, now: number): void {
  const active = partition.segments.at(-1)
  if (active === undefined || active.bytes === 0) return
  const { settings } = partition
  const isOld = now - active.createdAt >= settings.segmentMs
  // A log whose newest record is past retention is emptied completely.
  const isExpired = settings.delete && settings.retentionMs >= 0 && active.maxTimestamp < now - settings.retentionMs
  const rollBytes = Math.min(minRollBytes, settings.segmentBytes)
  const isLarge = settings.compact && active.bytes >= Math.max(rollBytes, partition.sizeBytes - active.bytes)
  const isPassed = partition.logStartOffset === partition.logEndOffset
  if (isOld || isExpired || isLarge || isPassed) partition.roll()
}

async function deleteExpired(partitions: readonly LogPartition[], round: MaintenanceRound): Promise<number> {
  const removed: string[] = []
  for (const partition of partitions) {
    const expired = expiredSegments(partition, round.now)
    if (expired.length === 0) continue
    const next = partition.segments[expired.length]
    partition.replaceSegments(new Set(expired), [])
    if (next) partition.advanceLogStart(next.baseOffset)
    removed.push(...expired.map((segment) => segment.path))
    const { topic, index, logStartOffset } = partition
    round.logger.info({ topic, partition: index, segments: expired.length, logStartOffset }, 'deleted old segments')
  }
  if (removed.length === 0) return 0
  await round.checkpoint()
  for (const path of removed) removeSegment(round.files, path)
  return removed.length
}

/** From the oldest on; never the last segment, nor records that a read_committed reader could not see yet. */
function expiredSegments(partition: LogPartition, now: number): Segment[] {
  const { settings, segments, lastStableOffset, logStartOffset } = partition
  let excessBytes = settings.delete && settings.retentionBytes >= 0 ? partition.sizeBytes - settings.retentionBytes : 0
  const expired: Segment[] = []
  for (const [at, segment] of segments.entries()) {
    const end = segments[at + 1]?.baseOffset
    if (end === undefined || end > lastStableOffset) break
    const isTooOld = settings.delete && settings.retentionMs >= 0 && segment.maxTimestamp < now - settings.retentionMs
    const isTooMuch = excessBytes >= segment.bytes && excessBytes > 0
    if (!isTooOld && !isTooMuch && end > logStartOffset) break
    excessBytes -= segment.bytes
    expired.push(segment)
  }
  return expired
}
