/**
 * Writes the markers of transactions that end: one in each partition, where the transaction's offsets take effect.
 *
 * - `takeAll`: all at once, in one write of the journal with the state CompleteCommit or CompleteAbort.
 * - `finish`: one by one, for a decision that is durable and final (PrepareCommit, PrepareAbort), and then that
 *   state. A refused write is repeated, less and less often, until it succeeds.
 */
import type { TopicPartition } from '@streampay/kafka'
import { errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import type { Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import { type Groups, OFFSETS_TOPIC } from './groups.ts'
import type { Schedule } from './schedule.ts'
import {
  completed,
  isCommit,
  type Transaction,
  type TransactionPartition,
  type TransactionRecord,
} from './transaction.ts'
import type { TransactionStore } from './transaction-store.ts'

/** A marker to write: the transaction's producer, the partition, and whether it commits (KIP-98). */
export type MarkerStep = TopicPartition & {
  /** The transactional.id of the transaction that the marker ends. */
  readonly transactionalId: string
  /** True for a commit marker, false for an abort marker. */
  readonly commit: boolean
}

export type MarkerParts = {
  readonly storage: Storage
  readonly groups: Groups
  readonly schedule: Schedule
  readonly logger: Logger
  /** For tests of slow markers and of crashes between them: runs before each marker is written. */
  readonly beforeMarker: ((step: MarkerStep) => Promise<void>) | null
}

const COORDINATOR_EPOCH = 0
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000

export class TransactionMarkers {
  readonly #parts: MarkerParts
  #closed = false

  constructor(parts: MarkerParts) {
    this.#parts = parts
  }

  /**
   * Appends all of them before its first `await`; resolves when they are durable, and their offsets in force.
   * @param end the state that the transaction gets together with them
   */
  async takeAll({ id, record }: Transaction, end: TransactionRecord): Promise<void> {
    await Promise.all(record.partitions.map((partition) => this.#take(id, partition, end)))
  }

  /** Resolves when the transaction is durably complete; if it can't be completed, when the broker ends. */
  async finish(transaction: Transaction, store: TransactionStore): Promise<void> {
    const decided = transaction.record
    const end = completed(decided, isCommit(decided))
    let left = decided.partitions
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)) {
      left = await this.#markAll(transaction, left)
      if (left.length === 0) await store.change(transaction.id, () => end)
      // Any state other than the decided one is the completion, or follows it.
      if (this.#closed || transaction.record !== decided) return
      await new Promise<void>((resolve) => {
        transaction.cancelTimer = this.#parts.schedule(retryMs, resolve)
      })
    }
  }

  close(): void {
    this.#closed = true
  }

  async #take(id: string, partition: TransactionPartition, end: TransactionRecord): Promise<void> {
    try {
      await this.#write(end, partition, 'takeMarker')
    } catch (error) {
      if (!this.#isNotNeeded(id, partition, error)) throw error
    }
  }

  /** The partitions that have no marker yet. */
  async #markAll(
    transaction: Transaction,
    partitions: readonly TransactionPartition[],
  ): Promise<readonly TransactionPartition[]> {
    const marked = await Promise.all(partitions.map((partition) => this.#mark(transaction, partition)))
    return partitions.filter((_partition, index) => !marked[index])
  }

  async #mark({ id, record }: Transaction, partition: TransactionPartition): Promise<boolean> {
    try {
      await this.#parts.beforeMarker?.({ ...partition, commit: isCommit(record), transactionalId: id })
      await this.#write(record, partition, 'appendMarker')
      return true
    } catch (error) {
      if (this.#isNotNeeded(id, partition, error)) return true
      this.#parts.logger.warn({ transactionalId: id, ...partition, err: error }, 'a marker was refused')
      return false
    }
  }

  async #write(
    record: TransactionRecord,
    { topic, partition }: TransactionPartition,
    how: 'takeMarker' | 'appendMarker',
  ): Promise<void> {
    const { producerId, producerEpoch } = record
    const commit = isCommit(record)
    // A topic that was deleted meanwhile needs no marker.
    const log = this.#parts.storage.partition(topic, partition)
    if (log) await log[how]({ producerId, producerEpoch, commit, coordinatorEpoch: COORDINATOR_EPOCH })
    if (topic === OFFSETS_TOPIC) this.#parts.groups.offsets.endTransaction(producerId, commit)
  }

  /** As in Apache Kafka: a producer of a newer epoch writes there already, or the topic is being deleted. */
  #isNotNeeded(transactionalId: string, partition: TransactionPartition, error: unknown): boolean {
    if (!(error instanceof ApiError) || !notNeeded.has(error.code)) return false
    this.#parts.logger.warn({ transactionalId, ...partition, err: error }, 'a marker is not needed any more')
    return true
  }
}

const notNeeded = new Set<number>([
  errors.INVALID_PRODUCER_EPOCH,
  errors.TRANSACTION_COORDINATOR_FENCED,
  errors.UNKNOWN_TOPIC_OR_PARTITION,
])
