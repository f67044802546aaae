/**
 * Control batches: the markers that end a transaction in a partition. They take one offset, are never shown to
 * applications, and hold one record whose key says what it is.
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
 * What a marker says: how the transaction ended, and the epoch of the coordinator that wrote it. Of type 'other', which
 * ends none, the epoch is -1.
 */
export type ControlRecord = { readonly type: 'commit' | 'abort' | 'other'; readonly coordinatorEpoch: number }

/**
 * The marker that ends a transaction of this producer in one partition. By default it has the offset 0 and the leader
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

/** Control records of other kinds (leader changes and the like) are told as 'other'. */
export function decodeControlRecord(record: Pick<DecodedRecord, 'key' | 'value'>): ControlRecord {
  if (!record.key || record.key.length < KEY_BYTES) throw new MalformedError('a control record without its key')
  const type = record.key.readInt16BE(2)
  if (type !== ABORT && type !== COMMIT) return { type: 'other', coordinatorEpoch: -1 }
  if (!record.value || record.value.length < VALUE_BYTES) throw new MalformedError('a marker without its value')
  return { type: type === COMMIT ? 'commit' : 'abort', coordinatorEpoch: record.value.readInt32BE(2) }
}
