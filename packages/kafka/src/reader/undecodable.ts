/** A batch that can't be decoded: its description, and the offset at which reading continues. */
import { KafkaError } from '../errors.ts'
import type { TopicPartition, UndecodableBatch } from '../types.ts'

/** The size of the copy, which may become a dead letter. */
const MAX_COPY_BYTES = 65_536

/**
 * KAFKA_CORRUPT_BATCH: the batch at a reader's position can't be decoded. `seek` behind `batch.lastOffset` skips
 * it.
 */
export class UndecodableBatchError extends KafkaError {
  /** The coordinates and the first bytes of the batch. */
  readonly batch: UndecodableBatch

  constructor(batch: UndecodableBatch) {
    const { topic, partition, baseOffset, lastOffset, error } = batch
    const message = `${topic}-${partition}: the batch of offsets ${baseOffset} to ${lastOffset} can not be read: ${error.message}`
    super('KAFKA_CORRUPT_BATCH', message, { cause: error })
    this.batch = batch
  }
}

export type BrokenBatch = TopicPartition & {
  /** From the broken batch to the end of the response. */
  readonly rest: Buffer
  /** The next offset to read, which lies in the batch. */
  readonly position: number
  /** The end of the log according to the response, or -1. */
  readonly highWatermark: number
  readonly error: unknown
}

/**
 * The header is trusted if its last offset lies between the position and the end of the log. Otherwise the batch ends where the
 * next one begins, and if that isn't known either, one offset further: no step leads out of the log. (The end in a
 * response may be lower than its own records, so it is only compared for batches that can't be decoded anyway.)
 * @returns `bytesToNext` is undefined if the batch doesn't tell where the next one begins in the response
 */
export function undecodable(broken: BrokenBatch): { batch: UndecodableBatch; bytesToNext: number | undefined } {
  const { topic, partition, rest, position, highWatermark, error } = broken
  const end = highWatermark < 0 ? Number.MAX_SAFE_INTEGER : highWatermark
  const extent = extentOf(rest)
  const own = extent !== undefined && extent.lastOffset >= position && extent.lastOffset < end ? extent : undefined
  const bytesToNext = wholeSizeOf(rest)
  const following = bytesToNext === undefined ? undefined : extentOf(rest.subarray(bytesToNext))
  const next =
    following !== undefined && following.baseOffset > position && following.baseOffset < end ? following : undefined
  const sizeInBytes = bytesToNext ?? rest.length
  const batch = {
    topic,
    partition,
    baseOffset: Math.max(position, own?.baseOffset ?? position),
    lastOffset: own?.lastOffset ?? (next === undefined ? position : next.baseOffset - 1),
    timestamp: own?.appendTime ?? 0,
    error: error instanceof Error ? error : new Error(String(error)),
    bytes: Buffer.from(rest.subarray(0, Math.min(sizeInBytes, MAX_COPY_BYTES))),
    sizeInBytes,
  }
  return { batch, bytesToNext: own === undefined && next === undefined ? undefined : bytesToNext }
}

const HEADER_BYTES = 61
const MAGIC = 2
const LOG_APPEND_TIME = 0x08

/** In bytes; undefined if the batch isn't complete, or its length is less than a header's. */
function wholeSizeOf(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const size = bytes.readInt32BE(8) + 12
  return size >= HEADER_BYTES && size <= bytes.length ? size : undefined
}

type Extent = {
  readonly baseOffset: number
  readonly lastOffset: number
  /** In ms since the epoch, if the log stamped the batch. */
  readonly appendTime: number | undefined
}

/** The readable fields of a header that can't be decoded as a whole, at the positions that wire/batch.ts defines. */
function extentOf(bytes: Buffer): Extent | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readInt8(16) !== MAGIC) return undefined
  const baseOffset = Number(bytes.readBigInt64BE(0))
  const lastOffset = baseOffset + bytes.readInt32BE(23)
  if (!Number.isSafeInteger(lastOffset) || baseOffset < 0 || lastOffset < baseOffset) return undefined
  const time = Number(bytes.readBigInt64BE(35))
  const isStamped = (bytes.readInt16BE(21) & LOG_APPEND_TIME) !== 0 && Number.isSafeInteger(time) && time > 0
  return { baseOffset, lastOffset, appendTime: isStamped ? time : undefined }
}
