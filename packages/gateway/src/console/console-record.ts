/** A record of any topic as an operator sees it: its bytes, and beside them their decoded forms. */
import { isUtf8 } from 'node:buffer'
import type { FetchedRecords, ReceivedRecord, UndecodableBatch } from '@streampay/kafka'

/** Bytes: as text if they are UTF-8, else in base64. `null` means no bytes, which is not the same as zero bytes. */
export type RawBytes = { readonly text: string } | { readonly base64: string } | null

export type RawRecord = {
  readonly key: RawBytes
  /** In their order; names may repeat. */
  readonly headers: readonly { readonly name: string; readonly value: RawBytes }[]
  /** `null` is a tombstone; JSON's null is the text `null`. */
  readonly value: RawBytes
}

export type ConsoleRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** As text, with U+FFFD for invalid UTF-8: for display. `raw` has the exact bytes. */
  readonly key: string | null
  /** Of a repeated name, the last value, which is the valid one. */
  readonly headers: Readonly<Record<string, string | null>>
  /** Parsed if it is JSON, else text: numbers beyond 2^53 are rounded, of repeated members the last one counts. */
  readonly value: unknown
  /** The size of the value in bytes. */
  readonly size: number
  readonly raw: RawRecord
  /** Replaces the records of a batch that can't be decoded, with the offsets `offset` to `lastOffset`. */
  readonly undecodable?: {
    readonly lastOffset: number
    readonly reason: string
    /** The first bytes of the batch, at most 64 KiB. */
    readonly bytes: RawBytes
  }
}

/** All fetched records of a partition, in offset order, with undecodable batches at their places. */
export function consoleRecordsOf({ records, undecodable = [] }: FetchedRecords): ConsoleRecord[] {
  const decoded = records.map(consoleRecordOf)
  if (undecodable.length === 0) return decoded
  return [...decoded, ...undecodable.map(consoleBatchOf)].sort((a, b) => a.offset - b.offset)
}

function consoleRecordOf(record: ReceivedRecord): ConsoleRecord {
  const { topic, partition, offset, timestamp, key, value, headers } = record
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key?.toString('utf8') ?? null,
    headers: Object.fromEntries(headers.map(([name, content]) => [name, content?.toString('utf8') ?? null])),
    value: value === null ? null : jsonOrText(value.toString('utf8')),
    size: value?.length ?? 0,
    raw: {
      key: rawBytesOf(key),
      headers: headers.map(([name, content]) => ({ name, value: rawBytesOf(content) })),
      value: rawBytesOf(value),
    },
  }
}

function consoleBatchOf({ topic, partition, baseOffset, ...batch }: UndecodableBatch): ConsoleRecord {
  return {
    topic,
    partition,
    offset: baseOffset,
    timestamp: batch.timestamp,
    key: null,
    headers: {},
    value: null,
    size: batch.sizeInBytes,
    raw: { key: null, headers: [], value: null },
    undecodable: {
      lastOffset: batch.lastOffset,
      reason: batch.error.message,
      bytes: { base64: batch.bytes.toString('base64') },
    },
  }
}

function rawBytesOf(bytes: Buffer | null): RawBytes {
  if (bytes === null) return null
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
