/**
 * Retention and compaction, both on whole closed segments. Files are removed only after a checkpoint that does not
 * need them any more; if the process ends in between, the next start finds files that no checkpoint knows, and removes
 * them then.
 */

import { join } from 'node:path'
import type { CompactionJob } from './compaction.ts'
import type { Files } from './files.ts'
import type { LogPartition } from './partition.ts'
import { runCompaction } from './run-compaction.ts'
import type { Segment } from './segment.ts'
import type { MaintenanceReport, StorageLogger } from './types.ts'

export type MaintenanceRound = {
  readonly partitions: readonly LogPartition[]
  readonly now: number
  readonly files: Files
  readonly logger: StorageLogger
  readonly checkpoint: () => Promise<void>
}

/** Kafka's producer.id.expiration.ms. */
const producerExpiryMs = 86_400_000
/**
 * The open segment of a compacted topic is closed when it has grown by as much as the rest of the log has, and at
 * least by so much: the log, and the time to restore from it, stay within about twice the size of its live records.
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
  // Closed segments become part of a checkpoint, so that no journal needs the old ones to replay over.
  await round.checkpoint()
  for (const partition of candidates) await compact(partition, round)
  return { segmentsDeleted, partitionsCompacted: candidates.length }
}

function rollIfDue(partition: LogPartition, now: number): void {
  const active = partition.segments.at(-1)
  if (active === undefined || active.bytes === 0 || partition.highWatermark !== partition.logEndOffset) return
  const { settings } = partition
  const isOld = now - active.createdAt >= settings.segmentMs
  // A log whose newest record is past retention is emptied whole.
  const isExpired = settings.delete && settings.retentionMs >= 0 && active.maxTimestamp < now - settings.retentionMs
  const isLarge = settings.compact && active.bytes >= Math.max(minRollBytes, partition.sizeBytes - active.bytes)
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
  for (const path of removed) round.files.removeFile(path)
  return removed.length
}

/** From the oldest on; never the last segment, nor what a reader of committed records has not been able to see. */
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

/** The closed segments below the last stable offset that are old enough to be compacted. */
function compactable(partition: LogPartition, now: number): { segments: readonly Segment[]; endOffset: number } {
  const { segments, lastStableOffset, settings } = partition
  let count = 0
  for (; count < segments.length - 1; count++) {
    const end = segments[count + 1]?.baseOffset ?? lastStableOffset + 1
    const isYoung = (segments[count]?.maxTimestamp ?? -1) > now - settings.minCompactionLagMs
    if (end > lastStableOffset || (settings.minCompactionLagMs > 0 && isYoung)) break
  }
  return { segments: segments.slice(0, count), endOffset: segments[count]?.baseOffset ?? 0 }
}

function needsCompaction(partition: LogPartition, now: number): boolean {
  const { settings, compactedTo } = partition
  if (!settings.compact) return false
  const { segments } = compactable(partition, now)
  const dirty = segments.filter((segment) => segment.baseOffset >= compactedTo)
  const dirtyBytes = bytesOf(dirty)
  if (dirtyBytes === 0) return false
  const oldest = Math.min(...dirty.map((segment) => segment.createdAt))
  return (
    dirtyBytes / bytesOf(segments) >= settings.minCleanableDirtyRatio || now - oldest >= settings.maxCompactionLagMs
  )
}

async function compact(partition: LogPartition, round: MaintenanceRound): Promise<void> {
  const { segments, endOffset } = compactable(partition, round.now)
  const before = bytesOf(segments)
  const job: CompactionJob = {
    folder: partition.folder,
    segments: segments.map((segment) => segment.state()),
    compactedTo: partition.compactedTo,
    endOffset,
    aborted: partition.transactions.aborted(),
    now: round.now,
    deleteRetentionMs: partition.settings.deleteRetentionMs,
    segmentBytes: partition.settings.segmentBytes,
    round: 1 + Math.max(0, ...segments.map((segment) => roundOf(segment.file))),
  }
  const result = await runCompaction(round.files, job)
  if (partition.deleted) return
  partition.replaceSegments(new Set(segments), result.segments)
  partition.transactions.forget(new Set(result.droppedMarkers))
  partition.compactedTo = result.compactedTo
  await round.checkpoint()
  for (const segment of segments) round.files.removeFile(join(partition.folder, segment.file))
  const after = result.segments.reduce((sum, segment) => sum + segment.bytes, 0)
  round.logger.info({ topic: partition.topic, partition: partition.index, before, after }, 'compacted')
}

function roundOf(file: string): number {
  return Number(/-(\d+)\.log$/.exec(file)?.[1] ?? 0)
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.bytes, 0)
}
