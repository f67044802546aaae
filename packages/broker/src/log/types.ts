import type { Files } from './files.ts'

/**
 * The interface between the broker's storage and the code that uses it: API handlers, group and transaction coordinators.
 *
 * General rules: no promise resolves before its change is durable, and no record is visible to `read` before it is
 * durable; offsets and times (ms since the epoch) are safe integers; refusals are a ApiError with a Kafka code.
 */

/** The time of day. Tests pass their own. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number
}

/** The part of pino's logger that the storage uses. */
export type StorageLogger = {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export type Isolation = 'read_uncommitted' | 'read_committed'

/** `config` has only the values that were set on the topic; `topics/topic-config.ts` has the defaults. */
export type TopicInfo = {
  readonly name: string
  /** A UUID that never changes; a topic that is created again with the same name gets a new one. */
  readonly id: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
  /** The coordinators' own topics, whose names begin with `__`. */
  readonly internal: boolean
}

export type NewTopic = {
  readonly name: string
  readonly partitions: number
  readonly config?: Readonly<Record<string, string>>
}

export type StorageOptions = {
  readonly dataDir: string
  readonly logger: StorageLogger
  readonly clock: Clock
  /** The file system; tests replace it by one with torn writes, failing syncs and full disks. */
  readonly files?: Files
  /** Wraps the log's files, for faults that tests cause. */
  readonly wrapFiles?: <T extends Files>(files: T) => T
  /** The number of files that the log has open at once. Default three eighths of the process's limit, and 4,096 at most. */
  readonly maxOpenFiles?: number
  /** How often retention and compaction look for work; 0: only when `maintain` is called. Default 30 s. */
  readonly maintenanceIntervalMs?: number
  /** The number of keys that a compaction has in memory, with 32 to 64 bytes each; for more it needs several passes. Default 1,500,000. */
  readonly compactionMaxKeys?: number
  /** The journal is cut, and all earlier data is synced in the segments, each time it has grown by this size. Default 16 MiB. */
  readonly checkpointBytes?: number
}

export type Storage = {
  readonly dataDir: string
  /** The file system with the folder. */
  diskSpace(): Promise<{ readonly totalBytes: number; readonly usableBytes: number }>
  /** Sorted by name. */
  topics(): readonly TopicInfo[]
  topic(name: string): TopicInfo | undefined
  topicById(id: string): TopicInfo | undefined
  /** @throws ApiError TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_CONFIG */
  createTopic(topic: NewTopic): Promise<TopicInfo>
  /** The result of a creation that another caller has begun: waits until it is durable or has failed. */
  creating(name: string): Promise<TopicInfo> | undefined
  /** Makes the checks of `createTopic`, and creates no topic. */
  checkNewTopic(topic: NewTopic): void
  /** @throws ApiError UNKNOWN_TOPIC_OR_PARTITION */
  deleteTopic(name: string): Promise<void>
  /** Grows a topic to `total` partitions. @throws ApiError INVALID_PARTITIONS, UNKNOWN_TOPIC_OR_PARTITION */
  createPartitions(name: string, total: number): Promise<TopicInfo>
  /** Replaces all explicitly set values. @throws ApiError INVALID_CONFIG, UNKNOWN_TOPIC_OR_PARTITION */
  setTopicConfig(name: string, config: Readonly<Record<string, string>>): Promise<TopicInfo>
  partition(topic: string, index: number): Partition | undefined
  /** Never returns the same id twice, also after a kill; gaps are normal. */
  nextProducerId(): Promise<number>
  /** One round of retention and compaction over all partitions; also runs at intervals (`maintenanceIntervalMs`). */
  maintain(): Promise<MaintenanceReport>
  /** Resolves with the error that stopped all writes (a failed sync, a full disk), if one occurs. */
  readonly failure: Promise<Error>
  /** Resolves when everything is synced, the last checkpoint is written and the lock is released. */
  close(): Promise<void>
}

export type MaintenanceReport = { readonly segmentsDeleted: number; readonly partitionsCompacted: number }

/**
 * Who appends: max.message.bytes, timestamps, sequence numbers and records are checked for a `client`; a
 * `coordinator` writes its own log and transactional offsets, which have a producer id but no sequence.
 */
export type AppendOrigin = 'client' | 'coordinator'

export type AppendResult = {
  readonly baseOffset: number
  /** -1 if the topic keeps the producer's CreateTime. */
  readonly logAppendTime: number
  readonly logStartOffset: number
}

export type ReadRequest = {
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: Isolation
  /** Returns one whole batch even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
}

export type AbortedTransaction = { readonly producerId: number; readonly firstOffset: number }

export type ReadResult = {
  /** Whole batches; the first may begin before `offset`. Empty at the end of the log. A buffer of its own. */
  readonly records: Buffer
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** The aborted transactions with records in the result; empty for read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[]
}

export type TimestampedOffset = { readonly offset: number; readonly timestamp: number }

/** A producer in the form of DescribeProducers. `currentTransactionStart` is -1 outside a transaction. */
export type ActiveProducer = {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  readonly currentTransactionStart: number
}

export type Partition = {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly logStartOffset: number
  /** The offset of the next record, durable or not. */
  readonly logEndOffset: number
  /** The durable end: the limit of the records that consumers may see. */
  readonly highWatermark: number
  /** The first offset of the oldest transaction whose end is not durable yet, else the high watermark. */
  readonly lastStableOffset: number
  /** The size of the segment files. */
  readonly sizeBytes: number
  /**
   * Appends exactly one record batch of magic 2, changing its base offset, leader epoch and (LogAppendTime) times in
   * `batch` itself. The buffer must not be changed until this resolves. A repetition of one of the producer's last
   * five batches is not written again and answers the first offset.
   * @throws ApiError CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE, MESSAGE_TOO_LARGE, INVALID_RECORD,
   * INVALID_TIMESTAMP, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, KAFKA_STORAGE_ERROR
   */
  append(batch: Buffer, origin: AppendOrigin): Promise<AppendResult>
  /**
   * The same, but a refusal is thrown before this returns. An accepted batch can't be refused any more: it becomes durable in the
   * order of the calls, over all partitions, or the log stops. Calls without an await between them are one write of the
   * journal: after a crash all of them exist, or none.
   */
  take(batch: Buffer, origin: AppendOrigin): Promise<AppendResult>
  /**
   * Ends the producer's transaction on this partition with a control batch, also where none is open (a marker may
   * come twice). @throws ApiError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, KAFKA_STORAGE_ERROR
   */
  appendMarker(marker: TransactionMarker): Promise<{ offset: number }>
  /** The same as `take` for a marker. It is accepted at any number of waiting bytes, because the records that it ends are already there. */
  takeMarker(marker: TransactionMarker): Promise<{ offset: number }>
  /** @throws ApiError OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION (deleted meanwhile) */
  read(request: ReadRequest): Promise<ReadResult>
  /** Whether a read from here would find nothing yet: the offset is the high watermark (read_committed: the last stable offset). */
  isAtEnd(offset: number, isolation: Isolation): boolean
  /**
   * Calls `wake` when the high watermark (read_committed: the last stable offset) is beyond `offset`, before it returns if it
   * is already; also when the partition is deleted, so that the reader reads again and gets the error. It may be called more than once.
   * @returns a function that cancels it
   */
  onAdvance(offset: number, isolation: Isolation, wake: () => void): () => void
  /** The first record at or after the time, among those below the high watermark (read_committed: the LSO). */
  offsetForTimestamp(timestamp: number, isolation?: Isolation): Promise<TimestampedOffset | undefined>
  /** The record with the largest timestamp, the earliest of equals (ListOffsets -3). */
  offsetOfMaxTimestamp(): Promise<TimestampedOffset | undefined>
  /** Moves the log start; -1 means the high watermark. Resolves with the new log start, durable. @throws OFFSET_OUT_OF_RANGE */
  deleteRecords(beforeOffset: number): Promise<number>
  activeProducers(): readonly ActiveProducer[]
}

export type TransactionMarker = {
  readonly producerId: number
  readonly producerEpoch: number
  readonly commit: boolean
  readonly coordinatorEpoch: number
}
