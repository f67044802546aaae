/**
 * Compaction by key of closed segments below the last stable offset, so that every transaction in them has
 * ended. The newest committed record of each key is kept; records of aborted transactions are removed. Offsets never change: a
 * batch that loses records keeps its base and last offset, so consumers only see gaps.
 *
 * Tombstones, and markers whose records are gone, get a delete horizon (now + delete.retention.ms) in the first round that
 * finds them, and are removed in the first round after it (KIP-534), so that a consumer that reads from the start within this
 * time sees them. The marker of a transaction is kept as long as records of it are. The last batch of the range is kept, if
 * necessary without records, so that a reader reaches the end.
 *
 * The segments are taken in groups that fit into one segment. The files of a group replace the old ones, which are removed,
 * before the next group is begun: so the disk needs room for one more segment, at any size of the log. Memory is limited
 * by the number of keys: the remaining ones are left for another pass. The code here does not use the log's state, so it runs in a
 * worker if there is much to do.
 */

import { join } from 'node:path'
import { readBatchHeader, visitRecords } from '@streampay/kafka/wire'
import { AbortedLookup, BatchFilter, type Newest } from './batch-filter.ts'
import { baseOffsetAt, batchBytesAt, recordCountAt } from './batch-view.ts'
import { CompactedFiles } from './compacted-files.ts'
import { type CompactedGroup, type CompactionJob, isSameSpan } from './compaction-job.ts'
import type { Files } from './files.ts'
import { NewestOffsets } from './newest-offsets.ts'
import { scanBatches } from './scan-batches.ts'
import type { SegmentState } from './segment.ts'
import { TransactionScan } from './transaction-scan.ts'

/** The range of offsets in one segment: as in Kafka, whose files store the distance from the first one in 31 bits. */
const maxOffsetSpan = 2 ** 31 - 1

/**
 * Compacts as many records as the keys in memory allow.
 * @param replace replaces the old files of a group by the new ones
 * @returns the offset up to which all records were compacted
 */
export async function compactSegments(
  files: Files,
  job: CompactionJob,
  replace: (group: CompactedGroup) => Promise<void>,
): Promise<number> {
  const keys = await newestByKey(files, job)
  const filter = new BatchFilter(job, keys)
  const scan = new TransactionScan()
  const groups = groupsOf(job, keys.end)
  for (const [at, group] of groups.entries()) {
    const [first] = group
    if (first === undefined) continue
    const output = new CompactedFiles(files, job, { scan, baseOffset: first.baseOffset })
    try {
      const isLast = at === groups.length - 1
      const isChanged = await filterGroup(files, job, { group, filter, output, isLast })
      if (isChanged || group.length > 1) {
        await replace({ old: group.map(({ file }) => file), segments: await output.finish() })
      } else output.discard()
    } finally {
      output.close()
    }
  }
  return keys.end
}

/** Whether any batch has changed. */
async function filterGroup(
  files: Files,
  job: CompactionJob,
  work: {
    readonly group: readonly SegmentState[]
    readonly filter: BatchFilter
    readonly output: CompactedFiles
    /** Its last batch is kept in any case. */
    readonly isLast: boolean
  },
): Promise<boolean> {
  const { group, filter, output, isLast } = work
  let isChanged = false
  let trailing: Buffer | undefined
  for (const segment of group) {
    output.nextSegment(segment)
    await visitBatches(files, job, segment, (batch) => {
      const kept = filter.filter(batch)
      isChanged ||= kept !== batch
      trailing = kept ? undefined : Buffer.from(batch)
      if (kept) output.write(kept)
      return false
    })
  }
  if (trailing && isLast) output.write(filter.emptied(trailing))
  return isChanged
}

/** Groups of the segments before `end`: as many together as fit into one. */
function groupsOf(job: CompactionJob, end: number): SegmentState[][] {
  const groups: SegmentState[][] = []
  let bytes = 0
  for (const [at, segment] of job.segments.entries()) {
    if (segment.baseOffset >= end) break
    const group = groups.at(-1)
    const [first] = group ?? []
    const behind = job.segments[at + 1]?.baseOffset ?? job.endOffset
    const fits =
      first !== undefined &&
      bytes + segment.bytes <= job.segmentBytes &&
      behind - first.baseOffset <= maxOffsetSpan &&
      isSameSpan(job, segment, first)
    if (group !== undefined && fits) group.push(segment)
    else groups.push([segment])
    bytes = segment.bytes + (fits ? bytes : 0)
  }
  return groups
}

/** The newest committed offset of every key after `compactedTo`. */
async function newestByKey(files: Files, job: CompactionJob): Promise<Newest> {
  const offsets = new NewestOffsets(job.maxKeys)
  const aborted = new AbortedLookup(job.aborted)
  let end = job.endOffset
  for (const [at, segment] of job.segments.entries()) {
    const behind = job.segments[at + 1]?.baseOffset ?? job.endOffset
    if (behind <= job.compactedTo || end < job.endOffset) continue
    await visitBatches(files, job, segment, (batch) => {
      const header = readBatchHeader(batch, 0)
      if (header.lastOffset < job.compactedTo || header.isControl || aborted.has(header)) return false
      if (!offsets.hasRoomFor(recordCountAt(batch, 0))) {
        end = baseOffsetAt(batch, 0)
        return true
      }
      visitRecords(batch, (offset, _timestamp, key) => {
        if (key) offsets.set(key, offset)
      })
      return false
    })
  }
  return { offsets, end }
}

/** `batch` is valid only during the visit; true ends it. */
async function visitBatches(
  files: Files,
  job: CompactionJob,
  segment: SegmentState,
  visit: (batch: Buffer) => boolean,
): Promise<void> {
  const path = join(job.folder, segment.file)
  const fd = files.openForReading(path)
  try {
    const readAt = (buffer: Buffer, position: number) => files.read(fd, buffer, position)
    await scanBatches(readAt, { from: 0, end: () => segment.bytes, verify: true, path }, (bytes, at) => {
      return visit(bytes.subarray(at, at + batchBytesAt(bytes, at)))
    })
  } finally {
    files.close(fd)
  }
}
