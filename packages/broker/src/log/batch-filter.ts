/**
 * Decides which records of a batch compaction keeps. It takes the batches in the order of the log, because a marker stays as long as
 * records of its transaction do.
 */
import {
  type BatchHeader,
  type DecodedRecord,
  decodeRecords,
  encodeBatch,
  readBatchHeader,
  visitRecords,
} from '@streampay/kafka/wire'
import type { CompactionJob } from './compaction-job.ts'
import type { NewestOffsets } from './newest-offsets.ts'
import type { AbortedRange } from './transaction-scan.ts'

export type Newest = { readonly offsets: NewestOffsets; readonly end: number }

export class BatchFilter {
  readonly #job: CompactionJob
  readonly #keys: Newest
  readonly #aborted: AbortedLookup
  /** Producers with kept records since their last marker. */
  readonly #withData = new Set<number>()

  constructor(job: CompactionJob, keys: Newest) {
    this.#job = job
    this.#keys = keys
    this.#aborted = new AbortedLookup(job.aborted)
  }

  /** The kept part of the batch; undefined if there is none. */
  filter(batch: Buffer): Buffer | undefined {
    const header = readBatchHeader(batch, 0)
    if (header.baseOffset >= this.#keys.end) return batch
    if (header.isControl) return this.#filterMarker(batch, header)
    if (header.recordCount === 0 || this.#aborted.has(header)) return undefined
    const kept = this.#filterRecords(batch, header)
    if (kept && header.isTransactional) this.#withData.add(header.producerId)
    return kept
  }

  emptied(batch: Buffer): Buffer {
    return rewritten(readBatchHeader(batch, 0), [], null)
  }

  #filterRecords(batch: Buffer, header: BatchHeader): Buffer | undefined {
    const expired = this.#isExpired(header)
    const isKept: boolean[] = []
    let [kept, tombstones] = [0, 0]
    visitRecords(batch, (offset, _timestamp, key, value) => {
      const stays = key !== null && !(value === null && expired) && this.#keys.offsets.get(key) <= offset
      isKept.push(stays)
      kept += stays ? 1 : 0
      tombstones += stays && value === null ? 1 : 0
    })
    if (kept === 0) return undefined
    const needsHorizon = header.deleteHorizon === null && tombstones > 0
    if (kept === isKept.length && !needsHorizon) return batch
    const records = decodeRecords(batch).filter((_, index) => isKept[index])
    return rewritten(header, records, needsHorizon ? this.#horizon() : header.deleteHorizon)
  }

  #filterMarker(batch: Buffer, header: BatchHeader): Buffer | undefined {
    const hasData = this.#withData.delete(header.producerId)
    if (hasData) return batch
    if (header.deleteHorizon === null) return rewritten(header, decodeRecords(batch), this.#horizon())
    return this.#isExpired(header) ? undefined : batch
  }

  #isExpired(header: BatchHeader): boolean {
    return header.deleteHorizon !== null && header.deleteHorizon <= this.#job.now
  }

  #horizon(): number {
    return this.#job.now + this.#job.deleteRetentionMs
  }
}

/** Finds the batches of aborted transactions. */
export class AbortedLookup {
  readonly #byProducer = new Map<number, AbortedRange[]>()

  constructor(aborted: readonly AbortedRange[]) {
    for (const range of aborted) {
      const ranges = this.#byProducer.get(range.producerId)
      if (ranges) ranges.push(range)
      else this.#byProducer.set(range.producerId, [range])
    }
  }

  has(header: BatchHeader): boolean {
    if (!header.isTransactional) return false
    const ranges = this.#byProducer.get(header.producerId) ?? []
    // The transactions of one producer follow one another: only the last one that begins before the batch can contain it.
    let [low, high] = [0, ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ranges[middle]?.firstOffset ?? 0) <= header.baseOffset) low = middle + 1
      else high = middle
    }
    return header.lastOffset < (ranges[low - 1]?.lastOffset ?? -1)
  }
}

/** The batch with fewer records: same offsets, producer, times; new checksum. */
function rewritten(header: BatchHeader, records: readonly DecodedRecord[], deleteHorizon: number | null): Buffer {
  return encodeBatch({
    baseOffset: header.baseOffset,
    lastOffsetDelta: header.lastOffsetDelta,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    compression: records.length === 0 ? 'none' : header.compression,
    timestampType: header.timestampType,
    isTransactional: header.isTransactional,
    isControl: header.isControl,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    baseTimestamp: header.baseTimestamp,
    maxTimestamp: maxTimestampOf(header, records),
    ...(deleteHorizon !== null && { deleteHorizon }),
    records,
  })
}

/** As in Kafka: the largest of the kept records, unless the log stamped all of them, or none is kept. */
function maxTimestampOf(header: BatchHeader, records: readonly DecodedRecord[]): number {
  if (header.timestampType === 'LogAppendTime' || records.length === 0) return header.maxTimestamp
  return records.reduce((largest, { timestamp }) => Math.max(largest, timestamp), -1)
}
