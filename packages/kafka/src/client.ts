/**
 * The public types of the client layer: arguments and results of `openCluster`, `openProducer`, `openTransactionalProducer`,
 * `openReader`, `openGroup` and `openAdmin`. Every error is a KafkaError (see errors.ts); every wait has a
 * time limit; a lost connection is detected and replaced without the caller's help.
 */
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Random } from './retry.ts'
import type {
  CommittedOffset,
  FetchedRecords,
  GroupMetadata,
  Isolation,
  RecordMetadata,
  RecordToSend,
  TopicPartition,
  UndecodablePolicy,
} from './types.ts'
import type { WantedHeaders } from './wire/index.ts'

/**
 * How a client logs in (RFC 4616; RFC 5802 and RFC 7677). PLAIN sends the password unencrypted: use it only with `tls`.
 * SCRAM proves that both sides know the password.
 */
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** The address of a log, how clients log in, and how long they wait. Times are in milliseconds. */
export type ClientOptions = {
  /** `host:port` of some of the cluster's brokers; the client finds the others through them. */
  readonly brokers: readonly string[]
  /** The log shows this name in its own log lines and in `describeGroups`. */
  readonly clientId: string
  /** If present, TLS is used. `ca` is PEM; without it the system's authorities are trusted. */
  readonly tls?: { readonly ca?: string | Buffer; readonly rejectUnauthorized?: boolean }
  /** The login; without it the client doesn't log in. */
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
  /** The time limit of one request; when it passes, the connection is closed. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** Gets lost connections and retries. By default nothing is logged. */
  readonly logger?: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** For deadlines, and for records without a timestamp. Default: the machine's clock. */
  readonly clock?: Clock
  /** Spreads retries over time. Default Math.random. */
  readonly random?: Random
  /** The age at which metadata of brokers and topics is requested again. Default 300,000. */
  readonly metadataMaxAgeMs?: number
}

/** Bounds of a producer, in milliseconds and bytes. */
export type ProducerOptions = {
  /** The only mode: each batch is written once, even when it is retried. */
  readonly idempotent?: true
  /** How long `send` tries to write a record before it rejects. Default 30,000. */
  readonly deliveryTimeoutMs?: number
  /** Largest batch. A single larger record is still sent; the log may refuse it. Default 786,432. */
  readonly maxBatchBytes?: number
  /** The bytes that may wait in memory, also for unknown topics; beyond it `send` throws KAFKA_QUEUE_FULL at once. Default 33,554,432. */
  readonly maxBufferedBytes?: number
}

/**
 * Writes each record once, even when it is retried (KIP-98), and keeps the order of the records of a partition.
 * `openProducer` opens one.
 */
export type Producer = {
  /**
   * Resolves with the place of each record, in the order given, once all in-sync replicas have acknowledged all of them. Records of
   * one partition keep the order of the calls. An offset is -1 if the log already had the batch and does not report its offset.
   * @throws KafkaError whose `outcome` is 'not-written' (none of the records is on the log) or 'unknown'
   */
  send(records: readonly RecordToSend[]): Promise<RecordMetadata[]>
  /** Waits until all records are sent (at most the delivery timeout), then closes the connections. */
  close(): Promise<void>
}

/** The transactional id of a producer, and its limits in milliseconds and bytes. */
export type TransactionalProducerOptions = {
  /**
   * 2 (the default): where the log has `transaction.version` 2 on (KIP-890), partitions and group join by the write itself, and a late
   * request of one transaction can't get into the next. 1: the protocol before KIP-890, on every log.
   */
  readonly transactionVersion?: 1 | 2
  /** Stays the same after a restart: the next producer with this id fences this one and ends its open transaction (KIP-98). */
  readonly transactionalId: string
  /** After this time the log aborts the transaction itself. Default 10,000. */
  readonly transactionTimeoutMs?: number
  /** The time limit for fencing a predecessor and for the end of its transaction. Default 30,000. */
  readonly initTimeoutMs?: number
  /** Largest batch, as that of `ProducerOptions`. Default 786,432. */
  readonly maxBatchBytes?: number
}

/**
 * Writes one transaction at a time. `send` and `sendOffsets` may be called concurrently; the calls keep their order.
 * Errors of every method: AbortableError (call `abort`, undo, try again), FencedError and UnknownOutcomeError (this
 * process must stop and restore its state from the log). After the latter two, every call throws the same error again.
 */
export type TransactionalProducer = {
  /** The id by which the log fences an older producer. */
  readonly transactionalId: string
  /** Opens a transaction; the log learns of it with the first write. @throws KafkaError KAFKA_INVALID_STATE if one is open */
  begin(): void
  /**
   * Resolves with the place of each record, in the order given, once all are on the log. A read_committed reader gets the
   * records after the commit.
   */
  send(records: readonly RecordToSend[]): Promise<RecordMetadata[]>
  /** `offset` is the next one to read; the log stores `metadata` with it. The group's metadata fences zombies (KIP-447). */
  sendOffsets(group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void>
  /**
   * Waits for all sends; if one of them failed, it throws AbortableError and does not commit. Resolves once the decision
   * is durable; the log writes the markers after that (KIP-98), so a read_committed reader sees the records a moment
   * later.
   */
  commit(): Promise<void>
  /**
   * Ends the transaction; a read_committed reader never sees its records.
   * @throws FencedError only if another producer has the transactional.id. If the log did not confirm the abort in time, it throws that
   * error (KAFKA_TIMEOUT…, not retriable): nothing was committed, the log or the successor ends the transaction, and every later
   * call throws the same error again.
   */
  abort(): Promise<void>
  /** Leaves an open transaction to its timeout or its successor: call `abort` first if that matters. */
  close(): Promise<void>
}

/** The parameters of fetch requests. */
export type FetchOptions = {
  /** Default read_committed. */
  readonly isolation?: Isolation
  /** How long a broker holds a fetch that finds nothing. Default 500. */
  readonly maxWaitMs?: number
  /** The size of one fetch response. Default 4,194,304. */
  readonly maxBytes?: number
  /**
   * The least time between two fetches from a broker if the answer brought less than 64 KiB: records that arrive in this time share
   * a fetch. Default 0: the next fetch leaves at once.
   */
  readonly lingerMs?: number
}

/**
 * How much is fetched at a time, in which form records are given, and what happens with a batch that can't be decoded.
 * Sizes are in bytes as on the wire.
 */
export type ReaderOptions = FetchOptions & {
  /** The size of one partition in a response. Default 1,048,576. */
  readonly partitionMaxBytes?: number
  /**
   * For a caller that finishes with each record before the next poll: records are views on the response, and have no headers but
   * those of `lentHeaders`. Default false: each record has a buffer of its own.
   */
  readonly lent?: boolean
  /** The names of the headers that lent records have, or `all`. None by default. */
  readonly lentHeaders?: WantedHeaders
  /**
   * `stop` (the default): `poll` delivers the records before the batch, and then throws an UndecodableBatchError at each call
   * until `seek` moves the partition. `skip`: reading continues behind the batch, and FetchedRecords names it.
   */
  readonly onUndecodable?: UndecodablePolicy
}

/**
 * Readers whose partitions share fetches: one request per broker instead of one per reader. Use it for readers that follow the
 * end of the log; a reader with a large backlog reads it faster with fetches of its own.
 */
export type SharedFetches = {
  /** `maxBytes` is here how much the reader buffers before it fetches more. */
  openReader(options?: Omit<ReaderOptions, 'isolation' | 'maxWaitMs' | 'lingerMs'>): Reader
  /** Call it after the readers are closed. */
  close(): Promise<void>
}

/** A partition and the offset of a record in it; for a reader, the offset of the first record to read. */
export type PartitionOffset = TopicPartition & { readonly offset: number }

/** Where a reader is in a partition, and what the last response said of it. */
export type PartitionPosition = TopicPartition & {
  /** The next offset that `poll` may deliver. */
  readonly position: number
  /** The offset behind the last record that all in-sync replicas have; -1 before the first response. */
  readonly highWatermark: number
  /** The offset up to which no transaction is open, exclusive; -1 before the first response. */
  readonly lastStableOffset: number
  /** The first offset of the log; -1 before the first response. */
  readonly logStartOffset: number
}

/**
 * Reads partitions from given offsets. While the log is away it retries. An error that it can't continue from, it throws from
 * `poll`: an OffsetOutOfRangeError comes until the partition is sought or removed.
 */
export type Reader = {
  /** Replaces the partitions that are read. */
  assign(partitions: readonly PartitionOffset[]): void
  /**
   * Adds partitions. For one that is read already it works as `seek`. @throws KafkaError KAFKA_INVALID_ARGUMENT for an offset
   * below 0
   */
  add(partitions: readonly PartitionOffset[]): void
  /** Records that were fetched and not yet delivered are dropped. Partitions that aren't read are ignored. */
  remove(partitions: readonly TopicPartition[]): void
  /** Moves the position. Records of the partition that were fetched and not yet delivered are dropped. */
  seek(partition: PartitionOffset): void
  /** Stops delivery and fetching, and keeps the fetched records. Partitions that aren't read are ignored. */
  pause(partitions: readonly TopicPartition[]): void
  /** Ends the pause: records that were fetched before it come first. */
  resume(partitions: readonly TopicPartition[]): void
  /**
   * Everything fetched since the last call, one entry per partition and fetch; an entry has no records if only the
   * position moved. Waits up to `timeoutMs` (default 1,000) for records, then resolves empty; also empty after `close`.
   * @throws OffsetOutOfRangeError, UndecodableBatchError (KAFKA_CORRUPT_BATCH) or a broker error that doesn't pass (authorization)
   */
  poll(options?: { readonly timeoutMs?: number }): Promise<FetchedRecords[]>
  /** The positions of all partitions that are read. */
  positions(): PartitionPosition[]
  /** Ends a `poll` that waits, which resolves empty, and closes the reader's own connections. */
  close(): Promise<void>
  /** Non-empty polls until the reader is closed. */
  [Symbol.asyncIterator](): AsyncIterator<FetchedRecords[]>
}

/** Which group to join, which topics it shares, and which functions are called at assignment and revocation. Times are in milliseconds. */
export type GroupOptions = {
  /** Kafka's `group.id`: all members with this id share the topics. */
  readonly groupId: string
  /** A stable name makes a static member: a restart within the session timeout takes its partitions back at once. */
  readonly instanceId?: string
  /** Default 30,000. */
  readonly sessionTimeoutMs?: number
  /** How long members have to finish their work and rejoin. Default 30,000. */
  readonly rebalanceTimeoutMs?: number
  /** Default 3,000, and never more than a third of the session timeout. */
  readonly heartbeatIntervalMs?: number
  /** Co-partitioned: partition p of all of them goes to one member. */
  readonly topics: readonly string[]
  /** Called before rejoining: finish or abort the open transaction within the rebalance timeout; the group waits no longer. */
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** How many members follow each partition beside its owner, if there are enough. The highest value of all members counts. Default 0. */
  readonly standbyReplicas?: number
  /**
   * Start long work in the background, because the next rebalance waits for this promise. `followed` has the numbers of the partitions
   * for which this member is a standby. When a partition is reassigned, members that follow it or had it are preferred.
   */
  readonly onAssigned: (
    partitions: readonly TopicPartition[],
    metadata: GroupMetadata,
    followed: readonly number[],
  ) => void | Promise<void>
  /**
   * The group continued without this member, perhaps while it was rejoining and had no partitions: its partitions belong to
   * other members already, so nothing may be committed.
   */
  readonly onLost: (partitions: readonly TopicPartition[]) => void | Promise<void>
}

/**
 * One member of a consumer group, in the classic protocol; with `instanceId` a static one (KIP-345). `openGroup` opens
 * one.
 */
export type Group = {
  /** The generation is -1 and the member id is empty until the first assignment. */
  metadata(): GroupMetadata
  /** The partitions it has now: none from the end of `onRevoked`, or from the loss, until the next assignment. */
  assignment(): readonly TopicPartition[]
  /**
   * Resolves once closed; rejects when the member can't continue: with FencedError if another member took its instance id, or with
   * the error that one of the three functions above threw.
   */
  readonly done: Promise<void>
  /** Calls none of the functions any more. Without `leave` the group keeps the member's place until its session times out. */
  close(options?: { readonly leave?: boolean }): Promise<void>
}

/** A topic as it is created (CreateTopics, API key 19). */
export type TopicToCreate = {
  /** ASCII letters, digits, `.`, `_` and `-`, at most 249 of them; not `.` or `..` (Kafka's rule). */
  readonly name: string
  /** The number of partitions, at least 1. */
  readonly partitions: number
  /** Default -1: the default of the log. */
  readonly replicationFactor?: number
  /** Settings by Kafka's names, such as `cleanup.policy`; the log has defaults for all others. */
  readonly configs?: Readonly<Record<string, string>>
}

/**
 * A topic as the log has it now (Metadata and DescribeConfigs, API keys 3 and 32). Partitions are in the order of their
 * numbers.
 */
export type TopicDescription = {
  readonly name: string
  /**
   * A UUID as text; a topic that is deleted and created again has another one. `NO_UUID` from a log older than
   * KIP-516.
   */
  readonly topicId: string
  /** Whether the log uses it for itself, such as `__consumer_offsets`. */
  readonly isInternal: boolean
  /** By partition number, without gaps. */
  readonly partitions: ReadonlyArray<{
    readonly partition: number
    /** Node id, -1 if there is none. */
    readonly leader: number
    /** Node ids of the brokers that have a copy. */
    readonly replicas: readonly number[]
    readonly inSyncReplicas: readonly number[]
  }>
  /** All settings in force, defaults included; settings that the log keeps secret are left out. */
  readonly configs: Readonly<Record<string, string>>
}

/**
 * Which offset of a partition is requested (ListOffsets, API key 2): the first record's; the offset after the last
 * record; or that of the first record whose timestamp is not before `timestamp`, in ms since the epoch.
 */
export type OffsetSpec =
  | 'earliest'
  | 'latest'
  | {
      /** In ms since the epoch. */
      readonly timestamp: number
    }

/** The answer for one partition (ListOffsets, API key 2). */
export type ListedOffset = TopicPartition & {
  /** -1 if no record has the requested timestamp or a later one. */
  readonly offset: number
  /** Of the record, in ms since the epoch; -1 if the request was not for a timestamp, or no record was found. */
  readonly timestamp: number
}

/**
 * A group in a list (ListGroups, API key 16). `protocolType` is `consumer` for groups of consumers; `state` is empty
 * if the log is too old to report it (before version 4).
 */
export type GroupListing = {
  readonly groupId: string
  /** `consumer` for groups of consumers. */
  readonly protocolType: string
  /** The protocol's name of it, as in `GroupDescription`; empty if the log does not report it. */
  readonly state: string
}

/** A group and its members (DescribeGroups, API key 15). A group that doesn't exist has the state `Dead` and no members. */
export type GroupDescription = {
  readonly groupId: string
  /** The protocol's name of it: Empty, PreparingRebalance, CompletingRebalance, Stable or Dead. */
  readonly state: string
  /** `consumer` for groups of consumers; empty for a group that has never had a member. */
  readonly protocolType: string
  /** The name of the assignor that its members agreed on; empty if there is none yet. */
  readonly protocol: string
  /** In no particular order. */
  readonly members: ReadonlyArray<{
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    /** The partitions assigned to the member; empty in a group of another type than `consumer`. */
    readonly partitions: readonly TopicPartition[]
  }>
}

/** `state` is the protocol's: Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort… */
export type TransactionListing = {
  readonly transactionalId: string
  /** The producer id that the log has assigned to the transactional.id. */
  readonly producerId: number
  /** As the protocol names it. */
  readonly state: string
}

/** The present or last transaction of one id (DescribeTransactions, API key 65, KIP-664). */
export type TransactionDescription = TransactionListing & {
  /** Increases when another producer takes over the transactional.id. */
  readonly producerEpoch: number
  /** After this time the log aborts the transaction itself. */
  readonly timeoutMs: number
  /** Milliseconds since the epoch; -1 if none is open. */
  readonly startedAt: number
  /** The partitions that it has written to; for a group's offsets, a partition of `__consumer_offsets`. */
  readonly partitions: readonly TopicPartition[]
}

/** A producer as a partition knows it. */
export type ActiveProducer = TopicPartition & {
  /** The number that the log has assigned to the producer (KIP-98). */
  readonly producerId: number
  /** Increases when another producer takes over the transactional.id. */
  readonly producerEpoch: number
  /** The time of its last batch there, in milliseconds since the epoch; -1 if the log does not know it. */
  readonly lastTimestamp: number
  /** The offset at which its open transaction begins there; -1 if none is open. */
  readonly transactionStart: number
}

/** The size of a replica on its broker's disk. */
export type ReplicaSize = TopicPartition & {
  /** The id of the broker that has the replica. */
  readonly node: number
  /** The size of its segments, as the broker tells it (DescribeLogDirs, API key 35). */
  readonly bytes: number
}

/**
 * Inspects a log, and changes its topics and offsets. Passing errors are retried, for 10 to 30 seconds.
 * An Admin need not be closed.
 * @throws KafkaError KAFKA_TIMEOUT, with the last error as its cause; BrokerError for a refusal by the log
 */
export type Admin = {
  /** `created` is false for a topic that exists already; any other refusal throws. Resolves when the leaders are known. */
  createTopics(topics: readonly TopicToCreate[]): Promise<Array<{ readonly name: string; readonly created: boolean }>>
  /**
   * Deletes topics and their records. Resolves once the controller has accepted the request; for a moment other brokers may still describe
   * the topics.
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION for a topic that doesn't exist
   */
  deleteTopics(names: readonly string[]): Promise<void>
  /** The names of all topics but internal ones. */
  listTopics(): Promise<string[]>
  /** Topics that don't exist are left out. */
  describeTopics(names: readonly string[]): Promise<TopicDescription[]>
  /** All settings in force of a topic, by Kafka's names; the same as `configs` of `describeTopics`. */
  describeConfigs(topic: string): Promise<Record<string, string>>
  /** 'latest' is the last stable offset for read_committed and the high watermark for read_uncommitted (the default). */
  listOffsets(partitions: readonly TopicPartition[], spec: OffsetSpec, isolation?: Isolation): Promise<ListedOffset[]>
  /** With `requireStable`, waits (bounded) for open transactions that hold offsets. -1 where the group has none. */
  committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options?: { readonly requireStable?: boolean; readonly timeoutMs?: number },
  ): Promise<CommittedOffset[]>
  /**
   * Commits offsets outside of any transaction, as a member of the group's present generation.
   * @throws BrokerError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID: nothing is committed
   */
  commitOffsets(group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void>
  /**
   * Moves the start of each partition up to `beforeOffset`, which must not lie past its high watermark; a start at or behind that
   * offset stays. Returns the new starts in the order given. The topic's `cleanup.policy` has to
   * include `delete`. If it throws, some partitions may be done; repeating the call for them has no effect.
   */
  deleteRecords(
    records: ReadonlyArray<TopicPartition & { readonly beforeOffset: number }>,
  ): Promise<Array<TopicPartition & { readonly logStart: number }>>
  /** The groups of all brokers. */
  listGroups(): Promise<GroupListing[]>
  /** The result has the order of the request. */
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>
  /** Every offset that the group has committed; empty for a group that does not exist. */
  groupOffsets(groupId: string): Promise<CommittedOffset[]>
  /** The transactions in one of these states; without states, all that are known. */
  listTransactions(states?: readonly string[]): Promise<TransactionListing[]>
  /** The result has the order of the request; ids that the log does not know are left out. */
  describeTransactions(transactionalIds: readonly string[]): Promise<TransactionDescription[]>
  /**
   * The producers that each partition remembers (DescribeProducers, API key 61, KIP-664).
   * @throws BrokerError for a partition that doesn't exist
   */
  describeProducers(partitions: readonly TopicPartition[]): Promise<ActiveProducer[]>
  /** The sizes of all replicas, internal topics included. @throws BrokerError CLUSTER_AUTHORIZATION_FAILED */
  replicaSizes(): Promise<ReplicaSize[]>
}
