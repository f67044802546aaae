/**
 * The surface of the client layer, as types: what `openCluster`, `openProducer`, `openTransactionalProducer`,
 * `openReader`, `openGroup` and `openAdmin` take and give. Every error is a KafkaError (see errors.ts); every wait has a
 * bound; a connection that is lost is found and replaced without the caller's help.
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
 * How a client says who it is (RFC 4616; RFC 5802 and RFC 7677). PLAIN sends the password as it is: use it with `tls`
 * alone. SCRAM proves that both sides know it.
 */
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** How a log is reached, and how long its clients wait for it. Times are in milliseconds. */
export type ClientOptions = {
  /** `host:port` of some of the cluster's brokers; the rest are found through them. */
  readonly brokers: readonly string[]
  /** What the log calls this client, in its lines and in `describeGroups`. */
  readonly clientId: string
  /** Present: TLS. `ca` is PEM; without it the system's authorities are trusted. */
  readonly tls?: { readonly ca?: string | Buffer; readonly rejectUnauthorized?: boolean }
  /** With whose name to log in; without it there is no login. */
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
  /** How long one request may take before its connection is given up. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** Told of lost connections, and of what is tried again. By default nothing is logged. */
  readonly logger?: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** For deadlines, and for records without a timestamp. By default the machine's. */
  readonly clock?: Clock
  /** Spreads what is tried again. Default Math.random. */
  readonly random?: Random
  /** How old what is known of brokers and topics may become before it is asked for again. Default 300,000. */
  readonly metadataMaxAgeMs?: number
}

/** Bounds of a producer, in milliseconds and bytes. */
export type ProducerOptions = {
  /** The only kind there is: each batch is written once, whatever is retried. */
  readonly idempotent?: true
  /** How long a record is tried before `send` rejects. Default 30,000. */
  readonly deliveryTimeoutMs?: number
  /** Largest batch; a larger single record is still sent, and is the log's to refuse. Default 786,432. */
  readonly maxBatchBytes?: number
  /** What may wait in memory, topics not yet known included, before `send` refuses at once with KAFKA_QUEUE_FULL. Default 33,554,432. */
  readonly maxBufferedBytes?: number
}

/**
 * Writes each record once, whatever is retried (KIP-98), and the records of a partition in order. `openProducer` opens
 * one.
 */
export type Producer = {
  /**
   * Resolves with each record's place, in the order given, once all are acknowledged by all in-sync replicas. Records of
   * one partition keep the order of the calls. An offset is -1 where the log had the batch already, and does not say where.
   * @throws KafkaError whose `outcome` is 'not-written' (surely none of them is on the log) or 'unknown'
   */
  send(records: readonly RecordToSend[]): Promise<RecordMetadata[]>
  /** Waits for what was sent (bounded by the delivery timeout), then frees the connections. */
  close(): Promise<void>
}

/** The name of a transactional producer, and its bounds, in milliseconds and bytes. */
export type TransactionalProducerOptions = {
  /**
   * 2 (the default): where the log has `transaction.version` 2 on (KIP-890), partitions and group join by what is written, and nothing that
   * comes late from one transaction can get into the next. 1: as before that, on every log.
   */
  readonly transactionVersion?: 1 | 2
  /** The name that a restart keeps: who opens it next fences this producer, and ends its open transaction (KIP-98). */
  readonly transactionalId: string
  /** After this the log aborts the transaction by itself. Default 10,000. */
  readonly transactionTimeoutMs?: number
  /** How long to fence a predecessor and wait for the end of its transaction. Default 30,000. */
  readonly initTimeoutMs?: number
  /** Largest batch, as that of `ProducerOptions`. Default 786,432. */
  readonly maxBatchBytes?: number
}

/**
 * One transaction at a time. `send` and `sendOffsets` may be called concurrently: they are put in order.
 * Errors of every method: AbortableError (call `abort`, undo, try again), FencedError and UnknownOutcomeError (this
 * process must stop and restore its state from the log). After the latter two, every call throws the same again.
 */
export type TransactionalProducer = {
  readonly transactionalId: string
  /** Opens a transaction; the log is told with the first write. @throws KafkaError KAFKA_INVALID_STATE if one is open */
  begin(): void
  /**
   * Resolves with each record's place, in the order given, once all are on the log. A read_committed reader gets them
   * after the commit.
   */
  send(records: readonly RecordToSend[]): Promise<RecordMetadata[]>
  /** `offset` is the next one to read; `metadata` is kept with it. The group's metadata fences zombies (KIP-447). */
  sendOffsets(group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void>
  /**
   * Waits for everything sent; throws AbortableError without committing if any of it failed. Resolves once the decision
   * is durable; the log writes the markers after that (KIP-98), so that a read_committed reader sees the records a moment
   * later.
   */
  commit(): Promise<void>
  /**
   * Ends the transaction; a read_committed reader never sees what it wrote.
   * @throws FencedError only if another has the transactional.id. An abort that the log did not confirm in time throws what
   * came of it (KAFKA_TIMEOUT…, not retriable): nothing was committed, the log or the successor ends the transaction, and every
   * call throws the same again.
   */
  abort(): Promise<void>
  /** Leaves an open transaction to its timeout or its successor: call `abort` first where that matters. */
  close(): Promise<void>
}

/** How brokers are asked for records. */
export type FetchOptions = {
  /** Default read_committed. */
  readonly isolation?: Isolation
  /** How long a broker holds a fetch that finds nothing. Default 500. */
  readonly maxWaitMs?: number
  /** Of one fetch response. Default 4,194,304. */
  readonly maxBytes?: number
  /**
   * From one fetch of a broker to the next, at least, if the answer brought less than 64 KiB: what comes meanwhile shares a fetch.
   * Default 0: the next one goes out at once.
   */
  readonly lingerMs?: number
}

/**
 * How much is fetched at a time, in which form it is given, and what is done with a batch that can't be decoded. Sizes
 * are in bytes as they are on the wire.
 */
export type ReaderOptions = FetchOptions & {
  /** Of one partition in a response. Default 1,048,576. */
  readonly partitionMaxBytes?: number
  /**
   * Records are lent, for a caller who is done with each before the next poll: they are views on the response, with no headers but
   * those of `lentHeaders`. Default false: each record has a buffer of its own.
   */
  readonly lent?: boolean
  /** Of lent records: names of the headers that they come with, or `all`. None by default. */
  readonly lentHeaders?: WantedHeaders
  /**
   * `stop` (the default): `poll` delivers what comes before the batch, and then throws an UndecodableBatchError at each call
   * until the partition is sought. `skip`: reading goes on behind the batch, and FetchedRecords names it.
   */
  readonly onUndecodable?: UndecodablePolicy
}

/**
 * Readers whose partitions are asked for together: one request a broker where each reader had its own. For readers that follow the
 * end of the log; one that has much to catch up does it faster alone.
 */
export type SharedFetches = {
  /** `maxBytes` is then how much the reader holds before it asks for more. */
  openReader(options?: Omit<ReaderOptions, 'isolation' | 'maxWaitMs' | 'lingerMs'>): Reader
  /** After its readers are closed. */
  close(): Promise<void>
}

/** A partition, and the offset of a record in it; for a reader, of the first one to read. */
export type PartitionOffset = TopicPartition & { readonly offset: number }

/** `position` is the next offset that `poll` may deliver. The others are -1 until the first response. */
export type PartitionPosition = TopicPartition & {
  readonly position: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

/**
 * Reads partitions from given offsets. While the log is away it goes on trying; what it can't continue, it throws from
 * `poll`: OffsetOutOfRangeError until the partition is sought or removed.
 */
export type Reader = {
  /** Replaces what is read. */
  assign(partitions: readonly PartitionOffset[]): void
  /**
   * Reads these as well. One that is read already is sought. @throws KafkaError KAFKA_INVALID_ARGUMENT for an offset
   * below 0
   */
  add(partitions: readonly PartitionOffset[]): void
  /** What was fetched of them and not yet delivered is dropped. Partitions that aren't read are ignored. */
  remove(partitions: readonly TopicPartition[]): void
  /** What was fetched of the partition and not yet delivered is dropped. */
  seek(partition: PartitionOffset): void
  /** Stops delivery and fetching; what was fetched stays. Partitions that aren't read are ignored. */
  pause(partitions: readonly TopicPartition[]): void
  /** Takes `pause` back: what was fetched before comes first. */
  resume(partitions: readonly TopicPartition[]): void
  /**
   * Everything fetched since the last call, one entry a partition and fetch; an entry may hold no records, when only the
   * position moved. Waits for something up to `timeoutMs` (default 1,000), then resolves empty; empty after `close`, too.
   * @throws OffsetOutOfRangeError, UndecodableBatchError (KAFKA_CORRUPT_BATCH) or a broker error that doesn't pass (authorization)
   */
  poll(options?: { readonly timeoutMs?: number }): Promise<FetchedRecords[]>
  /** Of each partition that is read. */
  positions(): PartitionPosition[]
  /** Ends a `poll` that waits, which resolves empty, and frees the connections that are the reader's own. */
  close(): Promise<void>
  /** Non-empty polls until the reader is closed. */
  [Symbol.asyncIterator](): AsyncIterator<FetchedRecords[]>
}

/** Which group is joined, what it shares, and what is called when partitions come and go. Times are in milliseconds. */
export type GroupOptions = {
  /** Kafka's `group.id`: all members of this name share the topics. */
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
  /** Before rejoining: finish or abort the open transaction here, within the rebalance timeout; longer nobody waits. */
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** How many members, as far as there are, follow each partition beside its owner. The highest wish of all counts. Default 0. */
  readonly standbyReplicas?: number
  /**
   * Start long work in the background: the next rebalance waits for this promise. `followed` are the numbers of the partitions
   * that this member stands by for. A member that follows a partition, or had it, is preferred when it is given away.
   */
  readonly onAssigned: (
    partitions: readonly TopicPartition[],
    metadata: GroupMetadata,
    followed: readonly number[],
  ) => void | Promise<void>
  /**
   * The group went on without this member, maybe while it was joining again and had no partitions any more: what it had is
   * another's already, nothing may be committed.
   */
  readonly onLost: (partitions: readonly TopicPartition[]) => void | Promise<void>
}

/**
 * One member of a consumer group, in the classic protocol; with `instanceId` a static one (KIP-345). `openGroup` makes
 * it.
 */
export type Group = {
  /** Generation -1 and an empty member id until the first assignment. */
  metadata(): GroupMetadata
  /** Its partitions now: empty from the end of `onRevoked`, and from the loss, to the next assignment. */
  assignment(): readonly TopicPartition[]
  /**
   * Resolves once closed; rejects when the member can't go on: FencedError if another took its instance id, or what one of
   * the three functions above threw.
   */
  readonly done: Promise<void>
  /** Calls back no more. Without `leave` the group keeps the member's place until its session times out. */
  close(options?: { readonly leave?: boolean }): Promise<void>
}

/** A topic as it is created (CreateTopics, API key 19). */
export type TopicToCreate = {
  readonly name: string
  readonly partitions: number
  /** Default -1: the log's own. */
  readonly replicationFactor?: number
  /** Settings by Kafka's names, such as `cleanup.policy`; for all others the log has its defaults. */
  readonly configs?: Readonly<Record<string, string>>
}

/**
 * A topic as the log has it now (Metadata and DescribeConfigs, API keys 3 and 32). Partitions are in the order of their
 * numbers.
 */
export type TopicDescription = {
  readonly name: string
  /**
   * A UUID in its usual text; a topic that is deleted and made again has another one. `NO_UUID` from a log older than
   * KIP-516.
   */
  readonly topicId: string
  readonly isInternal: boolean
  readonly partitions: ReadonlyArray<{
    readonly partition: number
    /** Node id, -1 if there is none. */
    readonly leader: number
    /** Node ids of the brokers that have a copy. */
    readonly replicas: readonly number[]
    readonly inSyncReplicas: readonly number[]
  }>
  /** Every setting in force, defaults included; what the log keeps secret is left out. */
  readonly configs: Readonly<Record<string, string>>
}

/**
 * Which offset of a partition is asked for (ListOffsets, API key 2): that of the first record that is left, that behind
 * the last one, or that of the first record whose timestamp is not before `timestamp`, in ms since the epoch.
 */
export type OffsetSpec = 'earliest' | 'latest' | { readonly timestamp: number }

/** `offset` and `timestamp` are -1 when no record is as young as the timestamp asked for. */
export type ListedOffset = TopicPartition & { readonly offset: number; readonly timestamp: number }

/**
 * A group in a list (ListGroups, API key 16). `protocolType` is `consumer` for those of consumers; `state` is empty
 * where the log is too old to tell it (before version 4).
 */
export type GroupListing = { readonly groupId: string; readonly protocolType: string; readonly state: string }

/** A group and its members (DescribeGroups, API key 15). A group that doesn't exist has the state `Dead` and no members. */
export type GroupDescription = {
  readonly groupId: string
  readonly state: string
  readonly protocolType: string
  /** The name of the assignor that its members agreed on; empty while there is none. */
  readonly protocol: string
  readonly members: ReadonlyArray<{
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    /** What the member was given; empty in a group of another type than `consumer`. */
    readonly partitions: readonly TopicPartition[]
  }>
}

/** `state` is the protocol's: Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort… */
export type TransactionListing = {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: string
}

/** The transaction of one id, or its last one (DescribeTransactions, API key 65, KIP-664). */
export type TransactionDescription = TransactionListing & {
  readonly producerEpoch: number
  /** After so long the log aborts it by itself. */
  readonly timeoutMs: number
  /** Milliseconds since the epoch; -1 if none is open. */
  readonly startedAt: number
  /** What it has written to; of a group, a partition of `__consumer_offsets`. */
  readonly partitions: readonly TopicPartition[]
}

/** A producer as a partition knows it. */
export type ActiveProducer = TopicPartition & {
  readonly producerId: number
  readonly producerEpoch: number
  /** Of its last batch there, in milliseconds since the epoch; -1 if the log does not know. */
  readonly lastTimestamp: number
  /** The offset at which its open transaction begins there; -1 if none is open. */
  readonly transactionStart: number
}

/** What a replica takes on its broker's disk. */
export type ReplicaSize = TopicPartition & { readonly node: number; readonly bytes: number }

/**
 * Looks at a log from outside, and changes its topics and offsets. What passes is tried again, for 10 to 30 seconds.
 * Nothing has to be closed.
 * @throws KafkaError KAFKA_TIMEOUT, with the last error as its cause; BrokerError for what the log refuses
 */
export type Admin = {
  /** `created` is false for a topic that exists already; any other refusal throws. Returns when leaders are known. */
  createTopics(topics: readonly TopicToCreate[]): Promise<Array<{ readonly name: string; readonly created: boolean }>>
  /**
   * Deletes topics with all that they hold. Resolves once the log has agreed to it.
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION for one that isn't there
   */
  deleteTopics(names: readonly string[]): Promise<void>
  /** Names, internal topics left out. */
  listTopics(): Promise<string[]>
  /** Topics that don't exist are left out. */
  describeTopics(names: readonly string[]): Promise<TopicDescription[]>
  /** Every setting in force of a topic, by Kafka's name; as `configs` of `describeTopics`. */
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
   * @throws BrokerError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID: nothing was committed
   */
  commitOffsets(group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void>
  /**
   * Moves the start of each partition up to `beforeOffset`, which must not lie past its high watermark; a start that is
   * there already stays. Returns, in the order given, where the partitions begin now. The topic's `cleanup.policy` has to
   * include `delete`. Some partitions may be done when it throws; doing them again changes nothing.
   */
  deleteRecords(
    records: ReadonlyArray<TopicPartition & { readonly beforeOffset: number }>,
  ): Promise<Array<TopicPartition & { readonly logStart: number }>>
  /** Those of all brokers. */
  listGroups(): Promise<GroupListing[]>
  /** In the order asked. */
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>
  /** Every offset that the group has committed; none of a group that does not exist. */
  groupOffsets(groupId: string): Promise<CommittedOffset[]>
  /** Those in one of these states; without any, all that are known. */
  listTransactions(states?: readonly string[]): Promise<TransactionListing[]>
  /** In the order asked; ids that the log does not know are left out. */
  describeTransactions(transactionalIds: readonly string[]): Promise<TransactionDescription[]>
  /**
   * The producers that each partition remembers (DescribeProducers, API key 61, KIP-664).
   * @throws BrokerError for a partition that is not there
   */
  describeProducers(partitions: readonly TopicPartition[]): Promise<ActiveProducer[]>
  /** Of all topics, internal ones included. @throws BrokerError CLUSTER_AUTHORIZATION_FAILED */
  replicaSizes(): Promise<ReplicaSize[]>
}
