/**
 * Retention and compaction, both on whole closed segments. Files are removed only after a checkpoint that does not
 * need them any more; if the process ends in between, the next start finds files that are in no checkpoint, and removes
 * them then.
 */

import type { BoundedFiles } from './bounded-files.ts'
import type { CompactedGroup } from './compaction-job.ts'
import { Compactor } from './compactor.ts'
import type { LogPartition } from './partition.ts'
import { removeSegment, type Segment } from './segment.ts'
import type { MaintenanceReport, StorageLogger } from './types.ts'

export type MaintenanceRound = {
  readonly partitions: readonly LogPartition[]
  readonly now: number
  readonly files: BoundedFiles
  readonly logger: StorageLogger
  readonly maxKeys: number
  readonly checkpoint: () => Promise<void>
}

/** Kafka's producer.id.expiration.ms. */
const producerExpiryMs = 86_400_000
/**
 * The open segment of a compacted topic is closed when it has grown to the size of the rest of the log, and at
 * least to this size: the log, and the time to restore from it, stay within about twice the size of its live records.
 */
const minRollBytes = 4 * 1024 * 1024
/** If old segments are deleted as well, the merged ones are within this part of their retention time. */
const mergedShare = 8

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

type CompactionRound = MaintenanceRound & { readonly compactor: Compactor }

/** An error in one partition's segments, or of its disk, must not prevent the compaction of the others. */
async function isCompacted(partition: LogPartition, round: CompactionRound): Promise<boolean> {
  try {
    await compact(partition, round)
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
  const { segments, endOffset } = compactable(partition, now)
  const dirty = segments.filter((_, at) => (segments[at + 1]?.baseOffset ?? endOffset) > compactedTo)
  const dirtyBytes = bytesOf(dirty)
  if (dirtyBytes === 0) return false
  const oldest = Math.min(...dirty.map((segment) => segment.createdAt))
  return dirtyBytes / bytesOf(segments) > settings.minCleanableDirtyRatio || now - oldest >= settings.maxCompactionLagMs
}

/** Several passes, each for as many keys as fit into memory. */
async function compact(partition: LogPartition, round: CompactionRound): Promise<void> {
  const before = partition.sizeBytes
  for (let passes = 1; ; passes++) {
    const { segments, endOffset } = compactable(partition, round.now)
    if (partition.deleted || (passes > 1 && partition.compactedTo >= endOffset)) break
    await compactOnce(partition, round, { segments, endOffset })
  }
  const { topic, index, sizeBytes } = partition
  round.logger.info({ topic, partition: index, before, after: sizeBytes }, 'compacted')
}

async function compactOnce(
  partition: LogPartition,
  round: CompactionRound,
  range: { readonly segments: readonly Segment[]; readonly endOffset: number },
): Promise<void> {
  const { segments, endOffset } = range
  const { settings } = partition
  const job = {
    folder: partition.folder,
    identity: partition.identityOf(''),
    segments: segments.map((segment) => segment.state()),
    compactedTo: partition.compactedTo,
    endOffset,
    aborted: await partition.abortedBetween(0, endOffset),
    now: round.now,
    deleteRetentionMs: settings.deleteRetentionMs,
    segmentBytes: settings.segmentBytes,
    spanMs:
      settings.delete && settings.retentionMs >= 0
        ? Math.max(1, settings.retentionMs / mergedShare)
        : Number.MAX_SAFE_INTEGER,
    indexIntervalBytes: settings.indexIntervalBytes,
    maxKeys: round.maxKeys,
    round: 1 + Math.max(0, ...segments.map((segment) => roundOf(segment.file))),
  }
  const compactedTo = await round.compactor.run(job, async (group) => {
    if (!partition.deleted) await replaceGroup(partition, group, round)
  })
  if (partition.deleted) return
  if (compactedTo <= partition.compactedTo && compactedTo < endOffset) {
    throw new Error(`compaction got no further than ${compactedTo}`)
  }
  partition.compactedTo = compactedTo
}

/** The removed files can't be read any more once they are in no checkpoint. */
async function replaceGroup(partition: LogPartition, group: CompactedGroup, round: MaintenanceRound): Promise<void> {
  const old = partition.segments.filter(({ file }) => group.old.includes(file))
  partition.replaceSegments(new Set(old), group.segments)
  await round.checkpoint()
  for (const { path } of old) removeSegment(round.files, path)
}

function roundOf(file: string): number {
  return Number(/-(\d+)\.log$/.exec(file)?.[1] ?? 0)
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.bytes, 0)
}
