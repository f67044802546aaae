import type { LogPartition } from './partition.ts'

/** About 60 ms from the page cache. */
const maxVerifiedBytes = 64 * 1024 * 1024

/**
 * Checks the checksums of the newest segments, up to a bound, so that a damaged log is told at the start and not by
 * the first consumer. Older segments are checked when they are first read. Their indexes are made on the way.
 * @throws BrokenLogError naming file and position
 */
export async function verifyNewest(partitions: readonly LogPartition[]): Promise<void> {
  const segments = partitions
    .flatMap((partition) => [...partition.segments].reverse().map((segment, age) => ({ segment, age })))
    .sort((a, b) => a.age - b.age || a.segment.bytes - b.segment.bytes)
  let bytes = 0
  for (const { segment } of segments) {
    bytes += segment.bytes
    if (bytes > maxVerifiedBytes) return
    await segment.verify()
    segment.rest()
  }
}
