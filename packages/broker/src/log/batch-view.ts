/**
 * The few fields of a record batch (magic 2) that are needed to step from batch to batch, read in place: scanning 100 MB
 * of small batches must not create 300,000 header objects. All other code for batches is in @streampay/kafka/wire.
 *
 *     baseOffset i64 · batchLength i32 · partitionLeaderEpoch i32 · magic i8 · crc u32 · attributes i16 ·
 *     lastOffsetDelta i32 · baseTimestamp i64 · maxTimestamp i64 · producerId i64 · … (https://kafka.apache.org/documentation/#recordbatch)
 */

/** Header up to and including the record count. */
export const batchHeaderBytes = 61
const logOverheadBytes = 12

export function baseOffsetAt(bytes: Buffer, at: number): number {
  return int64At(bytes, at)
}

export function lastOffsetAt(bytes: Buffer, at: number): number {
  return int64At(bytes, at) + bytes.readInt32BE(at + 23)
}

export function maxTimestampAt(bytes: Buffer, at: number): number {
  return int64At(bytes, at + 35)
}

export function isTransactionalAt(bytes: Buffer, at: number): boolean {
  return (bytes.readInt16BE(at + 21) & 0x10) !== 0
}

export function isControlAt(bytes: Buffer, at: number): boolean {
  return (bytes.readInt16BE(at + 21) & 0x20) !== 0
}

export function producerIdAt(bytes: Buffer, at: number): number {
  return int64At(bytes, at + 43)
}

export function recordCountAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 57)
}

/** The size of the whole batch with its header; a damaged header may have any value, also a negative one. */
export function batchBytesAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 8) + logOverheadBytes
}

export function magicAt(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + 16)
}

function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4)
}
