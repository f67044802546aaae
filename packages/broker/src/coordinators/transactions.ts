/**
 * The transaction coordinator: which producer may write with a transactional.id, and how transactions end.
 *
 * A transaction ends in one write of the journal: CompleteCommit or CompleteAbort in `__transaction_state`, and a marker in
 * every partition, where the transaction's offsets take effect. After a crash, all of it exists or none of it.
 *
 * Clients of two protocols are supported. Those before KIP-890 add partitions in a request of their own, and wait until that is durable;
 * their epoch changes only with InitProducerId and with fencing. Those of `transaction.version` 2 only write: the write itself adds
 * partitions and group, and the record of it comes before the written batches in the same journal. Each end gives them the next epoch,
 * with which its markers are written, so that every partition refuses late writes of a transaction that has ended.
 *
 * Differences from Apache Kafka: Kafka decides first (PrepareCommit, PrepareAbort), because its partitions are on several nodes,
 * and writes the markers one by one after its answer. Here EndTxn and a fencing InitProducerId are answered when all writes are
 * durable; there is one coordinator, with epoch 0. How a state changes: `transaction-store.ts`; markers: `transaction-markers.ts`.
 */
import { errors } from '@streampay/kafka/wire'
import { moments, tellMoment } from '@streampay/process'
import type { Clock, Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import { type Groups, OFFSETS_TOPIC } from './groups.ts'
import type { Schedule } from './schedule.ts'
import { openStateLog, type StateLog } from './state-log.ts'
import {
  completed,
  includes,
  isCommit,
  isEnding,
  isIdle,
  joined,
  type Transaction,
  type TransactionPartition,
  type TransactionRecord,
} from './transaction.ts'
import { type MarkerStep, TransactionMarkers } from './transaction-markers.ts'
import { type ChangeResult, TransactionStore } from './transaction-store.ts'
import { coordinatorCodeOf, withPatience } from './write-outcome.ts'

const TRANSACTIONS_TOPIC = '__transaction_state'

const MAX_EPOCH = 0x7ffe
const MARKER_PATIENCE_MS = 500

export type TransactionsParts = {
  readonly storage: Storage
  readonly groups: Groups
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly clock: Clock
  readonly logger: Logger
  readonly beforeMarker: ((step: MarkerStep) => Promise<void>) | null
  readonly wrapLog: ((log: StateLog) => StateLog) | null
}

type ProducerIdentity = { readonly producerId: number; readonly producerEpoch: number }

export type InitRequest = ProducerIdentity & {
  readonly transactionalId: string | null
  readonly timeoutMs: number
  /** The principal or address to whose share a new transactional.id counts. */
  readonly client: string
}

export type InitResult = ProducerIdentity & { readonly errorCode: number }

/** The caller: the transactional.id with the caller's producer id and epoch. */
export type Claim = ProducerIdentity & { readonly transactionalId: string }

export async function openTransactions(parts: TransactionsParts): Promise<Transactions> {
  const { storage, clock, wrapLog } = parts
  const log = await openStateLog({ storage, topic: TRANSACTIONS_TOPIC, clock, wrap: wrapLog })
  const transactions = new Transactions(parts, log)
  await transactions.load()
  return transactions
}

export class Transactions {
  readonly #parts: TransactionsParts
  readonly #store: TransactionStore
  readonly #markers: TransactionMarkers

  constructor(parts: TransactionsParts, log: StateLog) {
    this.#parts = parts
    this.#markers = new TransactionMarkers(parts)
    this.#store = new TransactionStore({
      ...parts,
      log,
      overdue: (transaction) => void this.#abortOverdue(transaction),
      decided: (transaction) => {
        transaction.completion = this.#markers.finish(transaction, this.#store)
      },
    })
  }

  load(): Promise<void> {
    return this.#store.load()
  }

  all(): readonly Transaction[] {
    return this.#store.all()
  }

  find(transactionalId: string): Transaction | undefined {
    return this.#store.find(transactionalId)
  }

  /** A new producer, or the next epoch of a known one: the previous owner of the id is fenced, its transaction aborted. */
  async initProducerId(request: InitRequest): Promise<InitResult> {
    const { transactionalId, timeoutMs } = request
    if (transactionalId === null) return this.#newProducer()
    if (transactionalId === '') return refused(errors.INVALID_REQUEST)
    if (timeoutMs <= 0 || timeoutMs > this.#parts.config.transactionMaxTimeoutMs) {
      return refused(errors.INVALID_TRANSACTION_TIMEOUT)
    }
    if (this.#store.isChanging(transactionalId)) return refused(errors.CONCURRENT_TRANSACTIONS)
    const transaction = this.#store.find(transactionalId)
    if (!transaction) return this.#create(transactionalId, request)
    if (isEnding(transaction.record)) return refused(errors.CONCURRENT_TRANSACTIONS)
    if (request.producerId !== -1 && !ownsOrRepeats(transaction.record, request)) return refused(errors.PRODUCER_FENCED)
    if (transaction.record.state === 'Ongoing') {
      const { errorCode } = await this.#end(transaction, { commit: false, epoch: 'fencing' })
      if (errorCode !== errors.NONE) return refused(errorCode)
    }
    if (this.#store.isChanging(transactionalId) || !isIdle(transaction.record)) {
      return refused(errors.CONCURRENT_TRANSACTIONS)
    }
    return this.#nextEpoch(transaction, request)
  }

  /** Returns an error code. The partitions must exist. Resolves once the change is durable. */
  async addPartitions(claim: Claim, added: readonly TransactionPartition[]): Promise<number> {
    const { transaction, errorCode } = this.#claimed(claim)
    if (!transaction) return errorCode
    if (isEnding(transaction.record)) return errors.CONCURRENT_TRANSACTIONS
    const next = joined(transaction.record, added, this.#parts.clock.now())
    if (next === undefined) return errors.NONE
    return (await this.#store.change(transaction.id, () => next)).errorCode
  }

  /**
   * The same for `transaction.version` 2, with a write to these partitions: it follows the record in the journal, or is not done.
   * If there is no change, because all partitions are part of it or because the claim is invalid, `write` is called as well:
   * `checkProduce` then returns the error. Calls it before it returns, unless the log takes time to accept the record.
   */
  async join(claim: Claim, added: readonly TransactionPartition[], write: () => Promise<unknown>): Promise<number> {
    const { transaction, errorCode } = this.#claimed(claim)
    if (errorCode === errors.CONCURRENT_TRANSACTIONS) return errorCode
    const record = transaction?.record
    const next = record && !isEnding(record) ? joined(record, added, this.#parts.clock.now()) : undefined
    if (transaction && next) return this.#store.changeBefore(transaction.id, next, write)
    await write()
    return errors.NONE
  }

  /** Adds the partition of the group's offsets. Returns an error code. */
  addOffsets(claim: Claim): Promise<number> {
    return this.addPartitions(claim, [{ topic: OFFSETS_TOPIC, partition: 0 }])
  }

  /** Returns an error code. Resolves when the outcome is durable and in force. */
  async end(claim: Claim, commit: boolean): Promise<number> {
    const { transaction, errorCode } = this.#claimed(claim)
    if (!transaction) return errorCode
    switch (transaction.record.state) {
      case 'Ongoing':
        return (await this.#end(transaction, { commit, epoch: 'same' })).errorCode
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

  /** As `end`, for `transaction.version` 2: also returns the epoch, or the id, with which the producer continues. */
  async endWithNextEpoch(claim: Claim, commit: boolean): Promise<InitResult> {
    const known = this.#store.find(claim.transactionalId)?.record
    if (known !== undefined && isEndedBy(known, claim)) {
      // The answer was lost, and the producer repeats the request.
      return isCommit(known) === commit
        ? granted(known.producerId, known.producerEpoch)
        : refused(errors.INVALID_TXN_STATE)
    }
    const { transaction, errorCode } = this.#claimed(claim)
    if (!transaction) return refused(errorCode)
    if (isEnding(transaction.record)) return refused(errors.CONCURRENT_TRANSACTIONS)
    if (commit && transaction.record.state !== 'Ongoing') return refused(errors.INVALID_TXN_STATE)
    return initResultOf(await this.#end(transaction, { commit, epoch: 'next' }))
  }

  /** The error code for a transactional batch (or offsets) in this partition now, or NONE. */
  checkProduce(claim: Claim & TransactionPartition): number {
    const record = this.#store.find(claim.transactionalId)?.record
    if (!record || record.producerId !== claim.producerId) return errors.INVALID_PRODUCER_ID_MAPPING
    if (record.producerEpoch !== claim.producerEpoch) return errors.INVALID_PRODUCER_EPOCH
    // Behind markers that are being written, the batch would begin a transaction that is never ended.
    if (isEnding(record) || this.#store.isEnding(claim.transactionalId)) return errors.CONCURRENT_TRANSACTIONS
    return record.state === 'Ongoing' && includes(record, claim) ? errors.NONE : errors.INVALID_TXN_STATE
  }

  /** Aborts the open transaction, and fences its producer, as after its timeout. Returns an error code. */
  async abort(transactionalId: string): Promise<number> {
    const transaction = this.#store.find(transactionalId)
    if (transaction?.record.state !== 'Ongoing') return errors.INVALID_TXN_STATE
    return (await this.#end(transaction, { commit: false, epoch: 'fencing' })).errorCode
  }

  /** Fences as another producer with the id would. Returns an error code. */
  async fence(transactionalId: string): Promise<number> {
    const known = this.#store.find(transactionalId)
    if (known === undefined) return errors.INVALID_PRODUCER_ID_MAPPING
    const successor = { producerId: -1, producerEpoch: -1, timeoutMs: known.record.timeoutMs, client: '' }
    return (await this.initProducerId({ transactionalId, ...successor })).errorCode
  }

  close(): void {
    this.#markers.close()
    this.#store.close()
  }

  #claimed(claim: Claim): { transaction: Transaction | null; errorCode: number } {
    const no = (errorCode: number) => ({ transaction: null, errorCode })
    const transaction = this.#store.find(claim.transactionalId)
    if (claim.transactionalId === '') return no(errors.INVALID_REQUEST)
    if (!transaction || transaction.record.producerId !== claim.producerId)
      return no(errors.INVALID_PRODUCER_ID_MAPPING)
    if (transaction.record.producerEpoch !== claim.producerEpoch) return no(errors.PRODUCER_FENCED)
    // While the completion is written, so are the markers: the answers for an ending transaction are more exact.
    if (this.#store.isChanging(transaction.id) && !isEnding(transaction.record)) {
      return no(errors.CONCURRENT_TRANSACTIONS)
    }
    return { transaction, errorCode: errors.NONE }
  }

  /** Producer ids without a transactional.id are not part of this state: the journal reserves them. */
  async #newProducer(): Promise<InitResult> {
    try {
      return granted(await this.#parts.storage.nextProducerId(), 0)
    } catch (error) {
      return refused(coordinatorCodeOf(error, this.#parts.logger))
    }
  }

  async #create(id: string, { timeoutMs, client }: InitRequest): Promise<InitResult> {
    if (!this.#store.hasRoomFor(client)) return refused(errors.COORDINATOR_NOT_AVAILABLE)
    const make = async (): Promise<TransactionRecord> => ({
      producerId: await this.#parts.storage.nextProducerId(),
      producerEpoch: 0,
      lastEpoch: -1,
      timeoutMs,
      state: 'Empty',
      partitions: [],
      startedAt: -1,
      updatedAt: -1,
    })
    return initResultOf(await this.#store.change(id, make, { client }))
  }

  async #nextEpoch(transaction: Transaction, request: InitRequest): Promise<InitResult> {
    const { record } = transaction
    // The answer to the last request was lost, and the producer repeats it: the same answer.
    const repeats = request.producerId !== -1 && request.producerEpoch !== record.producerEpoch
    if (repeats && record.state === 'Empty') return granted(record.producerId, record.producerEpoch)
    const exhausted = record.producerEpoch >= MAX_EPOCH
    // A repeated end from now on comes from an older producer, and must not get the new epoch.
    const { endedBy, ...rest } = record
    const make = async (): Promise<TransactionRecord> => ({
      ...rest,
      producerId: exhausted ? await this.#parts.storage.nextProducerId() : record.producerId,
      producerEpoch: exhausted ? 0 : record.producerEpoch + 1,
      lastEpoch: exhausted || request.producerId === -1 ? -1 : record.producerEpoch,
      timeoutMs: request.timeoutMs,
      state: 'Empty',
      partitions: [],
      startedAt: -1,
    })
    return initResultOf(await this.#store.change(transaction.id, make))
  }

  async #end(transaction: Transaction, how: Ending): Promise<ChangeResult> {
    if (this.#parts.beforeMarker !== null) return this.#endInSteps(transaction, how)
    const { id } = transaction
    const marked = completed(withEpoch(transaction.record, how), how.commit)
    const make = () => this.#withUsableEpoch(marked)
    const change = await this.#store.change(id, make, { together: () => this.#markers.takeAll(transaction, marked) })
    const isEnded = change.errorCode === errors.NONE
    if (isEnded && moments.hasSubscribers) tellMoment({ step: 'ended', id, isCommit: how.commit })
    return change
  }

  /** The steps of a broker with several nodes, for tests of clients with late markers. */
  async #endInSteps(transaction: Transaction, how: Ending): Promise<ChangeResult> {
    const state = how.commit ? 'PrepareCommit' : 'PrepareAbort'
    if (transaction.record.state !== 'Ongoing') {
      return this.#store.change(transaction.id, () => completed(withEpoch(transaction.record, how), how.commit))
    }
    const decided = withEpoch(transaction.record, how)
    const change = await this.#store.change(transaction.id, () => ({ ...decided, state }))
    if (change.errorCode === errors.NONE) await this.#waitForMarkers(transaction)
    return change
  }

  /** When the epochs of an id are used up, the markers have the last one, and the producer gets a new id. */
  async #withUsableEpoch(record: TransactionRecord): Promise<TransactionRecord> {
    if (record.endedBy === undefined || record.producerEpoch <= MAX_EPOCH) return record
    return { ...record, producerId: await this.#parts.storage.nextProducerId(), producerEpoch: 0 }
  }

  async #waitForMarkers({ completion }: Transaction): Promise<void> {
    const { schedule } = this.#parts
    await withPatience(completion, { schedule, timeoutMs: MARKER_PATIENCE_MS, otherwise: undefined })
  }

  async #abortOverdue(transaction: Transaction): Promise<void> {
    const { errorCode } = await this.#end(transaction, { commit: false, epoch: 'fencing' })
    const details = { transactionalId: transaction.id, errorCode }
    if (errorCode === errors.NONE) this.#parts.logger.warn(details, 'a transaction timed out and was aborted')
    else this.#parts.logger.warn(details, 'a transaction timed out, and its abort was refused; tried again soon')
  }
}

type Ending = {
  readonly commit: boolean
  /**
   * Markers of another epoch tell every partition that the old epoch has ended: that of a fenced producer, or
   * the one before `next`, with which the producer continues.
   */
  readonly epoch: 'same' | 'fencing' | 'next'
}

function withEpoch(record: TransactionRecord, { epoch }: Pick<Ending, 'epoch'>): TransactionRecord {
  if (epoch === 'same') return record
  const { producerId, producerEpoch } = record
  const moved = { ...record, producerEpoch: producerEpoch + 1, lastEpoch: -1 }
  return epoch === 'fencing' ? moved : { ...moved, endedBy: { producerId, producerEpoch } }
}

/** Whether this producer has ended the last transaction, and has not begun another since. */
function isEndedBy({ state, endedBy }: TransactionRecord, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (state !== 'CompleteCommit' && state !== 'CompleteAbort') return false
  return endedBy?.producerId === producerId && endedBy.producerEpoch === producerEpoch
}

function initResultOf({ errorCode, record }: ChangeResult): InitResult {
  return record ? granted(record.producerId, record.producerEpoch) : refused(errorCode)
}

function granted(producerId: number, producerEpoch: number): InitResult {
  return { errorCode: errors.NONE, producerId, producerEpoch }
}

function refused(errorCode: number): InitResult {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}

/** KIP-360: a producer with an id and epoch must be the current one, or the previous one that lost the answer. */
function ownsOrRepeats(record: TransactionRecord, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (record.producerId !== producerId) return false
  return producerEpoch === record.producerEpoch || (record.lastEpoch !== -1 && producerEpoch === record.lastEpoch)
}
