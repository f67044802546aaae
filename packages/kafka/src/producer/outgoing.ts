/** Converts records of callers into records of batches. */
import { KafkaError } from '../errors.ts'
import { partitionForKey } from '../partitioner.ts'
import type { RecordToSend } from '../types.ts'
import type { RecordToEncode } from '../wire/index.ts'

/** The largest size of the lengths, deltas and attributes of a record, and of those of a header. */
const RECORD_OVERHEAD_BYTES = 24
const HEADER_OVERHEAD_BYTES = 8

/** The record, and the bytes that it takes in a batch, rounded up. */
export function toEncode(record: RecordToSend, now: number): { record: RecordToEncode; bytes: number } {
  const key = toBuffer(record.key)
  const value = toBuffer(record.value)
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  const headers: Array<readonly [string, Buffer | null]> = []
  for (const name in record.headers) {
    const content = record.headers[name]
    if (content === undefined) continue
    const header = typeof content === 'string' ? Buffer.from(content) : content
    headers.push([name, header])
    bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + header.length
  }
  return { record: { timestamp: record.timestamp ?? now, key, value, headers }, bytes }
}

/** @throws KafkaError KAFKA_INVALID_ARGUMENT for a partition that the topic doesn't have */
export function partitionOf(record: RecordToSend, partitionCount: number, anyPartition: () => number): number {
  const { partition, key, topic } = record
  if (partition !== undefined) {
    if (Number.isInteger(partition) && partition >= 0 && partition < partitionCount) return partition
    const message = `topic ${topic} has partitions 0 to ${partitionCount - 1}, not ${partition}`
    throw new KafkaError('KAFKA_INVALID_ARGUMENT', message, { outcome: 'not-written' })
  }
  return key === null ? anyPartition() % partitionCount : partitionForKey(key, partitionCount)
}

function toBuffer(content: Buffer | string | null): Buffer | null {
  return typeof content === 'string' ? Buffer.from(content) : content
}
