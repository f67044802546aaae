/**
 * Kafka's default partitioner for records with a key: murmur2 (seed 0x9747b28c), sign bit cleared, modulo partitions.
 * Source: `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`.
 */
const seed = 0x9747b28c
const mix = 0x5bd1e995

/**
 * The partition of a key among `partitionCount`; text keys are UTF-8. Every Kafka client that uses murmur2 has the same result.
 * @example
 * ```ts
 * import { partitionForKey } from '@streampay/kafka'
 *
 * console.log(partitionForKey('ada', 4)) // → 1
 * ```
 */
export function partitionForKey(key: Buffer | string, partitionCount: number): number {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key
  return (murmur2(bytes) & 0x7fffffff) % partitionCount
}

function murmur2(bytes: Buffer): number {
  let hash = seed ^ bytes.length
  const whole = bytes.length & ~3
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(bytes.readInt32LE(at), mix)
    k = Math.imul(k ^ (k >>> 24), mix)
    hash = Math.imul(hash, mix) ^ k
  }
  const rest = bytes.length - whole
  if (rest === 3) hash ^= bytes.readUInt8(whole + 2) << 16
  if (rest >= 2) hash ^= bytes.readUInt8(whole + 1) << 8
  if (rest >= 1) hash = Math.imul(hash ^ bytes.readUInt8(whole), mix)
  hash = Math.imul(hash ^ (hash >>> 13), mix)
  return hash ^ (hash >>> 15)
}
