/** What a compaction is told, and what it tells. */

import type { SegmentState } from './segment.ts'
import type { AbortedRange } from './transaction-scan.ts'

export type CompactionJob = {
  readonly folder: string
  /** Before the name of a file in the folder: what no other file ever has. */
  readonly identity: string
  /** Closed, synced, in order, from the first of the log. */
  readonly segments: readonly SegmentState[]
  /** What lies before was compacted earlier: no key stands in it twice. */
  readonly compactedTo: number
  /** The first offset after the segments. */
  readonly endOffset: number
  /** All that reach into the segments. */
  readonly aborted: readonly AbortedRange[]
  readonly now: number
  readonly deleteRetentionMs: number
  readonly segmentBytes: number
  /**
   * Time is cut into spans: only segments whose newest records are of the same one become one. Otherwise the newer would keep
   * the older from being deleted.
   */
  readonly spanMs: number
  readonly indexIntervalBytes: number
  /** Of keys in memory, with 32 to 64 bytes each. */
  readonly maxKeys: number
  /** Of the names of new files; higher than that of any file there. */
  readonly round: number
}

/** Some segments, and what takes their place: both beside each other on disk. */
export type CompactedGroup = { readonly old: readonly string[]; readonly segments: readonly SegmentState[] }

/** Whether two segments may become one. */
export function isSameSpan(
  { spanMs }: CompactionJob,
  one: { readonly maxTimestamp: number },
  other: { readonly maxTimestamp: number },
): boolean {
  return Math.floor(one.maxTimestamp / spanMs) === Math.floor(other.maxTimestamp / spanMs)
}
