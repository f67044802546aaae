import type { LogPartition } from './partition.ts'

/** Takes about 20 ms if the data is in the page cache. */
const maxVerifiedBytes = 16 * 1024 * 1024

/**
 * Verifies the checksums of the last batches of every partition, up to a total size, so that a damaged end is found at the start
 * and not by the first consumer. Earlier batches are verified when they are first read.
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
