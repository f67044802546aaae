/** The input and output of a compaction. */

import type { SegmentState } from './segment.ts'
import type { AbortedRange } from './transaction-scan.ts'

export type CompactionJob = {
  readonly folder: string
  /** The prefix of file names in the folder; no other file has it. */
  readonly identity: string
  /** Closed, synced, in order, from the start of the log. */
  readonly segments: readonly SegmentState[]
  /** Records before this offset were compacted earlier: each key occurs there only once. */
  readonly compactedTo: number
  /** The first offset after the segments. */
  readonly endOffset: number
  /** All aborted transactions with records in the segments. */
  readonly aborted: readonly AbortedRange[]
  readonly now: number
  readonly deleteRetentionMs: number
  readonly segmentBytes: number
  /**
   * Time is divided into spans: segments are merged only if their newest records are in the same span. Otherwise the newer records would
   * prevent the older ones from being deleted.
   */
  readonly spanMs: number
  readonly indexIntervalBytes: number
  /** The number of keys in memory, with 32 to 64 bytes each. */
  readonly maxKeys: number
  /** The number for the names of new files; higher than that of any existing file. */
  readonly round: number
}

/** Some segments, and the files that replace them: both exist on disk at the same time. */
export type CompactedGroup = { readonly old: readonly string[]; readonly segments: readonly SegmentState[] }

/** Whether two segments may be merged. */
export function isSameSpan(
  { spanMs }: CompactionJob,
  one: { readonly maxTimestamp: number },
  other: { readonly maxTimestamp: number },
): boolean {
  return Math.floor(one.maxTimestamp / spanMs) === Math.floor(other.maxTimestamp / spanMs)
}
