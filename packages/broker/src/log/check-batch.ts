/**
 * What a record batch must be before it may enter the log: whole, of magic 2, with the checksum that it states, within
 * the topic's limits, and with records that a consumer will be able to read, since nobody looks at them again.
 */

import {
  type BatchHeader,
  decodeRecords,
  errors,
  MalformedError,
  readBatchHeader,
  verifyCrc,
} from '@streampay/kafka/wire'
import type { LogSettings } from '../topics/topic-config.ts'
import { batchHeaderBytes, magicAt } from './batch-view.ts'
import { BrokerError } from './broker-error.ts'
import type { AppendOrigin } from './types.ts'

export type BatchRules = {
  readonly origin: AppendOrigin
  readonly settings: LogSettings
  readonly now: number
}

/**
 * @throws BrokerError CORRUPT_MESSAGE, UNSUPPORTED_FOR_MESSAGE_FORMAT, MESSAGE_TOO_LARGE, INVALID_RECORD,
 * INVALID_TIMESTAMP
 */
export function checkBatch(batch: Buffer, rules: BatchRules): BatchHeader {
  const header = checkedHeader(batch)
  if (rules.origin === 'client' && batch.length > rules.settings.maxMessageBytes) {
    const limit = `max.message.bytes is ${rules.settings.maxMessageBytes}`
    throw new BrokerError(errors.MESSAGE_TOO_LARGE, `The record batch has ${batch.length} bytes; ${limit}`)
  }
  if (!verifyCrc(batch, 0)) throw new BrokerError(errors.CORRUPT_MESSAGE, 'The checksum of the record batch is wrong')
  if (rules.origin === 'client') {
    checkHeader(header)
    checkTimestamps(header, rules)
    checkRecords(batch, header, rules.settings.compact)
  }
  return header
}

function checkedHeader(batch: Buffer): BatchHeader {
  if (batch.length < batchHeaderBytes) {
    throw new BrokerError(errors.CORRUPT_MESSAGE, `A record batch of ${batch.length} bytes has no whole header`)
  }
  const magic = magicAt(batch, 0)
  if (magic === 0 || magic === 1) {
    throw new BrokerError(errors.UNSUPPORTED_FOR_MESSAGE_FORMAT, `Messages of format ${magic} are too old; 2 is needed`)
  }
  const header = asCorrupt(() => readBatchHeader(batch, 0))
  if (header.sizeInBytes > batch.length) {
    const sizes = `${header.sizeInBytes} bytes long, but ${batch.length} bytes came`
    throw new BrokerError(errors.CORRUPT_MESSAGE, `The record batch is ${sizes}`)
  }
  if (header.sizeInBytes < batch.length) throw invalid('A partition takes exactly one record batch in a request')
  return header
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

function checkTimestamps(header: BatchHeader, { settings, now }: BatchRules): void {
  if (settings.logAppendTime) return
  const wrong = (what: string) => new BrokerError(errors.INVALID_TIMESTAMP, what)
  if (header.timestampType === 'LogAppendTime') throw wrong('A producer cannot set the log append time')
  if (header.maxTimestamp - now > settings.timestampAfterMaxMs) {
    const limit = `message.timestamp.after.max.ms is ${settings.timestampAfterMaxMs}`
    throw wrong(`The timestamp ${header.maxTimestamp} is ${header.maxTimestamp - now} ms ahead; ${limit}`)
  }
  if (header.baseTimestamp >= 0 && now - header.baseTimestamp > settings.timestampBeforeMaxMs) {
    const limit = `message.timestamp.before.max.ms is ${settings.timestampBeforeMaxMs}`
    throw wrong(`The timestamp ${header.baseTimestamp} is ${now - header.baseTimestamp} ms old; ${limit}`)
  }
}

function checkRecords(batch: Buffer, header: BatchHeader, keysNeeded: boolean): void {
  if (header.compression === 'none') {
    checkPlainRecords(batch, header.recordCount, keysNeeded)
    return
  }
  let expected = header.baseOffset
  for (const record of asCorrupt(() => decodeRecords(batch))) {
    if (record.offset !== expected++) throw invalid('The offsets of the records do not follow one another')
    if (keysNeeded && record.key === null) throw keyMissing()
  }
}

/** The same for what is not compressed, without making a record object each: the hot path of every produce. */
function checkPlainRecords(batch: Buffer, count: number, keysNeeded: boolean): void {
  const cursor = { at: batchHeaderBytes }
  for (let index = 0; index < count; index++) {
    const length = readVarint(batch, cursor)
    const end = cursor.at + length
    if (length <= 0 || end > batch.length) throw corruptRecord(index)
    cursor.at += 1
    readVarint(batch, cursor) // the timestamp delta; only its length matters here
    if (readVarint(batch, cursor) !== index) throw invalid('The offsets of the records do not follow one another')
    const keyLength = readVarint(batch, cursor)
    if (keyLength < -1 || cursor.at + keyLength > end) throw corruptRecord(index)
    if (keysNeeded && keyLength === -1) throw keyMissing()
    cursor.at = end
  }
  if (cursor.at !== batch.length) throw invalid(`The records take ${cursor.at} of ${batch.length} bytes`)
}

/** Zigzag; values beyond 32 bits (timestamp deltas) come out wrong, but are read to their end. */
function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let raw = 0
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw new BrokerError(errors.CORRUPT_MESSAGE, 'The record batch ends within a record')
    if (shift < 32) raw |= (byte & 0x7f) << shift
    if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
  }
  throw new BrokerError(errors.CORRUPT_MESSAGE, 'A number in a record is longer than 64 bits')
}

function asCorrupt<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause
    throw new BrokerError(errors.CORRUPT_MESSAGE, `The record batch cannot be read: ${cause.message}`, { cause })
  }
}

function corruptRecord(index: number): BrokerError {
  return invalid(`Record ${index} of the batch has an impossible length`)
}

function keyMissing(): BrokerError {
  return invalid('A compacted topic takes no records without a key')
}

function invalid(message: string): BrokerError {
  return new BrokerError(errors.INVALID_RECORD, message)
}
