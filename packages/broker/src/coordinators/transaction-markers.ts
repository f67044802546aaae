/**
 * Carries the decision of a transaction out: a marker in every one of its partitions, where the offsets among them take
 * effect, and then the state CompleteCommit or CompleteAbort. What is refused is tried again, ever more slowly, until it
 * is done: the decision is durable and can't change any more.
 */
import { errors } from '@streampay/kafka/wire'
import { BrokerError } from '../log/broker-error.ts'
import type { Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import { type Groups, OFFSETS_TOPIC } from './groups.ts'
import type { Schedule } from './schedule.ts'
import type { Transaction, TransactionPartition, TransactionRecord } from './transaction.ts'
import type { TransactionStore } from './transaction-store.ts'

export type MarkerStep = TransactionPartition & { readonly transactionalId: string; readonly commit: boolean }

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

  /** Takes all markers of the end at once; resolves when they are durable, and the offsets among them in force. */
  async takeAll({ id, record }: Transaction, end: TransactionRecord): Promise<void> {
    await Promise.all(record.partitions.map((partition) => this.#take(partition, id, end)))
  }

  /** Resolves when the transaction is complete, durably; not before the broker's end if it can't be. */
  async finish(transaction: Transaction, store: TransactionStore): Promise<void> {
    const decided = transaction.record
    const state = decided.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort'
    let left = decided.partitions
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)) {
      left = await this.#markAll(transaction, left)
      if (left.length === 0) {
        await store.change(transaction.id, () => ({ ...decided, state, partitions: [], startedAt: -1 }))
      }
      // Another state than the decided one is the completion, or follows it.
      if (this.#closed || transaction.record !== decided) return
      await new Promise<void>((resolve) => {
        transaction.cancelTimer = this.#parts.schedule(retryMs, resolve)
      })
    }
  }

  close(): void {
    this.#closed = true
  }

  /** What happens before the first `await` is one step for all partitions. */
  async #take(
    { topic, partition }: TransactionPartition,
    transactionalId: string,
    end: TransactionRecord,
  ): Promise<void> {
    const { producerId, producerEpoch, state } = end
    const commit = state === 'CompleteCommit'
    try {
      // A topic that was deleted meanwhile needs no marker.
      const log = this.#parts.storage.partition(topic, partition)
      await log?.takeMarker({ producerId, producerEpoch, commit, coordinatorEpoch: COORDINATOR_EPOCH })
    } catch (error) {
      if (!isNotNeeded(error)) throw error
      this.#parts.logger.warn({ transactionalId, topic, partition, err: error }, 'a marker is not needed any more')
    }
    if (topic === OFFSETS_TOPIC) this.#parts.groups.offsets.endTransaction(producerId, commit)
  }

  /** The partitions that have no marker yet. */
  async #markAll(
    transaction: Transaction,
    partitions: readonly TransactionPartition[],
  ): Promise<readonly TransactionPartition[]> {
    const marked = await Promise.all(partitions.map((partition) => this.#mark(transaction, partition)))
    return partitions.filter((_partition, index) => !marked[index])
  }

  async #mark(transaction: Transaction, partition: TransactionPartition): Promise<boolean> {
    try {
      await this.#writeMarker(transaction, partition)
      return true
    } catch (error) {
      const details = { transactionalId: transaction.id, ...partition, err: error }
      const isOver = isNotNeeded(error)
      this.#parts.logger.warn(details, isOver ? 'a marker is not needed any more' : 'a marker was refused')
      return isOver
    }
  }

  async #writeMarker(transaction: Transaction, { topic, partition }: TransactionPartition): Promise<void> {
    const { producerId, producerEpoch, state } = transaction.record
    const commit = state === 'PrepareCommit'
    await this.#parts.beforeMarker?.({ topic, partition, commit, transactionalId: transaction.id })
    // A topic that was deleted meanwhile needs no marker.
    const log = this.#parts.storage.partition(topic, partition)
    if (log) await log.appendMarker({ producerId, producerEpoch, commit, coordinatorEpoch: COORDINATOR_EPOCH })
    if (topic === OFFSETS_TOPIC) this.#parts.groups.offsets.endTransaction(producerId, commit)
  }
}

/** As in Apache Kafka: a producer of a newer epoch writes there already, or the topic is being deleted: nothing is left to end. */
function isNotNeeded(error: unknown): boolean {
  return error instanceof BrokerError && notNeeded.has(error.code)
}

const notNeeded = new Set<number>([
  errors.INVALID_PRODUCER_EPOCH,
  errors.TRANSACTION_COORDINATOR_FENCED,
  errors.UNKNOWN_TOPIC_OR_PARTITION,
])
