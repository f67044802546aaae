/**
 * The content of a log, for the simulated ones: partitions with commit markers between the records, last stable
 * offsets, transactions in two phases (decided first, then a marker for each partition, in any order), producer epochs,
 * and the offsets of groups. It has no time and no waiting: its user decides when each marker is written. Written from
 * the protocol's rules (KIP-98, KIP-360, KIP-447).
 */
import {
  type CommittedOffset,
  FencedError,
  type FetchedRecords,
  keyOf,
  partitionForKey,
  type ReceivedRecord,
  type RecordToSend,
  type TopicPartition,
} from '@streampay/kafka'

export type Transaction = {
  readonly transactionalId: string
  readonly epoch: number
  state: 'open' | 'committed' | 'aborted'
  /** The partitions without a marker yet, by `keyOf`. */
  readonly unmarked: Set<string>
  /** Offsets that become the groups' own with the marker, by group; of a partition only the last counts. */
  readonly offsets: Map<string, PendingOffset[]>
}
type PendingOffset = { readonly offset: CommittedOffset; readonly order: number }

/** Without a record: a control batch. */
export type Entry = {
  readonly record?: ReceivedRecord
  readonly transaction?: Transaction
  /** Removed by compaction: readers don't see it any more. */
  compacted?: boolean
  /** For a tombstone that compaction has read: it is kept until then. */
  keptUntil?: number
}

export class StoredPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly entries: Entry[] = []
  /** Records before this offset were deleted. */
  logStart = 0
  /** The end of what is decided and marked. */
  stableEnd = 0
  /** The first offset of each transaction that has no marker here yet, in the order of their offsets. */
  readonly #firsts = new Map<Transaction, number>()

  constructor(at: TopicPartition) {
    this.topic = at.topic
    this.partition = at.partition
    this.key = keyOf(at)
  }

  get end(): number {
    return this.entries.length
  }

  /** From this offset on the transaction pins the last stable offset. */
  enrol(transaction: Transaction): void {
    if (!this.#firsts.has(transaction)) this.#firsts.set(transaction, this.end)
    transaction.unmarked.add(this.key)
  }

  push(entry: Entry): void {
    this.entries.push(entry)
    this.#settle()
  }

  mark(transaction: Transaction): void {
    this.entries.push({ transaction })
    this.#firsts.delete(transaction)
    this.#settle()
  }

  /** Keeps the newest record of each key, and a tombstone only for this long after it was first read. */
  compact({ now, deleteRetentionMs }: { readonly now: number; readonly deleteRetentionMs: number }): void {
    const newest = new Map<string, Entry>()
    for (const entry of this.entries.slice(0, this.stableEnd)) {
      const { record, transaction } = entry
      if (record === undefined || transaction?.state === 'aborted' || entry.compacted === true) continue
      const key = record.key?.toString('utf8') ?? ''
      const older = newest.get(key)
      if (older !== undefined) older.compacted = true
      newest.set(key, entry)
    }
    for (const entry of newest.values()) {
      if (entry.record?.value !== null) continue
      entry.keptUntil ??= now + deleteRetentionMs
      if (entry.keptUntil <= now) entry.compacted = true
    }
  }

  #settle(): void {
    const [first] = this.#firsts.values()
    this.stableEnd = first ?? this.end
  }
}

/** The partition to which the offsets of a group are written: its marker makes them visible, as for any other. */
export function offsetsOf(groupId: string): TopicPartition {
  return { topic: `__consumer_offsets of ${groupId}`, partition: 0 }
}

export type StoredLogOptions = {
  readonly topics: readonly string[]
  readonly partitionCount: number
  /** The topics whose records get the log's own time instead of the writer's. */
  readonly logAppendTime?: ReadonlySet<string>
  readonly now?: () => number
}

export type FetchOptions = {
  /** The most records; by default all that are stable. */
  readonly limit?: number
  /** Leaves records of aborted transactions out; true by default. */
  readonly filter?: boolean
}

export class StoredLog {
  readonly partitionCount: number
  readonly #topics: ReadonlySet<string>
  readonly #logAppendTime: ReadonlySet<string>
  readonly #now: () => number
  readonly #partitions = new Map<string, StoredPartition>()
  /** How often each topic was made anew. */
  readonly #madeAnew = new Map<string, number>()
  readonly #epochs = new Map<string, number>()
  /** Open ones by transactional id. */
  readonly #open = new Map<string, Transaction>()
  /** Open, or decided without all their markers. */
  readonly unfinished = new Set<Transaction>()
  readonly #offsets = new Map<string, Map<string, PendingOffset>>()
  #order = 0

  constructor({ topics, partitionCount, logAppendTime, now }: StoredLogOptions) {
    this.partitionCount = partitionCount
    this.#topics = new Set(topics)
    this.#logAppendTime = logAppendTime ?? new Set()
    this.#now = now ?? (() => 1_000)
  }

  get topics(): ReadonlySet<string> {
    return this.#topics
  }

  topicId(topic: string): string {
    return `${topic} #${this.#madeAnew.get(topic) ?? 0}`
  }

  /** Deletes the topic, and makes it again: it is empty, and has another id. */
  makeAnew(topic: string): void {
    for (const { key } of this.partitionsOf(topic)) this.#partitions.delete(key)
    this.#madeAnew.set(topic, (this.#madeAnew.get(topic) ?? 0) + 1)
  }

  partition(at: TopicPartition): StoredPartition {
    const key = keyOf(at)
    let found = this.#partitions.get(key)
    if (found === undefined) {
      found = new StoredPartition(at)
      this.#partitions.set(key, found)
    }
    return found
  }

  partitionsOf(topic: string): StoredPartition[] {
    return Array.from({ length: this.partitionCount }, (_, partition) => this.partition({ topic, partition }))
  }

  /** @throws Error if there is no such topic */
  append(record: RecordToSend, transaction?: Transaction): ReceivedRecord {
    const { topic } = record
    if (!this.#topics.has(topic)) throw new Error(`no topic ${topic}`)
    const key = bytesOf(record.key)
    const number = record.partition ?? (key === null ? 0 : partitionForKey(key, this.partitionCount))
    const partition = this.partition({ topic, partition: number })
    const received: ReceivedRecord = {
      topic,
      partition: number,
      offset: partition.end,
      timestamp: this.#logAppendTime.has(topic) ? this.#now() : (record.timestamp ?? this.#now()),
      key,
      value: bytesOf(record.value),
      headers: Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
    }
    if (transaction === undefined) partition.push({ record: received })
    else {
      partition.enrol(transaction)
      partition.push({ record: received, transaction })
    }
    return received
  }

  /** As a read_committed fetch: control batches count in the position. */
  fetch(at: TopicPartition, from: number, { limit = Number.POSITIVE_INFINITY, filter = true }: FetchOptions = {}) {
    const { entries, stableEnd, end, logStart, topic, partition } = this.partition(at)
    const records: ReceivedRecord[] = []
    let position = from
    while (position < stableEnd && records.length < limit) {
      const { record, transaction, compacted } = entries[position] ?? {}
      const isHidden = compacted === true || (filter && transaction?.state === 'aborted')
      if (record !== undefined && !isHidden) records.push(record)
      position++
    }
    const fetched: FetchedRecords = {
      topic,
      partition,
      records,
      position,
      highWatermark: end,
      lastStableOffset: stableEnd,
      logStartOffset: logStart,
    }
    return fetched
  }

  /** All that a read_committed consumer would see of a topic, partition after partition. */
  committed(topic: string): ReceivedRecord[] {
    return this.partitionsOf(topic).flatMap((at) => this.fetch(at, at.logStart).records)
  }

  deleteRecords(records: ReadonlyArray<TopicPartition & { readonly beforeOffset: number }>): void {
    for (const at of records) {
      const partition = this.partition(at)
      if (at.beforeOffset > partition.end) throw new Error(`${partition.key} ends before ${at.beforeOffset}`)
      partition.logStart = Math.max(partition.logStart, at.beforeOffset)
    }
  }

  epochOf(transactionalId: string): number {
    return this.#epochs.get(transactionalId) ?? 0
  }

  /** A new epoch: the previous producer of the id is fenced. */
  bumpEpoch(transactionalId: string): number {
    const epoch = this.epochOf(transactionalId) + 1
    this.#epochs.set(transactionalId, epoch)
    return epoch
  }

  /** @throws FencedError */
  checkEpoch(transactionalId: string, epoch: number): void {
    if (this.epochOf(transactionalId) !== epoch) throw new FencedError(`${transactionalId} was fenced`)
  }

  openTransaction(transactionalId: string): Transaction | undefined {
    return this.#open.get(transactionalId)
  }

  /** Transactions that are neither committed nor aborted. */
  get openTransactions(): Iterable<Transaction> {
    return this.#open.values()
  }

  /** Whether an earlier transaction of the id still lacks markers, so that the next one can not begin. */
  isFinishing(transactionalId: string): boolean {
    for (const transaction of this.unfinished) {
      if (transaction.transactionalId === transactionalId && transaction.state !== 'open') return true
    }
    return false
  }

  begin(transactionalId: string): Transaction {
    const epoch = this.epochOf(transactionalId)
    const begun: Transaction = { transactionalId, epoch, state: 'open', unmarked: new Set(), offsets: new Map() }
    this.#open.set(transactionalId, begun)
    this.unfinished.add(begun)
    return begun
  }

  addOffsets(transaction: Transaction, groupId: string, offsets: readonly CommittedOffset[]): void {
    const pending = transaction.offsets.get(groupId) ?? []
    for (const offset of offsets) pending.push({ offset, order: this.#order++ })
    transaction.offsets.set(groupId, pending)
    this.partition(offsetsOf(groupId)).enrol(transaction)
  }

  /** The first phase: from here on the outcome is decided, though no marker is written. */
  decide(transaction: Transaction, state: 'committed' | 'aborted'): void {
    transaction.state = state
    this.#open.delete(transaction.transactionalId)
    if (transaction.unmarked.size === 0) this.unfinished.delete(transaction)
  }

  /** The second phase, for one partition. */
  writeMarker(transaction: Transaction, key: string): void {
    if (transaction.state === 'open' || !transaction.unmarked.delete(key)) return
    for (const [groupId, pending] of transaction.offsets) {
      if (keyOf(offsetsOf(groupId)) !== key || transaction.state === 'aborted') continue
      for (const { offset, order } of pending) this.#setOffset(groupId, offset, order)
    }
    this.#partitions.get(key)?.mark(transaction)
    if (transaction.unmarked.size === 0) this.unfinished.delete(transaction)
  }

  /** Whether a transaction without its marker may still move one of these offsets. */
  isUnstable(groupId: string, partitions: readonly TopicPartition[]): boolean {
    return this.holders(groupId, partitions).length > 0
  }

  /** The transactions that have one of these offsets. */
  holders(groupId: string, partitions: readonly TopicPartition[]): Transaction[] {
    const wanted = new Set(partitions.map(keyOf))
    const key = keyOf(offsetsOf(groupId))
    return [...this.unfinished].filter(
      ({ unmarked, offsets }) =>
        unmarked.has(key) && (offsets.get(groupId) ?? []).some(({ offset }) => wanted.has(keyOf(offset))),
    )
  }

  committedOffset(groupId: string, at: TopicPartition): CommittedOffset | undefined {
    return this.#offsets.get(groupId)?.get(keyOf(at))?.offset
  }

  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): CommittedOffset[] {
    return partitions.map((at) => this.committedOffset(groupId, at) ?? { ...at, offset: -1, metadata: '' })
  }

  /** Outside of any transaction. */
  commitOffset(groupId: string, offset: CommittedOffset): void {
    this.#setOffset(groupId, offset, this.#order++)
  }

  forgetOffsets(groupId: string): void {
    this.#offsets.get(groupId)?.clear()
  }

  /** A marker that comes late does not take back what was committed after its offsets. */
  #setOffset(groupId: string, offset: CommittedOffset, order: number): void {
    const offsets = this.#offsets.get(groupId) ?? new Map<string, PendingOffset>()
    this.#offsets.set(groupId, offsets)
    const key = keyOf(offset)
    if ((offsets.get(key)?.order ?? -1) < order) offsets.set(key, { offset, order })
  }
}

function bytesOf(data: Buffer | string | null): Buffer | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}
