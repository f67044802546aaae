/**
 * The conditions for a record batch that enters the log: complete, of magic 2, with a correct checksum, within
 * the topic's limits, and with records that every consumer will be able to read, because they are not checked again.
 *
 * The codes are those of Apache Kafka 4.3 for the same bytes (packages/kafka/test/cases/batch-cases.ts compares the
 * two). If Kafka rewrites a batch, or fails with an unknown error, this log refuses the batch: it stores batches unchanged.
 */

import {
  type BatchHeader,
  type BatchLimits,
  errors,
  MalformedError,
  OversizedError,
  readBatchHeader,
  setCreateTime,
  verifyCrc,
  walkRecords,
} from '@streampay/kafka/wire'
import type { LogSettings } from '../topics/topic-config.ts'
import { ApiError } from './api-error.ts'
import { batchHeaderBytes, magicAt } from './batch-view.ts'
import { RecordChecks } from './record-checks.ts'
import type { AppendOrigin } from './types.ts'

export type BatchRules = {
  readonly origin: AppendOrigin
  readonly settings: LogSettings
  readonly now: number
}

/** The largest size of a decompressed batch, at any limit of the topic. */
const maxUnpackedBytes = 64 * 1024 * 1024
/** A batch may always be decompressed to this size, because a few repeated values can be compressed to almost no bytes. */
const freeUnpackedBytes = 4 * 1024 * 1024
const maxUnpackedRatio = 1000
/** Records and headers of one batch: a consumer makes an object for each. */
const maxItems = 1_000_000

const lengthAt = 8
const overheadBytes = 12
const bytesUpToMagic = 17
/** The overhead of the oldest message format, which Kafka takes as the least size. */
const minLength = 14

/**
 * The one batch in a client's bytes for a partition. The beginning of another batch may follow, which is
 * ignored, as in Kafka.
 * @throws ApiError CORRUPT_MESSAGE, INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE
 */
export function clientBatchOf(records: Buffer): { readonly header: BatchHeader; readonly bytes: Buffer } {
  const size = nextBatchBytes(records, 0)
  if (size === undefined) throw invalid('A partition takes exactly one record batch in a request, and there is none')
  if (magicAt(records, 0) < 2) throw invalid(`Messages of format ${magicAt(records, 0)} are too old; 2 is needed`)
  if (nextBatchBytes(records, size) !== undefined) {
    throw invalid('A partition takes exactly one record batch in a request, and there are more')
  }
  const bytes = records.subarray(0, size)
  return { bytes, header: headerOf(bytes) }
}

/**
 * Checks a batch, and writes the kind and the largest of the timestamps into a client's batch.
 * @throws ApiError CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE, MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP
 */
export function checkBatch(batch: Buffer, rules: BatchRules): BatchHeader {
  const header = headerOf(batch)
  if (header.sizeInBytes !== batch.length) {
    throw corrupt(`The record batch is ${header.sizeInBytes} bytes long, but ${batch.length} bytes came`)
  }
  if (rules.origin === 'client') {
    if (header.baseOffset !== 0) throw invalid(`The record batch has the base offset ${header.baseOffset}, not 0`)
    checkSize(batch, rules.settings)
  }
  if (!verifyCrc(batch, 0)) throw corrupt('The checksum of the record batch is wrong')
  if (rules.origin !== 'client') return header
  checkHeader(header)
  const maxTimestamp = checkRecords(batch, header, rules)
  const isAsSaid = header.timestampType === 'CreateTime' && header.maxTimestamp === maxTimestamp
  if (isAsSaid && header.deleteHorizon === null) return header
  setCreateTime(batch, 0, maxTimestamp)
  return readBatchHeader(batch, 0)
}

/** Undefined if there is no whole batch. */
function nextBatchBytes(records: Buffer, at: number): number | undefined {
  const left = records.length - at
  if (left < overheadBytes) return undefined
  const length = records.readInt32BE(at + lengthAt)
  if (length < minLength) throw corrupt(`A record batch of length ${length}`)
  if (left < bytesUpToMagic) return undefined
  const magic = magicAt(records, at)
  if (magic < 0 || magic > 2) throw corrupt(`A record batch of format ${magic}`)
  return left < length + overheadBytes ? undefined : length + overheadBytes
}

function headerOf(batch: Buffer): BatchHeader {
  if (batch.length < batchHeaderBytes) throw corrupt(`A record batch of ${batch.length} bytes has no whole header`)
  const codec = batch.readInt16BE(21) & 0x07
  if (codec > 4) throw new ApiError(errors.UNSUPPORTED_COMPRESSION_TYPE, `There is no compression ${codec}`)
  checkNumbers(batch)
  try {
    return readBatchHeader(batch, 0)
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause
    throw corrupt(`The record batch cannot be read: ${cause.message}`, { cause })
  }
}

/** JavaScript has no exact integers beyond 2^53: Kafka accepts them, but no producer has a reason to send them. */
function checkNumbers(batch: Buffer): void {
  for (const at of [27, 35]) {
    if (!isExact(batch, at)) {
      throw new ApiError(errors.INVALID_TIMESTAMP, `The timestamp ${batch.readBigInt64BE(at)} is out of range`, {
        recordErrors: [{ index: 0, message: 'The timestamp is out of range' }],
      })
    }
  }
  if (!isExact(batch, 43)) throw invalid(`The producer id ${batch.readBigInt64BE(43)} is out of range`)
}

function isExact(batch: Buffer, at: number): boolean {
  const value = batch.readInt32BE(at) * 2 ** 32 + batch.readUInt32BE(at + 4)
  return Number.isSafeInteger(value) && value !== Number.MAX_SAFE_INTEGER
}

function checkSize(batch: Buffer, settings: LogSettings): void {
  if (batch.length <= settings.maxMessageBytes) return
  const limit = `max.message.bytes is ${settings.maxMessageBytes}`
  throw new ApiError(errors.MESSAGE_TOO_LARGE, `The record batch has ${batch.length} bytes; ${limit}`)
}

function checkHeader(header: BatchHeader): void {
  if (header.isControl) throw invalid('Only the broker writes control batches')
  if (header.recordCount <= 0) throw invalid(`A record batch with ${header.recordCount} records`)
  if (header.lastOffsetDelta !== header.recordCount - 1) {
    throw invalid(`The last of ${header.recordCount} records has the offset delta ${header.lastOffsetDelta}`)
  }
  if (header.producerId >= 0 && (header.producerEpoch < 0 || header.baseSequence < 0)) {
    throw invalid(`Producer ${header.producerId} sent no epoch or no sequence number`)
  }
  if (header.isTransactional && header.producerId < 0) throw invalid('A transactional record batch without producer id')
}

/** The largest timestamp of all records. */
function checkRecords(batch: Buffer, header: BatchHeader, { settings, now }: BatchRules): number {
  const checks = new RecordChecks({ settings, now, baseTimestamp: header.baseTimestamp })
  try {
    walkRecords(batch, limitsOf(batch), checks.visit)
  } catch (cause) {
    if (cause instanceof OversizedError) throw new ApiError(errors.MESSAGE_TOO_LARGE, cause.message, { cause })
    if (cause instanceof MalformedError) throw invalid(`The record batch cannot be read: ${cause.message}`, { cause })
    throw cause
  }
  checks.close()
  return checks.maxTimestamp
}

function limitsOf(batch: Buffer): BatchLimits {
  const byRatio = Math.max(freeUnpackedBytes, batch.length * maxUnpackedRatio)
  return { maxItems, maxUnpackedBytes: Math.min(maxUnpackedBytes, byRatio) }
}

function corrupt(message: string, options?: { cause: unknown }): ApiError {
  return new ApiError(errors.CORRUPT_MESSAGE, message, options)
}

function invalid(message: string, options?: { cause: unknown }): ApiError {
  return new ApiError(errors.INVALID_RECORD, message, options)
}
