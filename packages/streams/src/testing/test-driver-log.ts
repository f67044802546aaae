/** The test driver's topics: arrays with the partitions and offsets that a real log would assign. */
import { type Headers, keyOf, partitionForKey, type ReceivedRecord, type RecordToSend } from '@streampay/kafka'

/** A record that a test gives to a topology, as a producer would send it. */
export type PipedRecord = {
  readonly topic: string
  /** Text is encoded as UTF-8; `null` is a record without a key. */
  readonly key: string | Buffer | null
  /** A value that is neither bytes nor text is written as JSON; `null` is a tombstone. */
  readonly value: unknown
  /** Text is encoded as UTF-8. Default: no headers. */
  readonly headers?: Readonly<Record<string, string | Buffer>>
  /** ms since the epoch; default: the driver's clock. */
  readonly timestamp?: number
  /** Default: the murmur2 partition of the key; another one simulates a producer with another partitioner. */
  readonly partition?: number
}

/** A record of the driver's log, in a form that is easy to compare. */
export type WrittenRecord = {
  readonly topic: string
  readonly partition: number
  /** In its partition; each begins at 0, and none is left out. */
  readonly offset: number
  /** In ms since the epoch. */
  readonly timestamp: number
  /** As UTF-8 text; null if the record has no key. */
  readonly key: string | null
  /** Null is a tombstone. */
  readonly value: Buffer | null
  /** The value parsed; null for a tombstone, undefined if it is not JSON. */
  readonly json: unknown
  /** As UTF-8 text; of repeated names, the last one. */
  readonly headers: Readonly<Record<string, string>>
}

export type DriverLog = {
  /** The record as a reader would receive it, with the offset that it will get; `append` appends it. */
  received(record: PipedRecord | RecordToSend, now: number): ReceivedRecord
  append(record: ReceivedRecord): WrittenRecord
  records(topic: string): WrittenRecord[]
  partition(topic: string, partition: number): readonly ReceivedRecord[]
  /** The records appended since the last call, and the position behind them. */
  undelivered(topic: string, partition: number): { records: readonly ReceivedRecord[]; position: number }
  /** The next `undelivered` begins at `offset`. */
  deliverFrom(topic: string, partition: number, offset: number): void
}

export function openDriverLog(partitionCount: number): DriverLog {
  const topics = new Map<string, WrittenRecord[]>()
  const partitions = new Map<string, ReceivedRecord[]>()
  const delivered = new Map<string, number>()

  const partitionOf = (topic: string, partition: number) => partitions.get(keyOf({ topic, partition })) ?? []

  return {
    received(record, now) {
      const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
      const partition = record.partition ?? (key === null ? 0 : partitionForKey(key, partitionCount))
      if (partition < 0 || partition >= partitionCount) {
        throw new Error(`"${record.topic}" has ${partitionCount} partitions, so there is no partition ${partition}`)
      }
      return {
        topic: record.topic,
        partition,
        offset: partitionOf(record.topic, partition).length,
        timestamp: record.timestamp ?? now,
        key,
        value: valueBytes(record.value),
        headers: wireHeaders(record.headers),
      }
    },
    append(record) {
      const at = keyOf(record)
      partitions.set(at, partitionOf(record.topic, record.partition))
      partitions.get(at)?.push(record)
      const written = writtenRecord(record)
      topics.set(record.topic, topics.get(record.topic) ?? [])
      topics.get(record.topic)?.push(written)
      return written
    },
    records: (topic) => [...(topics.get(topic) ?? [])],
    partition: partitionOf,
    undelivered(topic, partition) {
      const all = partitionOf(topic, partition)
      const at = keyOf({ topic, partition })
      const from = delivered.get(at) ?? 0
      delivered.set(at, all.length)
      return { records: all.slice(from), position: all.length }
    },
    deliverFrom(topic, partition, offset) {
      delivered.set(keyOf({ topic, partition }), offset)
    },
  }
}

function valueBytes(value: unknown): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

function wireHeaders(headers: Readonly<Record<string, string | Buffer>> = {}): Headers {
  return Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? Buffer.from(value) : value])
}

function writtenRecord({ topic, partition, offset, timestamp, key, value, headers }: ReceivedRecord): WrittenRecord {
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key === null ? null : key.toString('utf8'),
    value,
    json: jsonOf(value),
    headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes?.toString('utf8') ?? ''])),
  }
}

function jsonOf(value: Buffer | null): unknown {
  if (value === null) return null
  try {
    return JSON.parse(value.toString('utf8'))
  } catch {
    return undefined
  }
}
