/** Compaction of one partition: when it is due, of which segments, and how the new files take the place of the old ones. */
import type { BoundedFiles } from './bounded-files.ts'
import type { CompactedGroup } from './compaction-job.ts'
import type { Compactor } from './compactor.ts'
import type { LogPartition } from './partition.ts'
import { removeSegment, type Segment } from './segment.ts'
import type { StorageLogger } from './types.ts'

/** If old segments are deleted as well, the merged ones are within this part of their retention time. */
const mergedShare = 8

export type CompactionRound = {
  readonly now: number
  readonly files: BoundedFiles
  readonly logger: StorageLogger
  /** So many keys fit into memory at once. */
  readonly maxKeys: number
  readonly checkpoint: () => Promise<void>
  readonly compactor: Compactor
}

export function needsCompaction(partition: LogPartition, now: number): boolean {
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
export async function compactPartition(partition: LogPartition, round: CompactionRound): Promise<void> {
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
async function replaceGroup(partition: LogPartition, group: CompactedGroup, round: CompactionRound): Promise<void> {
  const old = partition.segments.filter(({ file }) => group.old.includes(file))
  partition.replaceSegments(new Set(old), group.segments)
  await round.checkpoint()
  for (const { path } of old) removeSegment(round.files, path)
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

function roundOf(file: string): number {
  return Number(/-(\d+)\.log$/.exec(file)?.[1] ?? 0)
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.bytes, 0)
}
