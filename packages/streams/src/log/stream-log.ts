/**
 * The interface of the log that the runtime uses, so that it can also run on a simulated log whose faults a test chooses. The real
 * one is `kafkaLog`. Values that are passed on unchanged have the client's types. Offsets are looked up by `keyOf(topicPartition)`.
 */
import type {
  Admin,
  CommittedOffset,
  FetchedRecords,
  GroupMetadata,
  GroupOptions,
  PartitionOffset,
  Reader,
  ReaderOptions,
  RecordToSend,
  TopicPartition,
  TransactionalProducer,
} from '@streampay/kafka'

export type StreamLog = {
  /** The partition count of each topic that exists. */
  partitionCounts(topics: readonly string[]): Promise<Map<string, number>>
  /** The id of each topic that exists: a topic that was deleted and created again has another id. */
  topicIds(topics: readonly string[]): Promise<Map<string, string>>
  /** The log start, the end, or the end of the committed records (the last stable offset). */
  offsets(partitions: readonly TopicPartition[], which: 'start' | 'end' | 'stable-end'): Promise<Map<string, number>>
  /** With `requireStable` the answer waits until no open transaction holds an offset of these partitions. */
  committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: { requireStable: boolean },
  ): Promise<CommittedOffset[]>
  /**
   * Commits the same offsets again in the name of a member, outside of any transaction.
   * @returns false if the member is not in the group's present generation: then nothing was committed
   */
  claim(metadata: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<boolean>
  /** The instance ids of the group's present members. */
  liveInstances(groupId: string): Promise<Set<string>>
  /** Aborts the transaction that a dead writer left open, if any, and fences that writer. */
  endTransactionOf(transactionalId: string): Promise<void>
  /** Moves the start of each partition up to `beforeOffset`. A repeated call, or a lower offset, has no effect. */
  deleteRecords(...args: Parameters<Admin['deleteRecords']>): Promise<unknown>
  openProducer(options: { transactionalId: string; timeoutMs: number }): Promise<LogProducer>
  /**
   * Reads committed records. `maxBytes` is a rough limit of the buffered bytes; records that are `lent` may be used until
   * the next poll, and have no headers. A batch that cannot be decoded ends reading, unless `onUndecodable` decides otherwise.
   */
  openReader(options?: LogReaderOptions): LogReader
  joinGroup(options: LogGroupOptions): LogGroup
}

export type LogReaderOptions = Pick<ReaderOptions, 'maxBytes' | 'lent' | 'lingerMs' | 'onUndecodable'>

/** One transaction at a time: begin, send and sendOffsets concurrently, commit or abort; an abort waits for both. */
export type LogProducer = Pick<TransactionalProducer, 'sendOffsets' | 'commit' | 'abort' | 'close'> & {
  begin(): void | Promise<void>
  /** Resolves with the place of each record on the log, in the order given; an offset is -1 if it is not known. */
  send(records: readonly RecordToSend[]): Promise<readonly PartitionOffset[]>
  /** Whether the transaction surely did not commit and this producer may abort it and continue. */
  mayAbort(error: unknown): boolean
}

/** Reads assigned partitions; `poll` rejects with STREAMS_INPUT_GAP if a position lies outside the log. */
export type LogReader = Pick<Reader, 'assign' | 'pause' | 'resume' | 'close'> & {
  /** The records that have arrived; resolves within a second, also without records. */
  poll(): Promise<readonly FetchedRecords[]>
}

type MemberOptions = Pick<
  GroupOptions,
  | 'groupId'
  | 'instanceId'
  | 'topics'
  | 'sessionTimeoutMs'
  | 'rebalanceTimeoutMs'
  | 'standbyReplicas'
  | 'onRevoked'
  | 'onAssigned'
  | 'onLost'
>

/** The member keeps its partitions until `onRevoked` resolves; only then it joins the next generation. */
export type LogGroupOptions = Required<MemberOptions> & {
  /** The membership ended for good: another process has this instance id, or a callback failed. */
  onFailed(error: unknown): void
}

export type LogGroup = { close(options: { leave: boolean }): Promise<void> }
