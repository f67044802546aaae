/**
 * The shapes that every user of the client layer meets. Offsets, timestamps and producer ids are safe integers
 * (Kafka's int64 sentinels are translated by the codec); times are milliseconds since the epoch.
 */

/** A partition of a topic; the first has the number 0. */
export type TopicPartition = { readonly topic: string; readonly partition: number }

/** A partition as the key of a Map: `topic/partition`. Names of topics have no slash (Kafka's rule), so that no two are alike. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** Record headers in wire order; names may repeat. */
export type Headers = ReadonlyArray<readonly [name: string, value: Buffer | null]>

/** The value of a header as text, the last one if its name repeats (as Kafka's `lastHeader`); undefined if absent or null. */
export function headerText(headers: Headers, name: string): string | undefined {
  return headers.findLast(([other]) => other === name)?.[1]?.toString('utf8')
}

/** A record on its way out. Without `partition`, Kafka's murmur2 of the key chooses it (a null key: any partition). */
export type RecordToSend = {
  readonly topic: string
  readonly partition?: number
  readonly key: Buffer | string | null
  /** `null` is a tombstone. */
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
  /** In ms since the epoch; by default the time of `send`. */
  readonly timestamp?: number
}

/** Where the log put a record. */
export type RecordMetadata = TopicPartition & { readonly offset: number; readonly timestamp: number }

/**
 * A record as a consumer sees it. The buffers are its own copies: holding them does not pin a fetch response. A reader with
 * `lent` gives views on the response instead, until the next poll.
 */
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
  /** Batches that the reader stepped over, in offset order, if its `onUndecodable` lets it. */
  readonly undecodable?: readonly UndecodableBatch[]
}

/** A batch that can't be decoded. Of its header only what can be believed is told. */
export type UndecodableBatch = TopicPartition & {
  /** The first of its offsets that was to be read. */
  readonly baseOffset: number
  /** The last one: reading goes on behind it. */
  readonly lastOffset: number
  /** When the log got it, in ms since the epoch; 0 if the log doesn't stamp records, or the header can't be believed. */
  readonly timestamp: number
  readonly error: Error
  /** A copy of how it begins, of at most 65,536 bytes. */
  readonly bytes: Buffer
  /** As its header says, or what was fetched of it. */
  readonly sizeInBytes: number
}

/** What a reader does with a batch that can't be decoded; a function decides for each. */
export type UndecodablePolicy = 'stop' | 'skip' | ((batch: UndecodableBatch) => 'stop' | 'skip')

/**
 * What is read of transactions (KIP-98): records of those that are committed, up to the last stable offset; or every
 * record, also of those that are open or aborted, up to the high watermark.
 */
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
