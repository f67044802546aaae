/**
 * Control batches: the markers that end a transaction in a partition. Each takes one offset, is never shown to
 * applications, and holds one record whose key has the marker's type.
 *
 * Source: https://kafka.apache.org/documentation/#controlbatch; EndTxnMarker.json for the value
 */
import { encodeBatch } from './batch.ts'
import { MalformedError } from './malformed.ts'
import type { DecodedRecord } from './records.ts'

const ABORT = 0
const COMMIT = 1
const KEY_BYTES = 4
const VALUE_BYTES = 6

/**
 * The content of a marker: how the transaction ended, and the epoch of the coordinator that wrote it. The type 'other'
 * ends no transaction, and its epoch is -1.
 */
export type ControlRecord = {
  readonly type: 'commit' | 'abort' | 'other'
  /** -1 for the type `other`. */
  readonly coordinatorEpoch: number
}

/**
 * Encodes the marker that ends a transaction of this producer in one partition. By default it has the offset 0 and the leader
 * epoch -1.
 */
export function encodeControlBatch(marker: {
  readonly producerId: number
  readonly producerEpoch: number
  readonly commit: boolean
  readonly coordinatorEpoch: number
  readonly timestamp: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(marker.commit ? COMMIT : ABORT, 2)
  const value = Buffer.alloc(VALUE_BYTES)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  return encodeBatch({
    records: [{ timestamp: marker.timestamp, key, value }],
    baseOffset: marker.baseOffset ?? 0,
    partitionLeaderEpoch: marker.partitionLeaderEpoch ?? -1,
    isTransactional: true,
    isControl: true,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
  })
}

/** Control records of other kinds (such as leader changes) have the type 'other'. */
export function decodeControlRecord(record: Pick<DecodedRecord, 'key' | 'value'>): ControlRecord {
  if (!record.key || record.key.length < KEY_BYTES) throw new MalformedError('a control record without its key')
  const type = record.key.readInt16BE(2)
  if (type !== ABORT && type !== COMMIT) return { type: 'other', coordinatorEpoch: -1 }
  if (!record.value || record.value.length < VALUE_BYTES) throw new MalformedError('a marker without its value')
  return { type: type === COMMIT ? 'commit' : 'abort', coordinatorEpoch: record.value.readInt32BE(2) }
}
