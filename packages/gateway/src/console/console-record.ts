/** A record of any topic as an operator sees it. */
import type { ReceivedRecord } from '@streampay/kafka'

export type ConsoleRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string | null>>
  /** Parsed if it is JSON, else text; `null` for a tombstone. */
  readonly value: unknown
  /** Bytes of the value. */
  readonly size: number
}

export function consoleRecordOf(record: ReceivedRecord): ConsoleRecord {
  const { topic, partition, offset, timestamp, key, value } = record
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key?.toString('utf8') ?? null,
    headers: Object.fromEntries(record.headers.map(([name, content]) => [name, content?.toString('utf8') ?? null])),
    value: value === null ? null : jsonOrText(value.toString('utf8')),
    size: value?.length ?? 0,
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
