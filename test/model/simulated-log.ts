/**
 * The log as one topology of one process sees it: `StreamLog`, where every call waits at the points of the scheduler.
 */
import {
  BrokerError,
  type CommittedOffset,
  type GroupMetadata,
  KafkaError,
  type TopicPartition,
} from '@streampay/kafka'
import type { LogGroupOptions, LogProducer, LogReader, StreamLog } from '../../packages/streams/src/log/stream-log.ts'
import type { Cluster } from './cluster.ts'
import type { App, Point } from './faults.ts'
import { joinSimulatedGroup, type SimulatedMember } from './group-member.ts'
import type { CallOptions, SimulatedProcess } from './simulated-process.ts'
import { SimulatedProducer } from './simulated-producer.ts'
import { SimulatedReader } from './simulated-reader.ts'

/** How long committed offsets may be unstable before the client gives up. */
const unstableMs = 30_000
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
