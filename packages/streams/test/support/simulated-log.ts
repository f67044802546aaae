/**
 * A log in memory for unit tests, on real timers: its content is a stored-log.ts, with every marker written as soon as a transaction is
 * decided. Markers of chosen partitions can be delayed, and a process can be killed: none of its calls returns any more. The model of the
 * whole system (test/model) has a stricter one, where a seed decides every step.
 */
import {
  AbortableError,
  type CommittedOffset,
  type FetchedRecords,
  type GroupMetadata,
  keyOf,
  OffsetOutOfRangeError,
  type ReceivedRecord,
  type RecordToSend,
  type TopicPartition,
} from '@streampay/kafka'
import type { LogGroupOptions, LogProducer, LogReader, LogReaderOptions, StreamLog } from '../../src/log/stream-log.ts'
import { type Member, SimulatedGroups } from './simulated-groups.ts'
import { offsetsOf, StoredLog, type Transaction } from './stored-log.ts'

/** The partition to which the offsets of the bank's group are written. */
export const offsetsPartition: TopicPartition = offsetsOf('bank')

const never = new Promise<never>(() => undefined)
const pollMs = 20

export class SimulatedLog {
  readonly stored: StoredLog
  readonly groups: SimulatedGroups
  readonly #heldMarkers = new Set<string>()
  #changed = Promise.withResolvers<void>()
  /** The transactional ids that a process ended on behalf of a dead member. */
  readonly ended: string[] = []

  constructor(topics: readonly string[], partitionCount: number) {
    this.stored = new StoredLog({ topics, partitionCount })
    this.groups = new SimulatedGroups(partitionCount)
  }

  get partitionCount(): number {
    return this.stored.partitionCount
  }

  /** Writes outside of any transaction, as a plain producer would. */
  write(record: RecordToSend): ReceivedRecord {
    return this.append(record)
  }

  append(record: RecordToSend, transaction?: Transaction): ReceivedRecord {
    const received = this.stored.append(record, transaction)
    this.#ring()
    return received
  }

  /** Commit markers of this partition are not written until it is released; everything else continues. */
  holdMarkers(partition: TopicPartition): void {
    this.#heldMarkers.add(keyOf(partition))
  }

  releaseMarkers(partition: TopicPartition): void {
    this.#heldMarkers.delete(keyOf(partition))
    for (const transaction of [...this.stored.unfinished]) this.#writeMarkers(transaction)
  }

  /** An open transaction without a producer pins the partition from here on: readers get no further. */
  stall(at: TopicPartition): void {
    this.stored.partition(at).enrol(this.transactionOf('stalled'))
  }

  /** As compaction does in the end: no record of the key is left. */
  compactAway(at: TopicPartition, key: string): void {
    for (const entry of this.stored.partition(at).entries) {
      if (entry.record?.key?.toString() === key) entry.compacted = true
    }
  }

  /** Records before the offset are removed, even if they are still needed. */
  cutOff(at: TopicPartition, offset: number): void {
    this.stored.partition(at).logStart = offset
  }

  committed(topic: string): ReceivedRecord[] {
    return this.stored.committed(topic)
  }

  committedOffset(groupId: string, at: TopicPartition): CommittedOffset | undefined {
    return this.stored.committedOffset(groupId, at)
  }

  overwriteOffset(groupId: string, offset: CommittedOffset): void {
    this.stored.commitOffset(groupId, offset)
  }

  forgetOffsets(groupId: string): void {
    this.stored.forgetOffsets(groupId)
  }

  /** Transactions that are neither committed nor aborted. */
  get ongoing(): number {
    return [...this.stored.openTransactions].length
  }

  process(): SimulatedProcess {
    return new SimulatedProcess(this)
  }

  /** Resolves at the next change of anything. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  start(at: TopicPartition): number {
    return this.stored.partition(at).logStart
  }

  end(at: TopicPartition): number {
    return this.stored.partition(at).end
  }

  stableEnd(at: TopicPartition): number {
    return this.stored.partition(at).stableEnd
  }

  fetch(at: TopicPartition, position: number): FetchedRecords {
    return this.stored.fetch(at, position)
  }

  deleteRecords(records: ReadonlyArray<TopicPartition & { beforeOffset: number }>): void {
    this.stored.deleteRecords(records)
    this.#ring()
  }

  fence(transactionalId: string): number {
    const epoch = this.stored.bumpEpoch(transactionalId)
    this.endTransaction(transactionalId, 'aborted')
    return epoch
  }

  checkEpoch(transactionalId: string, epoch: number): void {
    this.stored.checkEpoch(transactionalId, epoch)
  }

  transactionOf(transactionalId: string): Transaction {
    return this.stored.openTransaction(transactionalId) ?? this.stored.begin(transactionalId)
  }

  endTransaction(transactionalId: string, state: 'committed' | 'aborted'): void {
    const transaction = this.stored.openTransaction(transactionalId)
    if (transaction === undefined) return
    this.stored.decide(transaction, state)
    this.#writeMarkers(transaction)
  }

  async stableOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): Promise<CommittedOffset[]> {
    while (requireStable && this.stored.isUnstable(groupId, partitions)) await this.changed
    return this.stored.committedOffsets(groupId, partitions)
  }

  #writeMarkers(transaction: Transaction): void {
    for (const at of [...transaction.unmarked]) {
      if (!this.#heldMarkers.has(at)) this.stored.writeMarker(transaction, at)
    }
    this.#ring()
  }

  #ring(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers<void>()
    resolve()
  }
}

/** One process's view of the log, which can be killed. */
export class SimulatedProcess implements StreamLog {
  dead = false
  #polls = 0
  readonly #polled = new Map<number, () => void>()
  readonly #death = Promise.withResolvers<void>()
  #resumed = Promise.withResolvers<void>()
  readonly #log: SimulatedLog

  constructor(log: SimulatedLog) {
    this.#log = log
    this.resume()
  }

  /** As SIGKILL: no call of this process reaches the log any more, and no error is returned. */
  kill(): Promise<never> {
    this.dead = true
    this.#death.resolve()
    return never
  }

  /** Resolves when readers of this process have read the log `times` more. */
  looked(times: number): Promise<void> {
    return new Promise((resolve) => this.#polled.set(this.#polls + times, resolve))
  }

  get death(): Promise<void> {
    return this.#death.promise
  }

  /** As SIGSTOP and SIGCONT: calls during the pause take effect, and return, only when it continues. */
  pause(): void {
    this.#resumed = Promise.withResolvers<void>()
  }

  resume(): void {
    this.#resumed.resolve()
  }

  async alive<T>(action: () => T | Promise<T>): Promise<T> {
    await this.#resumed.promise
    if (this.dead) return never
    const result = await action()
    await this.#resumed.promise
    return this.dead ? never : result
  }

  partitionCounts = (topics: readonly string[]) =>
    this.alive(() => {
      const known = this.#log.stored.topics
      return new Map(
        topics.filter((topic) => known.has(topic)).map((topic) => [topic, this.#log.partitionCount] as const),
      )
    })

  topicIds = (topics: readonly string[]) =>
    this.alive(() => new Map(topics.map((topic) => [topic, this.#log.stored.topicId(topic)] as const)))

  offsets = (partitions: readonly TopicPartition[], which: 'start' | 'end' | 'stable-end') =>
    this.alive(() => {
      const offset = (at: TopicPartition) => {
        if (which === 'start') return this.#log.start(at)
        return which === 'end' ? this.#log.end(at) : this.#log.stableEnd(at)
      }
      return new Map(partitions.map((at) => [keyOf(at), offset(at)]))
    })

  committed = (groupId: string, partitions: readonly TopicPartition[], options: { requireStable: boolean }) =>
    this.alive(() => this.#log.stableOffsets(groupId, partitions, options.requireStable))

  claim = (metadata: GroupMetadata, offsets: readonly CommittedOffset[]) =>
    this.alive(() => {
      if (!this.#log.groups.isMember(metadata)) return false
      for (const offset of offsets) this.#log.overwriteOffset(metadata.groupId, offset)
      return true
    })

  liveInstances = (groupId: string) => this.alive(() => this.#log.groups.liveInstances(groupId))

  endTransactionOf = (transactionalId: string) =>
    this.alive(() => {
      this.#log.ended.push(transactionalId)
      this.#log.fence(transactionalId)
    })

  deleteRecords = (records: ReadonlyArray<TopicPartition & { beforeOffset: number }>) =>
    this.alive(() => this.#log.deleteRecords(records))

  openProducer = ({ transactionalId }: { transactionalId: string }) =>
    this.alive((): LogProducer => {
      const log = this.#log
      const epoch = log.fence(transactionalId)
      const checked = <T>(action: () => T) =>
        this.alive(() => {
          log.checkEpoch(transactionalId, epoch)
          return action()
        })
      return {
        begin: () => undefined,
        send: (records) =>
          checked(() => records.map((record) => log.append(record, log.transactionOf(transactionalId)))),
        sendOffsets: (metadata, offsets) =>
          checked(() => {
            log.groups.checkMember(metadata)
            log.stored.addOffsets(log.transactionOf(transactionalId), metadata.groupId, offsets)
          }),
        commit: () => checked(() => log.endTransaction(transactionalId, 'committed')),
        abort: () => checked(() => log.endTransaction(transactionalId, 'aborted')),
        mayAbort: (error) => error instanceof AbortableError,
        close: async () => undefined,
      }
    })

  openReader({ lent = false }: Pick<LogReaderOptions, 'lent' | 'lingerMs'> = {}): LogReader {
    const log = this.#log
    let positions = new Map<string, TopicPartition & { offset: number }>()
    const paused = new Set<string>()
    let closed = false
    const fetchAll = () => {
      const fetched: FetchedRecords[] = []
      for (const [key, at] of positions) {
        if (paused.has(key)) continue
        const earliest = log.start(at)
        if (at.offset < earliest) throw new OffsetOutOfRangeError({ ...at, earliest, latest: log.end(at) })
        const one = log.fetch(at, at.offset)
        if (one.position === at.offset) continue
        at.offset = one.position
        // Lent records come without headers, as the client's do.
        const records = lent ? one.records.map((record) => ({ ...record, headers: [] })) : one.records
        fetched.push({ ...one, records })
      }
      return fetched
    }
    return {
      assign: (list) => {
        positions = new Map(list.map((at) => [keyOf(at), { ...at }]))
      },
      pause: (list) => list.forEach((at) => void paused.add(keyOf(at))),
      resume: (list) => list.forEach((at) => void paused.delete(keyOf(at))),
      poll: () =>
        this.alive(async () => {
          this.#polled.get(++this.#polls)?.()
          const fetched = fetchAll()
          if (fetched.length > 0) return fetched
          const timer = Promise.withResolvers<void>()
          const timeout = setTimeout(timer.resolve, pollMs)
          await Promise.race([log.changed, timer.promise])
          clearTimeout(timeout)
          return closed ? [] : fetchAll()
        }),
      close: async () => {
        closed = true
      },
    }
  }

  joinGroup(options: LogGroupOptions) {
    const member: Member = { options, process: this, tasks: [], memberId: '' }
    this.#log.groups.join(member).catch((error: unknown) => options.onFailed(error))
    return { close: ({ leave }: { leave: boolean }) => this.alive(() => this.#log.groups.leave(member, leave)) }
  }
}
