/** The record that tells of a record which could not be processed. */
import type { ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { reasonOf } from './errors.ts'

/** Room for the names, the origin and the reason. */
const headerRoomBytes = 8_192
const maxReasonChars = 1_000

/**
 * Key, value and headers as they were, with `origin` (topic/partition/offset) and `reason` on top. What would make it
 * larger than a record may be is cut, and `truncated` then names the original size: a dead letter must never fail.
 */
export function deadLetterOf(
  record: ReceivedRecord,
  options: { topic: string; error: unknown; maxBytes: number },
): RecordToSend {
  const room = options.maxBytes - headerRoomBytes
  const { headers, size: headerBytes } = originalHeaders(record)
  const keptHeaders = headerBytes <= room ? headers : {}
  const keptHeaderBytes = headerBytes <= room ? headerBytes : 0
  const keyBytes = record.key?.length ?? 0
  const keptKey = keyBytes + keptHeaderBytes <= room ? record.key : null
  const valueRoom = room - keptHeaderBytes - (keptKey?.length ?? 0)
  const value =
    record.value !== null && record.value.length > valueRoom ? record.value.subarray(0, valueRoom) : record.value
  const size = headerBytes + keyBytes + (record.value?.length ?? 0)
  return {
    topic: options.topic,
    key: keptKey,
    value,
    headers: {
      ...keptHeaders,
      origin: `${record.topic}/${record.partition}/${record.offset}`,
      reason: reasonOf(options.error).slice(0, maxReasonChars),
      ...(size > room ? { truncated: String(size) } : {}),
    },
    timestamp: record.timestamp,
  }
}

/** Of repeated names the last one; a null value becomes empty. `fromEntries` keeps hostile names (`__proto__`) harmless. */
function originalHeaders(record: ReceivedRecord): { headers: Record<string, Buffer>; size: number } {
  const entries = record.headers.map(([name, value]): [string, Buffer] => [name, value ?? Buffer.alloc(0)])
  const size = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + value.length, 0)
  return { headers: Object.fromEntries(entries), size }
}
