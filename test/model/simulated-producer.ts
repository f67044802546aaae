/** One producer of a simulated process: every call waits at a point of the scheduler, and may fail there. */
import {
  AbortableError,
  BrokerError,
  type CommittedOffset,
  FencedError,
  type GroupMetadata,
  type ReceivedRecord,
  type RecordToSend,
} from '@streampay/kafka'
import type { LogProducer } from '../../packages/streams/src/log/stream-log.ts'
import type { Transaction } from '../../packages/streams/test/support/stored-log.ts'
import { type Cluster, type Input, over, tasksOf } from './cluster.ts'
import type { App, Point } from './faults.ts'
import type { CallOptions, SimulatedProcess } from './simulated-process.ts'

type ProducerOptions = {
  readonly process: SimulatedProcess
  readonly app: App
  readonly transactionalId: string
  readonly epoch: number
  readonly timeoutMs: number
}

export class SimulatedProducer implements LogProducer {
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
