import {
  type BatchHeader,
  type ControlRecord,
  type DecodedRecord,
  decodeControlRecord,
  decodeRecords,
  MalformedError,
} from '@streampay/kafka/wire'
import { baseOffsetAt, batchBytesAt, batchHeaderBytes, lastOffsetAt, maxTimestampAt } from './batch-view.ts'
import type { ProducedBatch } from './producer-states.ts'
import type { TimestampedOffset } from './types.ts'

/** The batch in the log's form, at `baseOffset`. */
export function producedBatch(header: BatchHeader, baseOffset: number): ProducedBatch {
  const { producerId, producerEpoch, baseSequence, recordCount, maxTimestamp, isTransactional } = header
  const lastOffset = baseOffset + header.lastOffsetDelta
  return { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, recordCount, maxTimestamp, isTransactional }
}

/** @throws MalformedError for a control batch that this broker can't have written */
export function controlRecordOf(batch: Buffer): ControlRecord {
  const record = decodeRecords(batch)[0]
  if (record === undefined) throw new MalformedError('A control batch without its record')
  return decodeControlRecord(record)
}

/** The records of whole batches. */
export function lastRecordedOffset(records: Buffer): number {
  let last = -1
  for (let at = 0; at + batchHeaderBytes <= records.length; at += batchBytesAt(records, at)) {
    last = lastOffsetAt(records, at)
  }
  return last
}

/** The needed members of a segment. */
type Timed = {
  scanFromTimestamp(timestamp: number, visit: (bytes: Buffer, at: number) => boolean): Promise<void>
}

/** The first visible record of the segment at or after the time. */
export async function findTimestamp(
  segment: Timed,
  timestamp: number,
  visible: { readonly from: number; readonly to: number },
): Promise<TimestampedOffset | undefined> {
  let found: TimestampedOffset | undefined
  await segment.scanFromTimestamp(timestamp, (bytes, at) => {
    if (baseOffsetAt(bytes, at) >= visible.to) return true
    if (maxTimestampAt(bytes, at) < timestamp || lastOffsetAt(bytes, at) < visible.from) return false
    const batch = bytes.subarray(at, at + batchBytesAt(bytes, at))
    const records = recordsOf(batch)
    const record = records?.find(({ timestamp: time, offset }) => time >= timestamp && offset >= visible.from)
    if (record) found = { offset: record.offset, timestamp: record.timestamp }
    // Taken by its header: a reader finds it there and decides. An error here would block all records after it.
    if (!records) {
      found = { offset: Math.max(baseOffsetAt(bytes, at), visible.from), timestamp: maxTimestampAt(bytes, at) }
    }
    return found !== undefined
  })
  return found
}

/** Undefined if they cannot be decoded. */
function recordsOf(batch: Buffer): DecodedRecord[] | undefined {
  try {
    return decodeRecords(batch)
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
