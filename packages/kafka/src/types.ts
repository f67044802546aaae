/**
 * The types that all parts of the client layer share. Offsets, timestamps and producer ids are safe integers
 * (the codec translates Kafka's int64 sentinels); times are milliseconds since the epoch.
 */

/** A partition of a topic; the first has the number 0. */
export type TopicPartition = {
  readonly topic: string
  /** From 0 to the topic's number of partitions, exclusive. */
  readonly partition: number
}

/** A partition as the key of a Map: `topic/partition`. It is unique, because names of topics have no slash (Kafka's rule). */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** Record headers in wire order; names may repeat. */
export type Headers = ReadonlyArray<readonly [name: string, value: Buffer | null]>

/** The value of a header as text, the last one if its name repeats (as Kafka's `lastHeader`); undefined if absent or null. */
export function headerText(headers: Headers, name: string): string | undefined {
  return headers.findLast(([other]) => other === name)?.[1]?.toString('utf8')
}

/** A record to send. Without `partition`, Kafka's murmur2 of the key chooses it (a null key: any partition). */
export type RecordToSend = {
  readonly topic: string
  /** Default: the partition of the key by murmur2. */
  readonly partition?: number
  /** Text is encoded as UTF-8; `null` is a record without a key. */
  readonly key: Buffer | string | null
  /** `null` is a tombstone. */
  readonly value: Buffer | string | null
  /** Text is encoded as UTF-8. Default: no headers. */
  readonly headers?: Readonly<Record<string, string | Buffer>>
  /** In ms since the epoch; by default the time of `send`. */
  readonly timestamp?: number
}

/** The place of a record on the log. */
export type RecordMetadata = TopicPartition & {
  /** -1 if the log confirmed the record without its offset. */
  readonly offset: number
  /** In ms since the epoch: that of the record, or of the log if it stamps records. */
  readonly timestamp: number
}

/**
 * A record as a consumer sees it. Its buffers are copies: a kept record does not keep a fetch response in memory. A reader with
 * `lent` gives views on the response instead, valid until the next poll.
 */
export type ReceivedRecord = TopicPartition & {
  /** Its place in the partition. Offsets increase, but not always by one: markers have some, and compaction removes records. */
  readonly offset: number
  /** In ms since the epoch: the producer's, or the log's if the topic has LogAppendTime. */
  readonly timestamp: number
  /** `null` if the record has no key. */
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  /** In wire order; names may repeat. */
  readonly headers: Headers
}

/**
 * The result of one fetch for one partition. `position` is the next offset to fetch: it counts control batches and
 * offsets that compaction removed, so it may lie well past the last record.
 */
export type FetchedRecords = TopicPartition & {
  /** In offset order; empty if the fetch brought only markers or aborted records. */
  readonly records: readonly ReceivedRecord[]
  /** The next offset to fetch. */
  readonly position: number
  /** The offset behind the last record that all in-sync replicas have. */
  readonly highWatermark: number
  /** The offset up to which no transaction is open, exclusive. */
  readonly lastStableOffset: number
  /** The first offset of the log. */
  readonly logStartOffset: number
  /** Batches that the reader skipped, in offset order, if its `onUndecodable` allows it. */
  readonly undecodable?: readonly UndecodableBatch[]
}

/** A batch that can't be decoded. It has only the header fields that can be trusted. */
export type UndecodableBatch = TopicPartition & {
  /** The first of its offsets that had not been read. */
  readonly baseOffset: number
  /** The last one: reading continues behind it. */
  readonly lastOffset: number
  /** When the log appended it, in ms since the epoch; 0 if the log doesn't stamp records, or the header can't be trusted. */
  readonly timestamp: number
  /** The error of the decoder. */
  readonly error: Error
  /** A copy of its first bytes, at most 65,536. */
  readonly bytes: Buffer
  /** The size in its header, or the size that was fetched. */
  readonly sizeInBytes: number
}

/** What a reader does with a batch that can't be decoded; a function decides for each. */
export type UndecodablePolicy = 'stop' | 'skip' | ((batch: UndecodableBatch) => 'stop' | 'skip')

/**
 * Which records of transactions are read (KIP-98): those of committed ones, up to the last stable offset; or every
 * record, also those of open or aborted ones, up to the high watermark.
 */
export type Isolation = 'read_committed' | 'read_uncommitted'

/** A committed offset with its metadata; `offset` is -1 when the group has none for the partition. */
export type CommittedOffset = TopicPartition & {
  /** The next offset to process; -1 if the group has none for the partition. */
  readonly offset: number
  /** The text that was committed with the offset; often empty. */
  readonly metadata: string
}

/** Identifies a member to the transaction coordinator, so that a zombie's offsets are refused (KIP-447). */
export type GroupMetadata = {
  readonly groupId: string
  /** Increases with each rebalance of the group. */
  readonly generationId: number
  /** The id that the group coordinator has assigned to the member. */
  readonly memberId: string
  /** The id of a static member (KIP-345); `null` for a dynamic one. */
  readonly groupInstanceId: string | null
}
