/**
 * The shapes that every user of the client layer meets. Offsets, timestamps and producer ids are safe integers
 * (Kafka's int64 sentinels are translated by the codec); times are milliseconds since the epoch.
 */

export type TopicPartition = { readonly topic: string; readonly partition: number }

/** Record headers in wire order; names may repeat. */
export type Headers = ReadonlyArray<readonly [name: string, value: Buffer | null]>

/** A record on its way out. Without `partition`, Kafka's murmur2 of the key chooses it (a null key: any partition). */
export type RecordToSend = {
  readonly topic: string
  readonly partition?: number
  readonly key: Buffer | string | null
  /** `null` is a tombstone. */
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
  readonly timestamp?: number
}

/** Where the log put a record. */
export type RecordMetadata = TopicPartition & { readonly offset: number; readonly timestamp: number }

/** A record as a consumer sees it. The buffers are its own copies: holding them does not pin a fetch response. */
export type ReceivedRecord = TopicPartition & {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Headers
}

/**
 * What one fetch brought of one partition. `position` is the next offset to fetch: it counts control batches and
 * offsets that compaction removed, so it may lie well past the last record.
 */
export type FetchedRecords = TopicPartition & {
  readonly records: readonly ReceivedRecord[]
  readonly position: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

export type Isolation = 'read_committed' | 'read_uncommitted'

/** A committed offset with its metadata; `offset` is -1 when the group has none for the partition. */
export type CommittedOffset = TopicPartition & { readonly offset: number; readonly metadata: string }

/** Identifies a member to the transaction coordinator, so that a zombie's offsets are refused (KIP-447). */
export type GroupMetadata = {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}
