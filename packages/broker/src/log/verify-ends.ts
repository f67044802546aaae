import type { LogPartition } from './partition.ts'

/** About 20 ms from the page cache. */
const maxVerifiedBytes = 16 * 1024 * 1024

/**
 * Checks the checksums of the last batches of every partition, up to a bound in all, so that a damaged end is told at the start
 * and not by the first consumer. What lies before is checked when it is first read.
 * @throws BrokenLogError naming file and position
 */
export async function verifyEnds(partitions: readonly LogPartition[]): Promise<void> {
  let bytes = 0
  for (const partition of partitions) {
    const segment = partition.segments.at(-1)
    if (segment === undefined || bytes + segment.endBytes > maxVerifiedBytes) continue
    bytes += segment.endBytes
    await segment.verifyEnd()
    segment.rest()
  }
}
