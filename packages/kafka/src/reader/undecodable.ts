/** A batch that can't be decoded: what is told of it, and where reading goes on. */
import { KafkaError } from '../errors.ts'
import type { TopicPartition, UndecodableBatch } from '../types.ts'

/** Of the copy, which may become a dead letter. */
const MAX_COPY_BYTES = 65_536

/**
 * KAFKA_CORRUPT_BATCH: where a reader stands is a batch that can't be decoded. `seek` behind `batch.lastOffset` leaves
 * it out.
 */
export class UndecodableBatchError extends KafkaError {
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
  /** The next offset to be read, which lies in it. */
  readonly position: number
  /** The end of the log as the response tells it, or -1. */
  readonly highWatermark: number
  readonly error: unknown
}

/**
 * The header is believed if its last offset lies between the position and the end of the log; else the batch ends where the
 * next one begins, and if that can't be told either, one offset further: no step leads out of the log. (The end that a
 * response tells may lie behind its own records, so it judges only batches that can't be decoded anyway.)
 * @returns with `bytesToNext` undefined if what follows in the response can't be told from the batch
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

/** In bytes; undefined if the batch isn't there as a whole, or says that it is smaller than a header. */
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

/** What can be read of a header that as a whole can't, by the places that wire/batch.ts draws. */
function extentOf(bytes: Buffer): Extent | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readInt8(16) !== MAGIC) return undefined
  const baseOffset = Number(bytes.readBigInt64BE(0))
  const lastOffset = baseOffset + bytes.readInt32BE(23)
  if (!Number.isSafeInteger(lastOffset) || baseOffset < 0 || lastOffset < baseOffset) return undefined
  const time = Number(bytes.readBigInt64BE(35))
  const isStamped = (bytes.readInt16BE(21) & LOG_APPEND_TIME) !== 0 && Number.isSafeInteger(time) && time > 0
  return { baseOffset, lastOffset, appendTime: isStamped ? time : undefined }
}
