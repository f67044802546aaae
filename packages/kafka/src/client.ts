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

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export type ClientOptions = {
  /** `host:port` of some of the cluster's brokers; the rest are found through them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Present: TLS. `ca` is PEM; without it the system's authorities are trusted. */
  readonly tls?: { readonly ca?: string | Buffer; readonly rejectUnauthorized?: boolean }
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
  /** How long one request may take before its connection is given up. Default 10,000. */
  readonly requestTimeoutMs?: number
  readonly logger?: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  readonly clock?: Clock
  /** Spreads what is tried again. Default Math.random. */
  readonly random?: Random
  /** How old what is known of brokers and topics may become before it is asked for again. Default 300,000. */
  readonly metadataMaxAgeMs?: number
}

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

export type TransactionalProducerOptions = {
  /**
   * 2 (the default): where the log has `transaction.version` 2 on (KIP-890), partitions and group join by what is written, and nothing that
   * comes late from one transaction can get into the next. 1: as before that, on every log.
   */
  readonly transactionVersion?: 1 | 2
  readonly transactionalId: string
  /** After this the log aborts the transaction by itself. Default 10,000. */
  readonly transactionTimeoutMs?: number
  /** How long to fence a predecessor and wait for the end of its transaction. Default 30,000. */
  readonly initTimeoutMs?: number
  readonly maxBatchBytes?: number
}

/**
 * One transaction at a time. `send` and `sendOffsets` may be called concurrently: they are put in order.
 * Errors of every method: AbortableError (call `abort`, undo, try again), FencedError and UnknownOutcomeError (this
 * process must stop and restore its state from the log). After the latter two, every call throws the same again.
 */
export type TransactionalProducer = {
  readonly transactionalId: string
  begin(): void
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
   * @throws FencedError only if another has the transactional.id. An abort that the log did not confirm in time throws what
   * came of it (KAFKA_TIMEOUT…, not retriable): nothing was committed, the log or the successor ends the transaction, and every
   * call throws the same again.
   */
  abort(): Promise<void>
  /** Leaves an open transaction to its timeout or its successor: call `abort` first where that matters. */
  close(): Promise<void>
}

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
  add(partitions: readonly PartitionOffset[]): void
  remove(partitions: readonly TopicPartition[]): void
  /** What was fetched of the partition and not yet delivered is dropped. */
  seek(partition: PartitionOffset): void
  /** Stops delivery and fetching; what was fetched stays. Partitions that aren't read are ignored. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /**
   * Everything fetched since the last call, one entry a partition and fetch; an entry may hold no records, when only the
   * position moved. Waits for something up to `timeoutMs` (default 1,000), then resolves empty; empty after `close`, too.
   * @throws OffsetOutOfRangeError, UndecodableBatchError (KAFKA_CORRUPT_BATCH) or a broker error that doesn't pass (authorization)
   */
  poll(options?: { readonly timeoutMs?: number }): Promise<FetchedRecords[]>
  positions(): PartitionPosition[]
  close(): Promise<void>
  /** Non-empty polls until the reader is closed. */
  [Symbol.asyncIterator](): AsyncIterator<FetchedRecords[]>
}

export type GroupOptions = {
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

export type Group = {
  /** Generation -1 and an empty member id until the first assignment. */
  metadata(): GroupMetadata
  assignment(): readonly TopicPartition[]
  /**
   * Resolves once closed; rejects when the member can't go on: FencedError if another took its instance id, or what one of
   * the three functions above threw.
   */
  readonly done: Promise<void>
  /** Calls back no more. Without `leave` the group keeps the member's place until its session times out. */
  close(options?: { readonly leave?: boolean }): Promise<void>
}

export type TopicToCreate = {
  readonly name: string
  readonly partitions: number
  /** Default -1: the log's own. */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

export type TopicDescription = {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
  readonly partitions: ReadonlyArray<{
    readonly partition: number
    /** Node id, -1 if there is none. */
    readonly leader: number
    readonly replicas: readonly number[]
    readonly inSyncReplicas: readonly number[]
  }>
  /** Every setting in force, defaults included; what the log keeps secret is left out. */
  readonly configs: Readonly<Record<string, string>>
}

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestamp: number }

/** `offset` and `timestamp` are -1 when no record is as young as the timestamp asked for. */
export type ListedOffset = TopicPartition & { readonly offset: number; readonly timestamp: number }

export type GroupListing = { readonly groupId: string; readonly protocolType: string; readonly state: string }

export type GroupDescription = {
  readonly groupId: string
  readonly state: string
  readonly protocolType: string
  readonly protocol: string
  readonly members: ReadonlyArray<{
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly partitions: readonly TopicPartition[]
  }>
}

/** `state` is the protocol's: Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort… */
export type TransactionListing = {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: string
}

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

export type Admin = {
  /** `created` is false for a topic that exists already; any other refusal throws. Returns when leaders are known. */
  createTopics(topics: readonly TopicToCreate[]): Promise<Array<{ readonly name: string; readonly created: boolean }>>
  deleteTopics(names: readonly string[]): Promise<void>
  /** Names, internal topics left out. */
  listTopics(): Promise<string[]>
  /** Topics that don't exist are left out. */
  describeTopics(names: readonly string[]): Promise<TopicDescription[]>
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
  listGroups(): Promise<GroupListing[]>
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>
  /** Every offset that the group has committed; none of a group that does not exist. */
  groupOffsets(groupId: string): Promise<CommittedOffset[]>
  /** Those in one of these states; without any, all that are known. */
  listTransactions(states?: readonly string[]): Promise<TransactionListing[]>
  /** In the order asked; ids that the log does not know are left out. */
  describeTransactions(transactionalIds: readonly string[]): Promise<TransactionDescription[]>
  /** @throws BrokerError for a partition that is not there */
  describeProducers(partitions: readonly TopicPartition[]): Promise<ActiveProducer[]>
  /** Of all topics, internal ones included. @throws BrokerError CLUSTER_AUTHORIZATION_FAILED */
  replicaSizes(): Promise<ReplicaSize[]>
}
