/**
 * A log in memory that keeps what matters for exactly-once: offsets with commit markers between the records, last stable
 * offsets, producer epochs, transactional offsets, a group with generations. Markers of chosen partitions can be held back,
 * and a process can be killed: none of its calls returns any more. Written for tests, from the protocol's rules.
 */
import {
  AbortableError,
  type CommittedOffset,
  FencedError,
  type FetchedRecords,
  type GroupMetadata,
  OffsetOutOfRangeError,
  partitionForKey,
  type ReceivedRecord,
  type RecordToSend,
  type TopicPartition,
} from '@streampay/kafka'
import { keyOf, type LogGroupOptions, type LogProducer, type LogReader, type StreamLog } from '../../src/stream-log.ts'
import { type Member, SimulatedGroups } from './simulated-groups.ts'

type Transaction = {
  readonly transactionalId: string
  state: 'open' | 'committed' | 'aborted'
  /** First offset in each partition that has no marker yet. */
  readonly unmarked: Map<string, number>
  offsets: readonly CommittedOffset[]
  groupId: string
}
type Entry = { readonly record?: ReceivedRecord; readonly transaction?: Transaction }
/** Where the group's offsets are written: a partition like any other, whose marker makes them visible. */
export const offsetsPartition: TopicPartition = { topic: '__consumer_offsets', partition: 0 }

const never = new Promise<never>(() => undefined)
const pollMs = 20

export class SimulatedLog {
  readonly partitionCount: number
  readonly #topics = new Set<string>()
  readonly #partitions = new Map<string, Entry[]>()
  readonly #epochs = new Map<string, number>()
  readonly #open = new Map<string, Transaction>()
  readonly #unfinished = new Set<Transaction>()
  readonly groups: SimulatedGroups
  readonly #heldMarkers = new Set<string>()
  #changed = Promise.withResolvers<void>()
  /** The transactional ids that somebody ended on behalf of a dead member. */
  readonly ended: string[] = []
  /** Where partitions begin, if not at 0: what lies before was deleted. */
  readonly logStart = new Map<string, number>()

  constructor(topics: readonly string[], partitionCount: number) {
    this.partitionCount = partitionCount
    this.groups = new SimulatedGroups(partitionCount)
    for (const topic of topics) this.#topics.add(topic)
  }

  topics(): Set<string> {
    return this.#topics
  }

  /** Writes outside of any transaction, as a plain producer would. */
  write(record: RecordToSend): ReceivedRecord {
    return this.append(record, undefined)
  }

  /** Commit markers of this partition are not written until it is released; everything else goes on. */
  holdMarkers(partition: TopicPartition): void {
    this.#heldMarkers.add(keyOf(partition))
  }

  releaseMarkers(partition: TopicPartition): void {
    this.#heldMarkers.delete(keyOf(partition))
    for (const transaction of this.#unfinished) this.#writeMarkers(transaction)
  }

  /** An open transaction of nobody's pins the partition from here on: readers get no further. */
  stall(at: TopicPartition): void {
    this.transactionOf('stalled').unmarked.set(keyOf(at), this.end(at))
  }

  /** As compaction does in the end: nothing tells any more that the key ever was there. */
  compactAway(at: TopicPartition, key: string): void {
    const entries = this.#entries(at)
    for (const [offset, { record }] of entries.entries()) {
      if (record?.key?.toString() === key) entries[offset] = {}
    }
  }

  /** All that a read_committed consumer would see of a topic, partition after partition. */
  committed(topic: string): ReceivedRecord[] {
    const all: ReceivedRecord[] = []
    for (let partition = 0; partition < this.partitionCount; partition++) {
      all.push(...this.fetch({ topic, partition }, 0).records)
    }
    return all
  }

  committedOffset(groupId: string, at: TopicPartition): CommittedOffset | undefined {
    return this.groups.offsets(groupId).get(keyOf(at))
  }

  overwriteOffset(groupId: string, offset: CommittedOffset): void {
    this.groups.offsets(groupId).set(keyOf(offset), offset)
  }

  /** Transactions that are neither committed nor aborted. */
  get ongoing(): number {
    return this.#open.size
  }

  forgetOffsets(groupId: string): void {
    this.groups.offsets(groupId).clear()
  }

  process(): SimulatedProcess {
    return new SimulatedProcess(this)
  }

  /** Resolves at the next change of anything. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  end(at: TopicPartition): number {
    return this.#entries(at).length
  }

  stableEnd(at: TopicPartition): number {
    const firsts = [...this.#unfinished].map((transaction) => transaction.unmarked.get(keyOf(at)))
    return Math.min(this.end(at), ...firsts.filter((offset) => offset !== undefined))
  }

  fetch(at: TopicPartition, position: number): FetchedRecords {
    const stable = this.stableEnd(at)
    const records: ReceivedRecord[] = []
    for (const { record, transaction } of this.#entries(at).slice(position, stable)) {
      if (record !== undefined && transaction?.state !== 'aborted') records.push(record)
    }
    const { topic, partition } = at
    const highWatermark = this.end(at)
    const next = Math.max(position, stable)
    return { topic, partition, records, position: next, highWatermark, lastStableOffset: stable, logStartOffset: 0 }
  }

  append(record: RecordToSend, transaction: Transaction | undefined): ReceivedRecord {
    if (!this.#topics.has(record.topic)) throw new Error(`no topic ${record.topic}`)
    const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
    const partition = record.partition ?? (key === null ? 0 : partitionForKey(key, this.partitionCount))
    const entries = this.#entries({ topic: record.topic, partition })
    const received: ReceivedRecord = {
      topic: record.topic,
      partition,
      offset: entries.length,
      timestamp: record.timestamp ?? 1_000,
      key,
      value: typeof record.value === 'string' ? Buffer.from(record.value) : record.value,
      headers: Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
    }
    const at = keyOf(received)
    if (transaction !== undefined && !transaction.unmarked.has(at)) transaction.unmarked.set(at, entries.length)
    entries.push({ record: received, ...(transaction && { transaction }) })
    this.#ring()
    return received
  }

  deleteRecords(records: ReadonlyArray<TopicPartition & { beforeOffset: number }>): void {
    for (const at of records) {
      if (at.beforeOffset > this.end(at)) throw new Error(`${keyOf(at)} ends before ${at.beforeOffset}`)
      this.logStart.set(keyOf(at), Math.max(this.logStart.get(keyOf(at)) ?? 0, at.beforeOffset))
    }
    this.#ring()
  }

  fence(transactionalId: string): number {
    const epoch = (this.#epochs.get(transactionalId) ?? 0) + 1
    this.#epochs.set(transactionalId, epoch)
    this.endTransaction(transactionalId, 'aborted')
    return epoch
  }

  checkEpoch(transactionalId: string, epoch: number): void {
    if (this.#epochs.get(transactionalId) !== epoch) throw new FencedError(`${transactionalId} was fenced`)
  }

  transactionOf(transactionalId: string): Transaction {
    const open = this.#open.get(transactionalId)
    if (open !== undefined) return open
    const begun: Transaction = { transactionalId, state: 'open', unmarked: new Map(), offsets: [], groupId: '' }
    this.#open.set(transactionalId, begun)
    this.#unfinished.add(begun)
    return begun
  }

  endTransaction(transactionalId: string, state: 'committed' | 'aborted'): void {
    const transaction = this.#open.get(transactionalId)
    if (transaction === undefined) return
    this.#open.delete(transactionalId)
    transaction.state = state
    this.#writeMarkers(transaction)
  }

  async stableOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): Promise<CommittedOffset[]> {
    const wanted = new Set(partitions.map(keyOf))
    const pending = () =>
      [...this.#unfinished].some(
        ({ unmarked, offsets }) => unmarked.has(keyOf(offsetsPartition)) && offsets.some((at) => wanted.has(keyOf(at))),
      )
    while (requireStable && pending()) await this.changed
    const offsets = this.groups.offsets(groupId)
    return partitions.map((at) => offsets.get(keyOf(at)) ?? { ...at, offset: -1, metadata: '' })
  }

  #entries(at: TopicPartition): Entry[] {
    const entries = this.#partitions.get(keyOf(at)) ?? []
    this.#partitions.set(keyOf(at), entries)
    return entries
  }

  #writeMarkers(transaction: Transaction): void {
    if (transaction.state === 'open') return
    for (const at of [...transaction.unmarked.keys()]) {
      if (this.#heldMarkers.has(at)) continue
      transaction.unmarked.delete(at)
      if (at === keyOf(offsetsPartition) && transaction.state === 'committed') {
        const offsets = this.groups.offsets(transaction.groupId)
        for (const offset of transaction.offsets) offsets.set(keyOf(offset), offset)
      }
      this.#partitions.get(at)?.push({})
    }
    if (transaction.unmarked.size === 0) this.#unfinished.delete(transaction)
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

  /** As SIGKILL: nothing that this process does reaches the log any more, and nobody is told. */
  kill(): Promise<never> {
    this.dead = true
    this.#death.resolve()
    return never
  }

  /** Resolves when readers of this process have looked at the log `times` more. */
  looked(times: number): Promise<void> {
    return new Promise((resolve) => this.#polled.set(this.#polls + times, resolve))
  }

  get death(): Promise<void> {
    return this.#death.promise
  }

  /** As SIGSTOP and SIGCONT: what it calls meanwhile happens, and returns, only when it goes on. */
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
      const known = this.#log.topics()
      return new Map(
        topics.filter((topic) => known.has(topic)).map((topic) => [topic, this.#log.partitionCount] as const),
      )
    })

  offsets = (partitions: readonly TopicPartition[], which: 'start' | 'end' | 'stable-end') =>
    this.alive(() => {
      const offset = (at: TopicPartition) => {
        if (which === 'start') return this.#log.logStart.get(keyOf(at)) ?? 0
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
            const transaction = log.transactionOf(transactionalId)
            transaction.groupId = metadata.groupId
            transaction.offsets = offsets
            transaction.unmarked.set(keyOf(offsetsPartition), 0)
          }),
        commit: () => checked(() => log.endTransaction(transactionalId, 'committed')),
        abort: () => checked(() => log.endTransaction(transactionalId, 'aborted')),
        mayAbort: (error) => error instanceof AbortableError,
        close: async () => undefined,
      }
    })

  openReader(): LogReader {
    const log = this.#log
    let positions = new Map<string, TopicPartition & { offset: number }>()
    const paused = new Set<string>()
    let closed = false
    const fetchAll = () => {
      const fetched: FetchedRecords[] = []
      for (const [key, at] of positions) {
        if (paused.has(key)) continue
        const earliest = log.logStart.get(key) ?? 0
        if (at.offset < earliest) throw new OffsetOutOfRangeError({ ...at, earliest, latest: log.end(at) })
        const one = log.fetch(at, at.offset)
        if (one.position === at.offset) continue
        at.offset = one.position
        fetched.push(one)
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
