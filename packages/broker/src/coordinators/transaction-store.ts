/**
 * The state of all transactional ids, and the steps by which it changes:
 *
 *     appended to `__transaction_state` ──► durable ──► in memory, with its timer ──► answered
 *                    └── refused ──► memory and timer stay unchanged ──► answered with a code
 *
 * No answer is sent, and no other change begins, before a change is durable: state that is only in memory is lost by a kill, and
 * the marker of the next transaction would then commit the records of the lost one. A change with a write
 * (`changeBefore`) is in force once the log has taken it: the write follows it in the journal.
 *
 * A timer is replaced in the same step as its state, so an open transaction always has one.
 */
import { errors } from '@streampay/kafka/wire'
import type { Clock } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import type { Schedule } from './schedule.ts'
import { Shares } from './shares.ts'
import type { StateLog } from './state-log.ts'
import { assertTransition, entryOf, isIdle, recordOf, type Transaction, type TransactionRecord } from './transaction.ts'
import { codeOfWrite } from './write-outcome.ts'

/** The time until an abort that was refused, or that another change delayed, is tried again. */
const ABORT_RETRY_MS = 1000
/** Apache Kafka's interval (`transaction.remove.expired.transaction.cleanup.interval.ms`). */
const EXPIRY_INTERVAL_MS = 60 * 60 * 1000
const EXPIRED_AT_ONCE = 1000

export type TransactionStoreParts = {
  readonly log: StateLog
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly clock: Clock
  readonly logger: Logger
  /** Called when an open transaction has passed its timeout, and again until it isn't open any more. */
  overdue(transaction: Transaction): void
  /** Called when a decision is durable whose markers are not written yet, also at start. */
  decided(transaction: Transaction): void
}

/** `record` is the state after the change, null if it was deleted. */
export type ChangeResult = { readonly errorCode: number; readonly record: TransactionRecord | null }

export type MakeRecord = () => Promise<TransactionRecord> | TransactionRecord

export type ChangeOptions = {
  /** The client to whose share a new id counts. */
  readonly client?: string
  /** Writes that become durable with the change: see `AppendOptions`. */
  readonly together?: () => Promise<unknown>
}

export class TransactionStore {
  readonly #parts: TransactionStoreParts
  readonly #transactions = new Map<string, Transaction>()
  /** Ids whose next state is being written. */
  readonly #changing = new Set<string>()
  /** Those among them whose markers are written as well. */
  readonly #ending = new Set<string>()
  readonly #shares: Shares
  #cancelExpiry = () => {}
  #closed = false

  constructor(parts: TransactionStoreParts) {
    this.#parts = parts
    const { maxTransactionalIds: most, maxTransactionalIdsPerClient: mostOfOne } = parts.config
    this.#shares = new Shares({ most, mostOfOne })
  }

  /** Reads the state, and resumes transactions that a crash left; that continues after this has resolved. */
  async load(): Promise<void> {
    await this.#parts.log.load({
      entry: (entry) => {
        const loaded = recordOf(entry)
        if (!loaded) return
        if (loaded.record) this.#transactions.set(loaded.id, newTransaction(loaded.id, loaded.record))
        else this.#transactions.delete(loaded.id)
      },
      marker: () => undefined,
    })
    for (const transaction of this.#transactions.values()) {
      this.#shares.add(transaction.id)
      this.#arm(transaction)
    }
    this.#expireLater()
  }

  all(): readonly Transaction[] {
    return [...this.#transactions.values()]
  }

  find(id: string): Transaction | undefined {
    return this.#transactions.get(id)
  }

  /** Whether a change of this id is being written: other requests get CONCURRENT_TRANSACTIONS meanwhile. */
  isChanging(id: string): boolean {
    return this.#changing.has(id)
  }

  /** Whether markers of this id are being written, with the state that they belong to. */
  isEnding(id: string): boolean {
    return this.#ending.has(id)
  }

  /** Whether there is room for a new id of this client (its principal or address). */
  hasRoomFor(client: string): boolean {
    return this.#shares.hasRoomFor(client)
  }

  /**
   * The only way to change a state. Resolves with NONE when the next state is durable and in force; with a code if it was refused, or if
   * it takes too long: then it may still take effect later, and until that is known the id is `isChanging`.
   * @param make makes the next state; it may fail, and may wait
   */
  async change(id: string, make: MakeRecord, options: ChangeOptions = {}): Promise<ChangeResult> {
    if (this.#changing.has(id)) return { errorCode: errors.CONCURRENT_TRANSACTIONS, record: null }
    this.#changing.add(id)
    let record: TransactionRecord | null = null
    const written = this.#write(id, make, options).then((next) => {
      record = next
    })
    const errorCode = await codeOfWrite(written, this.#parts)
    return { errorCode, record }
  }

  /**
   * Writes the next state, and the entries that depend on it, in this order to the journal. The state is in force as soon as the log
   * has taken it, and `write` is called then; if the log refuses it, neither happens. Resolves as `change` does.
   */
  async changeBefore(id: string, next: TransactionRecord, write: () => Promise<unknown>): Promise<number> {
    if (this.#changing.has(id)) return errors.CONCURRENT_TRANSACTIONS
    this.#changing.add(id)
    return codeOfWrite(this.#writeBefore(id, next, write), this.#parts)
  }

  close(): void {
    this.#closed = true
    this.#cancelExpiry()
    for (const transaction of this.#transactions.values()) transaction.cancelTimer?.()
  }

  /** Deletes the ids that were idle for the configured time. Resolves when that is durable. */
  async expire(): Promise<void> {
    const before = this.#parts.clock.now() - this.#parts.config.transactionalIdExpirationMs
    const idle = this.all().filter(({ id, record }) => {
      return isIdle(record) && record.updatedAt <= before && !this.#changing.has(id)
    })
    for (let from = 0; from < idle.length; from += EXPIRED_AT_ONCE) {
      await this.#forget(idle.slice(from, from + EXPIRED_AT_ONCE).filter(({ id }) => !this.#changing.has(id)))
    }
  }

  async #forget(idle: readonly Transaction[]): Promise<void> {
    for (const { id } of idle) this.#changing.add(id)
    try {
      await this.#parts.log.append(idle.map(({ id }) => entryOf(id, null)))
      for (const { id } of idle) {
        this.#transactions.delete(id)
        this.#shares.remove(id)
      }
    } finally {
      for (const { id } of idle) this.#changing.delete(id)
    }
  }

  async #write(id: string, make: MakeRecord, { client = '', together }: ChangeOptions): Promise<TransactionRecord> {
    const isNew = !this.#transactions.has(id)
    // Counted from here on: of many simultaneous requests, only as many continue as there is room for.
    if (isNew) this.#shares.add(id, client)
    if (together !== undefined) this.#ending.add(id)
    try {
      const made = await make()
      assertTransition(this.#transactions.get(id)?.record.state ?? 'Empty', made.state)
      const record = { ...made, updatedAt: this.#parts.clock.now() }
      await this.#parts.log.append([entryOf(id, record)], together && { together })
      this.#enforce(id, record)
      return record
    } catch (error) {
      if (isNew) this.#shares.remove(id)
      throw error
    } finally {
      this.#ending.delete(id)
      this.#changing.delete(id)
    }
  }

  async #writeBefore(id: string, next: TransactionRecord, write: () => Promise<unknown>): Promise<void> {
    let isTaken = false
    const together = () => {
      isTaken = true
      this.#changing.delete(id)
      this.#enforce(id, record)
      return write()
    }
    const record = { ...next, updatedAt: this.#parts.clock.now() }
    try {
      assertTransition(this.#transactions.get(id)?.record.state ?? 'Empty', next.state)
      await this.#parts.log.append([entryOf(id, record)], { together })
    } finally {
      if (!isTaken) this.#changing.delete(id)
    }
  }

  #enforce(id: string, record: TransactionRecord): void {
    const transaction = this.#transactions.get(id) ?? newTransaction(id, record)
    transaction.record = record
    this.#transactions.set(id, transaction)
    this.#arm(transaction)
  }

  /** Replaces the timer of the previous state by that of the present one. */
  #arm(transaction: Transaction): void {
    transaction.cancelTimer?.()
    transaction.cancelTimer = null
    if (this.#closed) return
    const { state, startedAt, timeoutMs } = transaction.record
    if (state === 'PrepareCommit' || state === 'PrepareAbort') {
      this.#parts.decided(transaction)
    } else if (state === 'Ongoing') {
      const delayMs = Math.max(0, startedAt + timeoutMs - this.#parts.clock.now())
      transaction.cancelTimer = this.#parts.schedule(delayMs, () => this.#isOverdue(transaction))
    }
  }

  #isOverdue(transaction: Transaction): void {
    // The next timer is set before this attempt, so that there is one in any case.
    transaction.cancelTimer = this.#parts.schedule(ABORT_RETRY_MS, () => this.#isOverdue(transaction))
    if (!this.#changing.has(transaction.id)) this.#parts.overdue(transaction)
  }

  #expireLater(): void {
    if (this.#closed) return
    this.#cancelExpiry = this.#parts.schedule(EXPIRY_INTERVAL_MS, () => {
      this.#expireLater()
      this.expire().catch((error: unknown) => {
        this.#parts.logger.warn({ err: error }, 'idle transactional ids could not be removed; tried again later')
      })
    })
  }
}

function newTransaction(id: string, record: TransactionRecord): Transaction {
  return { id, record, completion: Promise.resolve(), cancelTimer: null }
}
