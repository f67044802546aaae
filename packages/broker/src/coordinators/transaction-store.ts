/**
 * The state of all transactional ids, and the path by which it changes:
 *
 *     appended to `__transaction_state` ──► durable ──► in memory, with its timer ──► answered
 *                    └── refused ──► memory and timer stay as they were ──► answered with a code
 *
 * Nothing is said, and nothing else begins, before a change is durable: what is only in memory is gone after a kill, and
 * the marker of the next transaction would then commit the records of the one that was lost. What joins by writing
 * (`changeBefore`) is in force once the log has taken it: what is written because of it stands behind it in the journal.
 *
 * A timer is replaced in the same step as the state that it belongs to, so an open transaction always has one.
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

/** How long an abort that was refused, or that another change stood before, waits for its next try. */
const ABORT_RETRY_MS = 1000
/** Apache Kafka looks as often (`transaction.remove.expired.transaction.cleanup.interval.ms`). */
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
  /** Called when a decision is durable whose markers are still to be written, at start too. */
  decided(transaction: Transaction): void
}

/** `record` is the state that the change has led to, null if there was none. */
export type ChangeResult = { readonly errorCode: number; readonly record: TransactionRecord | null }

export type MakeRecord = () => Promise<TransactionRecord> | TransactionRecord

export type ChangeOptions = {
  /** Whom a new id counts to. */
  readonly client?: string
  /** What becomes durable with the change: see `AppendOptions`. */
  readonly together?: () => Promise<unknown>
}

export class TransactionStore {
  readonly #parts: TransactionStoreParts
  readonly #transactions = new Map<string, Transaction>()
  /** Ids whose next state is being written. */
  readonly #changing = new Set<string>()
  /** Of those, the ones with which markers are written. */
  readonly #ending = new Set<string>()
  readonly #shares: Shares
  #cancelExpiry = () => {}
  #closed = false

  constructor(parts: TransactionStoreParts) {
    this.#parts = parts
    const { maxTransactionalIds: most, maxTransactionalIdsPerClient: mostOfOne } = parts.config
    this.#shares = new Shares({ most, mostOfOne })
  }

  /** Reads the state, and resumes what a crash left behind; that goes on after this has resolved. */
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

  /** Whether a change of this id is being written: who asks meanwhile is told CONCURRENT_TRANSACTIONS. */
  isChanging(id: string): boolean {
    return this.#changing.has(id)
  }

  /** Whether markers of this id are being written, with the state that they belong to. */
  isEnding(id: string): boolean {
    return this.#ending.has(id)
  }

  /** Whether a new id may be taken up for this client (its principal or address). */
  hasRoomFor(client: string): boolean {
    return this.#shares.hasRoomFor(client)
  }

  /**
   * The one path. Resolves with NONE when the next state is durable and in force; with a code if it was refused, or if
   * it takes too long: then it may still come into force later, and until that is known the id stays `isChanging`.
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
   * The next state and what is written because of it, in this order in the journal. The state is in force as soon as the log has
   * taken it, and `write` is called then; if the log refuses it, neither happens. Resolves as `change` does.
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

  /** Forgets the ids that were idle for the time of the configuration. Resolves when that is durable. */
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
    // Counted from here on: of many that are asked for at once, no more are begun than there is room for.
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

  /** Puts the timer of the present state in the place of the one before. */
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
    // The next timer stands before anything is tried, whatever comes of this try.
    transaction.cancelTimer = this.#parts.schedule(ABORT_RETRY_MS, () => this.#isOverdue(transaction))
    if (!this.#changing.has(transaction.id)) this.#parts.overdue(transaction)
  }

  #expireLater(): void {
    if (this.#closed) return
    this.#cancelExpiry = this.#parts.schedule(EXPIRY_INTERVAL_MS, () => {
      this.#expireLater()
      this.expire().catch((error: unknown) => {
        this.#parts.logger.warn({ err: error }, 'idle transactional ids could not be forgotten; tried again later')
      })
    })
  }
}

function newTransaction(id: string, record: TransactionRecord): Transaction {
  return { id, record, completion: Promise.resolve(), cancelTimer: null }
}
