/** Compares a record with the one read earlier at its offset: for programs that keep data and later check that the log is the same. */
import { crc32 } from 'node:zlib'
import type { ReceivedRecord } from './types.ts'

/** Identifies a record that was read. */
export type RecordWitness = {
  readonly offset: number
  /** The CRC-32 of key, value and timestamp, by `recordChecksum`. */
  readonly checksum: number
}

type Content = Pick<ReceivedRecord, 'key' | 'value' | 'timestamp'>

/** The offset and the checksum of a record, to compare them later with the record at that offset. */
export function witnessOf(record: Content & Pick<ReceivedRecord, 'offset'>): RecordWitness {
  return { offset: record.offset, checksum: recordChecksum(record) }
}

/**
 * CRC-32 over key, value and time as they are on the log, with their lengths, so that `null` differs from an empty text; headers are
 * left out. The time counts, because the records of a counter can have the same key and value at many offsets. In a topic with the
 * log's own time (LogAppendTime), the time of a written record is known only when it is read.
 */
export function recordChecksum({ key, value, timestamp }: Content): number {
  const frame = Buffer.allocUnsafe(16)
  frame.writeInt32BE(key?.length ?? -1, 0)
  frame.writeInt32BE(value?.length ?? -1, 4)
  frame.writeDoubleBE(timestamp, 8)
  return crc32(value ?? '', crc32(key ?? '', crc32(frame)))
}
