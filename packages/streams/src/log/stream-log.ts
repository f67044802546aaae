/**
 * All that the runtime asks of a log, so that it can also run on a simulated one whose faults a test chooses. The real one
 * is `kafkaLog`. What it takes over from the client as it is has the client's types. Offsets are looked up by `keyOf(topicPartition)`.
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
  /** The id of each topic that exists: another one, if it was deleted and made anew. */
  topicIds(topics: readonly string[]): Promise<Map<string, string>>
  /** The log start, the end, or the end of what is committed (the last stable offset). */
  offsets(partitions: readonly TopicPartition[], which: 'start' | 'end' | 'stable-end'): Promise<Map<string, number>>
  /** With `requireStable` the answer waits until no open transaction holds an offset of these partitions. */
  committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: { requireStable: boolean },
  ): Promise<CommittedOffset[]>
  /**
   * Restates offsets in the name of a member, outside of any transaction.
   * @returns false if the member is not, or not any more, of the group's present generation: then nothing was committed
   */
  claim(metadata: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<boolean>
  /** The instance ids of the group's present members. */
  liveInstances(groupId: string): Promise<Set<string>>
  /** Aborts whatever a dead writer left open, and fences it. */
  endTransactionOf(transactionalId: string): Promise<void>
  /** Moves the start of each partition up to `beforeOffset`. Doing it again, or for less, changes nothing. */
  deleteRecords(...args: Parameters<Admin['deleteRecords']>): Promise<unknown>
  openProducer(options: { transactionalId: string; timeoutMs: number }): Promise<LogProducer>
  /**
   * Reads what is committed. `maxBytes` bounds, roughly, what it holds at a time; records that are `lent` may be used until
   * the next poll, and have no headers. Batches that cannot be decoded end it, unless `onUndecodable` says otherwise.
   */
  openReader(options?: LogReaderOptions): LogReader
  joinGroup(options: LogGroupOptions): LogGroup
}

export type LogReaderOptions = Pick<ReaderOptions, 'maxBytes' | 'lent' | 'lingerMs' | 'onUndecodable'>

/** One transaction at a time: begin, send and sendOffsets side by side, commit or abort; an abort waits for both. */
export type LogProducer = Pick<TransactionalProducer, 'sendOffsets' | 'commit' | 'abort' | 'close'> & {
  begin(): void | Promise<void>
  /** Resolves with where the log put each record, in the order given; an offset is -1 if it cannot tell. */
  send(records: readonly RecordToSend[]): Promise<readonly PartitionOffset[]>
  /** Whether the transaction surely did not commit and this producer may abort it and go on. */
  mayAbort(error: unknown): boolean
}

/** Of partitions that are assigned; `poll` rejects when a position lies outside the log, with STREAMS_INPUT_GAP. */
export type LogReader = Pick<Reader, 'assign' | 'pause' | 'resume' | 'close'> & {
  /** What has come, at the latest after a second. */
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
