import {
  type BatchHeader,
  type ControlRecord,
  decodeControlRecord,
  decodeRecords,
  MalformedError,
} from '@streampay/kafka/wire'
import { baseOffsetAt, batchBytesAt, batchHeaderBytes, lastOffsetAt, maxTimestampAt } from './batch-view.ts'
import type { ProducedBatch } from './producer-states.ts'
import type { Segment } from './segment.ts'
import type { TimestampedOffset } from './types.ts'

/** The batch as it will stand in the log at `baseOffset`. */
export function producedBatch(header: BatchHeader, baseOffset: number): ProducedBatch {
  const { producerId, producerEpoch, baseSequence, recordCount, maxTimestamp, isTransactional } = header
  const lastOffset = baseOffset + header.lastOffsetDelta
  return { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, recordCount, maxTimestamp, isTransactional }
}

/** @throws MalformedError for a control batch that this broker cannot have written */
export function controlRecordOf(batch: Buffer): ControlRecord {
  const record = decodeRecords(batch)[0]
  if (record === undefined) throw new MalformedError('A control batch without its record')
  return decodeControlRecord(record)
}

/** Of whole batches. */
export function lastRecordedOffset(records: Buffer): number {
  let last = -1
  for (let at = 0; at + batchHeaderBytes <= records.length; at += batchBytesAt(records, at)) {
    last = lastOffsetAt(records, at)
  }
  return last
}

/** The first visible record of the segment at or after the time. */
export async function findTimestamp(
  segment: Segment,
  timestamp: number,
  visible: { readonly from: number; readonly to: number },
): Promise<TimestampedOffset | undefined> {
  let found: TimestampedOffset | undefined
  await segment.scanFromTimestamp(timestamp, (bytes, at) => {
    if (baseOffsetAt(bytes, at) >= visible.to) return true
    if (maxTimestampAt(bytes, at) < timestamp || lastOffsetAt(bytes, at) < visible.from) return false
    const record = decodeRecords(bytes.subarray(at, at + batchBytesAt(bytes, at))).find(
      (candidate) => candidate.timestamp >= timestamp && candidate.offset >= visible.from,
    )
    if (record) found = { offset: record.offset, timestamp: record.timestamp }
    return found !== undefined
  })
  return found
}
