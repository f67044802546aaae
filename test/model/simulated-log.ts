/**
 * The log as one topology of one process sees it: `StreamLog`, where every call waits at the points of the scheduler.
 */
import {
  AbortableError,
  BrokerError,
  type CommittedOffset,
  FencedError,
  type FetchedRecords,
  type GroupMetadata,
  KafkaError,
  keyOf,
  type ReceivedRecord,
  type RecordToSend,
  type TopicPartition,
} from '@streampay/kafka'
import { StreamsError } from '../../packages/streams/src/errors.ts'
import type { LogGroupOptions, LogProducer, LogReader, StreamLog } from '../../packages/streams/src/log/stream-log.ts'
import type { StoredPartition, Transaction } from '../../packages/streams/test/support/stored-log.ts'
import { type Cluster, type Input, over, tasksOf } from './cluster.ts'
import type { App, Point } from './faults.ts'
import { joinSimulatedGroup, type SimulatedMember } from './group-member.ts'
import type { CallOptions, SimulatedProcess } from './simulated-process.ts'

/** How long a read waits for something new. */
const pollMs = 500
/** How long committed offsets may be unstable before the client gives up. */
const unstableMs = 30_000
const mostFetched = [1, 2, 3, 8, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]

/** The log's answer to a member whose generation is over. */
const outOfGeneration = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'])

export class SimulatedLog implements StreamLog {
  readonly #process: SimulatedProcess
  readonly #app: App
  readonly #cluster: Cluster
  #member: SimulatedMember | undefined
  /** The members that were alive when the group was asked last. */
  #toldLive: ReadonlySet<string> = new Set()
  #stopWaiting: () => void = () => undefined

  constructor(process: SimulatedProcess, app: App) {
    this.#process = process
    this.#app = app
    this.#cluster = process.cluster
  }

  partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    return this.#call('partitionCounts', () => {
      const { topics: known, partitionCount } = this.#cluster.stored
      return new Map(topics.filter((topic) => known.has(topic)).map((topic) => [topic, partitionCount] as const))
    })
  }

  topicIds(topics: readonly string[]): Promise<Map<string, string>> {
    return this.#call('topicIds', () => new Map(topics.map((topic) => [topic, this.#cluster.stored.topicId(topic)])))
  }

  offsets(partitions: readonly TopicPartition[], which: 'start' | 'end' | 'stable-end'): Promise<Map<string, number>> {
    return this.#call('offsets', () => {
      const found = partitions.map((at) => this.#cluster.stored.partition(at))
      const offset = { start: 'logStart', end: 'end', 'stable-end': 'stableEnd' } as const
      return new Map(found.map((partition) => [partition.key, partition[offset[which]]]))
    })
  }

  async committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    { requireStable }: { requireStable: boolean },
  ): Promise<CommittedOffset[]> {
    const { stored, scheduler } = this.#cluster
    const read = () => stored.committedOffsets(groupId, partitions)
    if (!requireStable) return await this.#call('committed', read)
    const isWaiting = () => !this.#process.over && !this.#process.actor.frozen
    const done = this.#cluster.waitForStable({ groupId, partitions, isWaiting })
    this.#stopWaiting = done
    const stable = () => !stored.isUnstable(groupId, partitions)
    const readStable = () => {
      if (!stable()) throw new KafkaError('KAFKA_TIMEOUT', `the offsets of ${groupId} did not become stable`)
      return read()
    }
    try {
      return await this.#call('committed', readStable, { ready: stable, dueAt: scheduler.elapsed + unstableMs })
    } finally {
      done()
    }
  }

  claim(metadata: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<boolean> {
    return this.#call('claim', () => {
      try {
        this.#cluster.group(metadata.groupId).checkOffsets(metadata)
      } catch (error) {
        if (error instanceof BrokerError && outOfGeneration.has(error.brokerError)) return false
        throw error
      }
      for (const offset of offsets) this.#cluster.stored.commitOffset(metadata.groupId, offset)
      this.#process.work[this.#app].claim(new Set(offsets.map(({ partition }) => partition)))
      return true
    })
  }

  liveInstances(groupId: string): Promise<Set<string>> {
    return this.#call('liveInstances', () => {
      const { instances } = this.#cluster.group(groupId)
      this.#toldLive = instances
      return instances
    })
  }

  async endTransactionOf(transactionalId: string): Promise<void> {
    if (this.#toldLive.has(transactionalId)) {
      this.#cluster.faults.push(
        `${this.#process.name} ends the transaction of ${transactionalId}, which it knew to be alive`,
      )
    }
    await this.#takeOver('endTransactionOf', transactionalId)
  }

  deleteRecords(records: ReadonlyArray<TopicPartition & { readonly beforeOffset: number }>): Promise<void> {
    return this.#call('deleteRecords', () => this.#cluster.stored.deleteRecords(records))
  }

  async openProducer(options: { transactionalId: string; timeoutMs: number }): Promise<LogProducer> {
    const epoch = await this.#takeOver('openProducer', options.transactionalId)
    return new SimulatedProducer({ process: this.#process, app: this.#app, epoch, ...options })
  }

  openReader({ lent = false }: { lent?: boolean } = {}): LogReader {
    return new SimulatedReader(this.#process, this.#app, lent)
  }

  joinGroup(options: LogGroupOptions): SimulatedMember {
    const member = joinSimulatedGroup(this.#process, this.#app, { ...options, onJoining: () => this.#stopWaiting() })
    this.#member = member
    return member
  }

  /** Whether other processes may have taken this process's tasks without its knowledge. */
  get isStale(): boolean {
    return this.#member?.isCurrent === false
  }

  /** InitProducerId: waits until no earlier transaction is open, and no marker is missing. */
  async #takeOver(point: Point, transactionalId: string): Promise<number> {
    const { stored } = this.#cluster
    const { name } = this.#process
    await this.#call(point, () => this.#cluster.abandon(transactionalId, name))
    const finished = () => !stored.isFinishing(transactionalId)
    const bump = () => {
      this.#cluster.abandon(transactionalId, name)
      return this.#cluster.bumpEpoch(transactionalId, name)
    }
    return await this.#call(point, bump, { ready: finished })
  }

  #call<T>(point: Point, effect: () => T, options?: CallOptions): Promise<T> {
    return this.#process.call({ app: this.#app, point }, effect, options)
  }
}

type ProducerOptions = {
  readonly process: SimulatedProcess
  readonly app: App
  readonly transactionalId: string
  readonly epoch: number
  readonly timeoutMs: number
}

class SimulatedProducer implements LogProducer {
  readonly #options: ProducerOptions
  readonly #cluster: Cluster
  #inputs: readonly Input[] = []
  #transaction: Transaction | undefined
  /** Writes whose outcome is not known yet. */
  readonly #writing = new Set<Promise<unknown>>()
  /** Counts aborts: what an aborted transaction had not sent yet is never sent. */
  #aborts = 0

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#cluster = options.process.cluster
  }

  /** Nothing is sent to the log yet. From here on it is known what was processed for this transaction. */
  begin(): void {
    const { process, app } = this.#options
    this.#inputs = process.work[app].begin()
    this.#transaction = undefined
  }

  /** In one or several requests, between which other steps may run. */
  async send(records: RecordToSend[]): Promise<ReceivedRecord[]> {
    const { transactionalId } = this.#options
    const ready = () => !this.#cluster.stored.isFinishing(transactionalId)
    const places = new Map<RecordToSend, ReceivedRecord>()
    const aborts = this.#aborts
    for (const part of this.#parts(records)) {
      if (this.#aborts !== aborts) throw new AbortableError('the transaction was aborted')
      const append = () => {
        const transaction = this.#open()
        for (const record of part) places.set(record, this.#cluster.stored.append(record, transaction))
      }
      await this.#write('send', append, ready)
    }
    return records.map((record) => places.get(record)).filter((place) => place !== undefined)
  }

  async sendOffsets(metadata: GroupMetadata, offsets: CommittedOffset[]): Promise<void> {
    const { transactionalId } = this.#options
    const ready = () => !this.#cluster.stored.isFinishing(transactionalId)
    const add = () => {
      const transaction = this.#open()
      if (this.#cluster.duties.membership) this.#checkMember(metadata)
      this.#cluster.stored.addOffsets(transaction, metadata.groupId, offsets)
    }
    await this.#write('sendOffsets', add, ready)
  }

  async commit(): Promise<void> {
    await this.#call('commit', () => {
      if (this.#transaction === undefined) return
      const transaction = this.#open()
      this.#cluster.decide(transaction, 'committed')
      const { process, app } = this.#options
      process.work[app].committed(this.#inputs, tasksOf(transaction))
    })
  }

  async abort(): Promise<void> {
    this.#aborts++
    await Promise.allSettled(this.#writing)
    await this.#call('abort', () => {
      this.#check()
      if (this.#transaction?.state === 'open') this.#cluster.decide(this.#transaction, 'aborted')
    })
  }

  mayAbort(error: unknown): boolean {
    return error instanceof AbortableError
  }

  /** Only connections end: an open transaction stays open. */
  close(): Promise<void> {
    return this.#call('close', () => undefined)
  }

  #check(): void {
    this.#cluster.checkEpoch(this.#options.transactionalId, this.#options.epoch)
  }

  /** This producer's transaction, begun if this is its first request. @throws FencedError */
  #open(): Transaction {
    this.#check()
    if (this.#transaction?.state === 'open') return this.#transaction
    const { process, app, transactionalId, timeoutMs } = this.#options
    if (this.#transaction !== undefined && this.#cluster.duties.fencing) throw over(transactionalId)
    const owner = { process: process.name, app, inputs: this.#inputs, tasks: process.work[app].tasks, timeoutMs }
    this.#transaction = this.#cluster.begin(transactionalId, owner)
    return this.#transaction
  }

  #checkMember(metadata: GroupMetadata): void {
    try {
      this.#cluster.group(metadata.groupId).checkOffsets(metadata)
    } catch (error) {
      const isFenced = error instanceof BrokerError && error.brokerError === 'FENCED_INSTANCE_ID'
      const Refusal = isFenced ? FencedError : AbortableError
      throw new Refusal(`the offsets of ${metadata.groupId} were refused`, error)
    }
  }

  #parts(records: RecordToSend[]): RecordToSend[][] {
    const { random } = this.#cluster
    if (!random.chance(0.25)) return [records]
    // Writes to one partition stay in order.
    const byTopic = [...Map.groupBy(records, ({ topic }) => topic).values()]
    const cut = random.below(byTopic.length + 1)
    return [byTopic.slice(0, cut).flat(), byTopic.slice(cut).flat()].filter((part) => part.length > 0)
  }

  async #write(point: Point, effect: () => void, ready: () => boolean): Promise<void> {
    const written = this.#call(point, effect, { ready })
    this.#writing.add(written)
    try {
      await written
    } finally {
      this.#writing.delete(written)
    }
  }

  #call<T>(point: Point, effect: () => T, options?: CallOptions): Promise<T> {
    return this.#options.process.call({ app: this.#options.app, point }, effect, options)
  }
}

type Place = { readonly stored: StoredPartition; offset: number; paused: boolean }

class SimulatedReader implements LogReader {
  readonly #process: SimulatedProcess
  readonly #app: App
  readonly #cluster: Cluster
  readonly #isLent: boolean
  /** The records that were returned last, if they are only lent. */
  #lent: ReceivedRecord[] = []
  #places = new Map<string, Place>()
  #closed = false

  constructor(process: SimulatedProcess, app: App, isLent: boolean) {
    this.#process = process
    this.#app = app
    this.#isLent = isLent
    this.#cluster = process.cluster
  }

  assign(positions: ReadonlyArray<TopicPartition & { offset: number }>): void {
    const placed = positions.map(
      (at) => [keyOf(at), { stored: this.#cluster.stored.partition(at), offset: at.offset, paused: false }] as const,
    )
    this.#places = new Map(placed)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#set(partitions, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#set(partitions, false)
  }

  async poll(): Promise<readonly FetchedRecords[]> {
    const dueAt = this.#cluster.scheduler.elapsed + pollMs
    const wire = { app: this.#app, point: 'poll' } as const
    this.#takeBack()
    const fetched = await this.#process.call(wire, () => this.#fetch(), { ready: () => this.#hasNews(), dueAt })
    if (this.#closed) return []
    return this.#isLent ? fetched.map((one) => this.#lend(one)) : fetched
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#takeBack()
    await this.#process.call({ app: this.#app, point: 'close' }, () => undefined)
  }

  #lend(fetched: FetchedRecords): FetchedRecords {
    const copy = (bytes: Buffer | null) => (bytes === null ? null : Buffer.from(bytes))
    const records = fetched.records.map((record) => {
      return { ...record, key: copy(record.key), value: copy(record.value), headers: [] }
    })
    this.#lent.push(...records)
    return { ...fetched, records }
  }

  /** Overwrites lent records: a reader that kept them finds rubbish. */
  #takeBack(): void {
    for (const { key, value } of this.#lent) {
      key?.fill('?')
      value?.fill('?')
    }
    this.#lent = []
  }

  #set(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const at of partitions) {
      const place = this.#places.get(keyOf(at))
      if (place !== undefined) place.paused = paused
    }
  }

  #hasNews(): boolean {
    if (this.#closed) return true
    for (const { stored, offset, paused } of this.#places.values()) {
      if (!paused && (offset < stored.stableEnd || offset < stored.logStart)) return true
    }
    return false
  }

  #fetch(): FetchedRecords[] {
    const { random, stored, duties } = this.#cluster
    const fetched: FetchedRecords[] = []
    if (this.#closed) return fetched
    for (const [key, place] of this.#places) {
      const { stored: partition, offset, paused } = place
      if (paused || offset === partition.stableEnd) continue
      if (offset < partition.logStart || offset > partition.end) {
        throw new StreamsError('STREAMS_INPUT_GAP', `${key}: ${offset} is not in the log`)
      }
      // Brokers answer for some partitions sooner than for others.
      if (random.chance(0.25)) continue
      const one = stored.fetch(partition, offset, { limit: random.pick(mostFetched), filter: duties.filter })
      place.offset = one.position
      if (one.position !== offset) fetched.push(one)
    }
    return fetched
  }
}
