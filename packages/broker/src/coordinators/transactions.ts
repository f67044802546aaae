/**
 * The transaction coordinator: who may produce under a transactional.id, and how transactions end.
 *
 * A transaction ends in three steps, each durable before the next: PrepareCommit or PrepareAbort in
 * `__transaction_state`; a marker in every partition, where the offsets among them take effect; CompleteCommit or
 * CompleteAbort. What a crash leaves between the first and the last is finished at start.
 *
 * This is the design before KIP-890: the epoch changes only with InitProducerId and with fencing, and clients add
 * partitions themselves. As Apache Kafka since 3.6 does, Produce is refused in a partition that was not added.
 *
 * Differences from Apache Kafka: EndTxn and the InitProducerId that fences answer after the markers, if these take
 * less than `MARKER_PATIENCE_MS`, so that the next transaction isn't refused by CONCURRENT_TRANSACTIONS; transactional
 * ids never expire; one coordinator, whose epoch is 0.
 */
import { errors } from '@streampay/kafka/wire'
import type { Clock, Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import { type Groups, OFFSETS_TOPIC } from './groups.ts'
import type { Schedule } from './schedule.ts'
import { openStateLog, type StateLog } from './state-log.ts'
import {
  assertTransition,
  entryOf,
  includes,
  isEnding,
  isIdle,
  recordOf,
  type Transaction,
  type TransactionPartition,
  type TransactionRecord,
} from './transaction.ts'

const TRANSACTIONS_TOPIC = '__transaction_state'

const MAX_EPOCH = 0x7ffe
const MARKER_PATIENCE_MS = 500
const COORDINATOR_EPOCH = 0

export type MarkerStep = TransactionPartition & { readonly transactionalId: string; readonly commit: boolean }

export type TransactionsParts = {
  readonly storage: Storage
  readonly groups: Groups
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly clock: Clock
  readonly logger: Logger
  /** For tests of slow markers and of crashes between them: runs before each marker is written. */
  readonly beforeMarker: ((step: MarkerStep) => Promise<void>) | null
}

type ProducerIdentity = { readonly producerId: number; readonly producerEpoch: number }

export type InitRequest = ProducerIdentity & { readonly transactionalId: string | null; readonly timeoutMs: number }

export type InitResult = ProducerIdentity & { readonly errorCode: number }

/** Who asks: the transactional.id with the producer that it believes to be. */
export type Claim = ProducerIdentity & { readonly transactionalId: string }

export async function openTransactions(parts: TransactionsParts): Promise<Transactions> {
  const log = await openStateLog(parts.storage, TRANSACTIONS_TOPIC, parts.clock)
  const transactions = new Transactions(parts, log)
  await transactions.load()
  return transactions
}

export class Transactions {
  readonly #parts: TransactionsParts
  readonly #log: StateLog
  readonly #transactions = new Map<string, Transaction>()

  constructor(parts: TransactionsParts, log: StateLog) {
    this.#parts = parts
    this.#log = log
  }

  /** Reads the state, and resumes what a crash left behind; that goes on after this has resolved. */
  async load(): Promise<void> {
    await this.#log.load({
      entry: (entry) => {
        const loaded = recordOf(entry)
        if (!loaded) return
        if (loaded.record) this.#transactions.set(loaded.id, newTransaction(loaded.id, loaded.record))
        else this.#transactions.delete(loaded.id)
      },
      marker: () => undefined,
    })
    for (const transaction of this.#transactions.values()) {
      if (isEnding(transaction.record)) this.#finish(transaction)
      else if (transaction.record.state === 'Ongoing') this.#scheduleTimeout(transaction)
    }
  }

  all(): readonly Transaction[] {
    return [...this.#transactions.values()]
  }

  find(transactionalId: string): Transaction | undefined {
    return this.#transactions.get(transactionalId)
  }

  /** A new producer, or the next epoch of a known one: whoever had the id before is fenced, its transaction aborted. */
  async initProducerId(request: InitRequest): Promise<InitResult> {
    const { transactionalId, timeoutMs } = request
    if (transactionalId === null) return granted(await this.#parts.storage.nextProducerId(), 0)
    if (transactionalId === '') return refused(errors.INVALID_REQUEST)
    if (timeoutMs <= 0 || timeoutMs > this.#parts.config.transactionMaxTimeoutMs) {
      return refused(errors.INVALID_TRANSACTION_TIMEOUT)
    }
    const transaction = this.#transactions.get(transactionalId)
    if (!transaction) return this.#create(transactionalId, timeoutMs)
    if (transaction.changing || isEnding(transaction.record)) return refused(errors.CONCURRENT_TRANSACTIONS)
    if (request.producerId !== -1 && !ownsOrRepeats(transaction.record, request)) return refused(errors.PRODUCER_FENCED)
    if (transaction.record.state === 'Ongoing') {
      await this.#decide(transaction, { commit: false, fence: true })
      await this.#waitForMarkers(transaction)
      if (transaction.changing || !isIdle(transaction.record)) return refused(errors.CONCURRENT_TRANSACTIONS)
    }
    return this.#nextEpoch(transaction, request)
  }

  /**
   * An error code. The partitions are known to exist.
   *
   * Answers before the change is durable: all topics share one journal, so whatever the producer writes next can't
   * outlive it. If a crash takes the change, it takes the transaction's records, too.
   */
  addPartitions(claim: Claim, added: readonly TransactionPartition[]): number {
    const { transaction, errorCode } = this.#claimed(claim)
    if (!transaction) return errorCode
    const { record } = transaction
    if (isEnding(record)) return errors.CONCURRENT_TRANSACTIONS
    const begins = record.state !== 'Ongoing'
    const before = begins ? [] : record.partitions
    const fresh = begins ? added : added.filter((partition) => !includes(record, partition))
    if (!begins && fresh.length === 0) return errors.NONE
    const startedAt = begins ? this.#parts.clock.now() : record.startedAt
    assertTransition(record.state, 'Ongoing')
    const updatedAt = this.#parts.clock.now()
    const partitions = [...before, ...fresh]
    transaction.record = { ...record, state: 'Ongoing', partitions, startedAt, updatedAt }
    this.#log.append([entryOf(transaction.id, transaction.record)]).catch((error: unknown) => {
      this.#parts.logger.error({ transactionalId: transaction.id, err: error }, 'a transaction could not be written')
    })
    if (begins) this.#scheduleTimeout(transaction)
    return errors.NONE
  }

  /** An error code. Adds the partition of the group's offsets. */
  addOffsets(claim: Claim): number {
    return this.addPartitions(claim, [{ topic: OFFSETS_TOPIC, partition: 0 }])
  }

  /** An error code. Answers when the outcome is decided and, patience allowing, its markers are written. */
  async end(claim: Claim, commit: boolean): Promise<number> {
    const { transaction, errorCode } = this.#claimed(claim)
    if (!transaction) return errorCode
    switch (transaction.record.state) {
      case 'Ongoing':
        await this.#decide(transaction, { commit, fence: false })
        await this.#waitForMarkers(transaction)
        return errors.NONE
      case 'CompleteCommit':
        return commit ? errors.NONE : errors.INVALID_TXN_STATE
      case 'CompleteAbort':
        return commit ? errors.INVALID_TXN_STATE : errors.NONE
      case 'PrepareCommit':
        return commit ? errors.CONCURRENT_TRANSACTIONS : errors.INVALID_TXN_STATE
      case 'PrepareAbort':
        return commit ? errors.INVALID_TXN_STATE : errors.CONCURRENT_TRANSACTIONS
      case 'Empty':
        return errors.INVALID_TXN_STATE
    }
  }

  /** The error code for a transactional batch (or offsets) in this partition now, or NONE. */
  checkProduce(claim: Claim & TransactionPartition): number {
    const record = this.#transactions.get(claim.transactionalId)?.record
    if (!record || record.producerId !== claim.producerId) return errors.INVALID_PRODUCER_ID_MAPPING
    if (record.producerEpoch !== claim.producerEpoch) return errors.INVALID_PRODUCER_EPOCH
    if (record.state === 'Ongoing' && includes(record, claim)) return errors.NONE
    return isEnding(record) ? errors.CONCURRENT_TRANSACTIONS : errors.INVALID_TXN_STATE
  }

  close(): void {
    for (const transaction of this.#transactions.values()) transaction.cancelTimeout?.()
  }

  #claimed(claim: Claim): { transaction: Transaction | null; errorCode: number } {
    const no = (errorCode: number) => ({ transaction: null, errorCode })
    const transaction = this.#transactions.get(claim.transactionalId)
    if (claim.transactionalId === '') return no(errors.INVALID_REQUEST)
    if (!transaction || transaction.record.producerId !== claim.producerId)
      return no(errors.INVALID_PRODUCER_ID_MAPPING)
    if (transaction.record.producerEpoch !== claim.producerEpoch) return no(errors.PRODUCER_FENCED)
    if (transaction.changing) return no(errors.CONCURRENT_TRANSACTIONS)
    return { transaction, errorCode: errors.NONE }
  }

  async #create(id: string, timeoutMs: number): Promise<InitResult> {
    const draft: TransactionRecord = {
      producerId: -1,
      producerEpoch: 0,
      lastEpoch: -1,
      timeoutMs,
      state: 'Empty',
      partitions: [],
      startedAt: -1,
      updatedAt: this.#parts.clock.now(),
    }
    const transaction = newTransaction(id, draft)
    transaction.changing = true
    this.#transactions.set(id, transaction)
    try {
      const producerId = await this.#parts.storage.nextProducerId()
      await this.#change(transaction, { ...draft, producerId })
      return granted(producerId, 0)
    } catch (error) {
      this.#transactions.delete(id)
      throw error
    }
  }

  async #nextEpoch(transaction: Transaction, request: InitRequest): Promise<InitResult> {
    const { record } = transaction
    // The answer to the last request was lost, and the producer asks again: the same answer.
    const repeats = request.producerId !== -1 && request.producerEpoch !== record.producerEpoch
    if (repeats && record.state === 'Empty') return granted(record.producerId, record.producerEpoch)
    const exhausted = record.producerEpoch >= MAX_EPOCH
    transaction.changing = true
    try {
      const producerId = exhausted ? await this.#parts.storage.nextProducerId() : record.producerId
      const producerEpoch = exhausted ? 0 : record.producerEpoch + 1
      await this.#change(transaction, {
        ...record,
        producerId,
        producerEpoch,
        lastEpoch: exhausted || request.producerId === -1 ? -1 : record.producerEpoch,
        timeoutMs: request.timeoutMs,
        state: 'Empty',
        partitions: [],
        startedAt: -1,
      })
      return granted(producerId, producerEpoch)
    } finally {
      transaction.changing = false
    }
  }

  /** Writes the decision. From here on the outcome can't change; `#finish` carries it out. */
  async #decide(transaction: Transaction, how: { commit: boolean; fence: boolean }): Promise<void> {
    const { record } = transaction
    transaction.cancelTimeout?.()
    transaction.cancelTimeout = null
    const state = how.commit ? 'PrepareCommit' : 'PrepareAbort'
    // With the markers of the next epoch every partition learns that the old producer is fenced.
    const producerEpoch = record.producerEpoch + (how.fence ? 1 : 0)
    await this.#change(transaction, { ...record, state, producerEpoch, lastEpoch: how.fence ? -1 : record.lastEpoch })
    this.#finish(transaction)
  }

  #finish(transaction: Transaction): void {
    transaction.completion = this.#writeMarkers(transaction).catch((error: unknown) => {
      // The decision is on disk: the next start finishes it. Until then the id answers CONCURRENT_TRANSACTIONS.
      this.#parts.logger.error({ transactionalId: transaction.id, err: error }, 'a transaction could not be finished')
    })
  }

  async #writeMarkers(transaction: Transaction): Promise<void> {
    const { record } = transaction
    const commit = record.state === 'PrepareCommit'
    await Promise.all(record.partitions.map((partition) => this.#writeMarker(transaction, { ...partition, commit })))
    const state = commit ? 'CompleteCommit' : 'CompleteAbort'
    assertTransition(record.state, state)
    const completed = { ...record, state, partitions: [], startedAt: -1, updatedAt: this.#parts.clock.now() } as const
    // In force before it is durable: if it is lost, the markers are written once more, which changes nothing.
    transaction.record = completed
    await this.#log.append([entryOf(transaction.id, completed)])
  }

  async #writeMarker(transaction: Transaction, step: TransactionPartition & { commit: boolean }): Promise<void> {
    const { topic, partition, commit } = step
    const { producerId, producerEpoch } = transaction.record
    await this.#parts.beforeMarker?.({ ...step, transactionalId: transaction.id })
    // A topic that was deleted meanwhile needs no marker.
    const log = this.#parts.storage.partition(topic, partition)
    if (log) await log.appendMarker({ producerId, producerEpoch, commit, coordinatorEpoch: COORDINATOR_EPOCH })
    if (topic === OFFSETS_TOPIC) this.#parts.groups.offsets.endTransaction(producerId, commit)
  }

  async #waitForMarkers(transaction: Transaction): Promise<void> {
    let cancel = () => {}
    const patience = new Promise<void>((resolve) => {
      cancel = this.#parts.schedule(MARKER_PATIENCE_MS, resolve)
    })
    await Promise.race([transaction.completion, patience])
    cancel()
  }

  /** In memory once it is durable. */
  async #change(transaction: Transaction, to: TransactionRecord): Promise<void> {
    assertTransition(transaction.record.state, to.state)
    const record = { ...to, updatedAt: this.#parts.clock.now() }
    transaction.changing = true
    try {
      await this.#log.append([entryOf(transaction.id, record)])
      transaction.record = record
    } finally {
      transaction.changing = false
    }
  }

  #scheduleTimeout(transaction: Transaction): void {
    const { startedAt, timeoutMs } = transaction.record
    const delayMs = Math.max(0, startedAt + timeoutMs - this.#parts.clock.now())
    transaction.cancelTimeout?.()
    transaction.cancelTimeout = this.#parts.schedule(delayMs, () => this.#abortOverdue(transaction, startedAt))
  }

  #abortOverdue(transaction: Transaction, startedAt: number): void {
    if (transaction.record.state !== 'Ongoing' || transaction.record.startedAt !== startedAt) return
    if (transaction.changing) {
      this.#scheduleTimeout(transaction)
      return
    }
    this.#parts.logger.warn({ transactionalId: transaction.id }, 'a transaction timed out and is aborted')
    this.#decide(transaction, { commit: false, fence: true }).catch((error: unknown) => {
      this.#parts.logger.error({ transactionalId: transaction.id, err: error }, 'a transaction could not be aborted')
    })
  }
}

function newTransaction(id: string, record: TransactionRecord): Transaction {
  return { id, record, changing: false, completion: Promise.resolve(), cancelTimeout: null }
}

function granted(producerId: number, producerEpoch: number): InitResult {
  return { errorCode: errors.NONE, producerId, producerEpoch }
}

function refused(errorCode: number): InitResult {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}

/** KIP-360: a producer that names itself must be the current one, or the one before that lost our answer. */
function ownsOrRepeats(record: TransactionRecord, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (record.producerId !== producerId) return false
  return producerEpoch === record.producerEpoch || (record.lastEpoch !== -1 && producerEpoch === record.lastEpoch)
}
