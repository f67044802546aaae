/** Tells a record from another at its place: for those who keep what they have read, and ask later whether the log is still the same. */
import { crc32 } from 'node:zlib'
import type { ReceivedRecord } from './types.ts'

/** What stands for a record that was read. */
export type RecordWitness = { readonly offset: number; readonly checksum: number }

type Content = Pick<ReceivedRecord, 'key' | 'value' | 'timestamp'>

/** Its offset and its checksum, to be compared with those of what is read there later. */
export function witnessOf(record: Content & Pick<ReceivedRecord, 'offset'>): RecordWitness {
  return { offset: record.offset, checksum: recordChecksum(record) }
}

/**
 * CRC-32 over key, value and time as they are on the log, with their lengths, so that `null` is no text; headers are left out. The time
 * counts, since a counter has the same key and value at many places: so of a topic that gives records the log's own time
 * (LogAppendTime), what was written is known only when it is read.
 */
export function recordChecksum({ key, value, timestamp }: Content): number {
  const frame = Buffer.allocUnsafe(16)
  frame.writeInt32BE(key?.length ?? -1, 0)
  frame.writeInt32BE(value?.length ?? -1, 4)
  frame.writeDoubleBE(timestamp, 8)
  return crc32(value ?? '', crc32(key ?? '', crc32(frame)))
}
