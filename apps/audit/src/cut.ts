/**
 * A cut through a live log, taken so that every comparison below is decidable while the services continue. The parts are read in the order
 * of the fields; because of that order each comparison is one-sided and safe:
 *
 * 1. `stable*` offsets are last stable offsets and `applied*` are committed offsets. They are read first: records below them were
 * decided before any other read, and all records of the same transactions will be seen.
 *  2. Derived topics (activities, totals, statements, balances, histories, requests) are read up to their high watermark, waiting for
 *     open transactions to end.
 * 3. `transactions` is read last, also to its high watermark: the entry of every derived record is below that.
 *
 * So "an entry below `stable` has its row" and "a row has its entry" can both be demanded; an entry above is in flight.
 */
import type {
  Activity,
  AverageTransactions,
  Balance,
  BalanceHistory,
  Entry,
  PaymentRequest,
  SetAsideNote,
  Statement,
  StatementPerson,
  TotalTransactions,
} from '@streampay/domain'

/** A decoded record with its coordinates. `key` is the record's key as text. */
export type Located<T> = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string
  readonly value: T
}

/** Next offsets by partition. */
export type Offsets = readonly number[]

export type AcceptedReply = {
  /** `payment` for a 200 with a transferId. */
  readonly transferId: string
  readonly identity: string
  readonly balance: number
}

/** The positions of the groups and the ledger when the cut was taken, and other values that are not in records. */
export type Marks = {
  /** Of `transactions`: below these, both entries of every transfer and all rows of writers are decided. */
  readonly stableTransactions: Offsets
  /** The payments group's committed offsets of `transactions`: reader entries below are credited. */
  readonly appliedTransactions: Offsets
  /** The statistics group's committed offsets of `transactions` and `payment-requests`. */
  readonly countedTransactions: Offsets
  readonly countedRequests: Offsets
  /** The statistics group's committed offsets of `balance-histories`: rows below are in the statements. */
  readonly foldedHistories: Offsets
  /** Of `balance-histories`: below these, `balances` must have reached the row. */
  readonly stableHistories: Offsets
  /** The oldest time from which activities are retained, in ms; 0 if none was removed. */
  readonly activitiesFrom: number
  /** Parts that statistics had forwarded and not yet added when the totals were read. */
  readonly pendingTotals: { readonly count: number; readonly volume: number }
  /** The reader's clock when all was read, in ms since the epoch. */
  readonly takenAt: number
}

/** A cut whose records are all in memory: for tests and models, whose logs are small. */
export type LogCut = Marks & {
  readonly partitionCount: number
  readonly replies: readonly Located<AcceptedReply>[]
  /** As far back as they are retained. */
  readonly activities: readonly Located<Activity>[]
  readonly totals: Located<TotalTransactions> | undefined
  readonly average: Located<AverageTransactions> | undefined
  /** The newest record of each key; a tombstone is absent. */
  readonly balances: ReadonlyMap<string, Located<Balance>>
  /** The newest of each key, read before the histories. */
  readonly statements: ReadonlyMap<string, Located<Statement>>
  readonly statementPeople: ReadonlyMap<string, Located<StatementPerson>>
  readonly histories: readonly Located<BalanceHistory>[]
  readonly requests: ReadonlyMap<string, Located<PaymentRequest>>
  readonly removedRequests: ReadonlySet<string>
  readonly transactions: readonly Located<Entry>[]
  /** Records that an operator has taken out of processing: none of the fields above includes them. */
  readonly setAside: readonly SetAsideNote[]
}

/** A violated invariant. `record` are the coordinates of the record that shows it, if there is one. */
export type Finding = {
  readonly invariant: 'INV-1' | 'INV-2' | 'INV-3' | 'INV-4' | 'INV-5' | 'INV-7'
  readonly message: string
  readonly record?: string
}

export function coordinates(record: Located<unknown>): string {
  return `${record.topic}-${record.partition}@${record.offset}`
}

/** True if the record lies below the offset given for its partition. */
export function isBelow(record: Located<unknown>, offsets: Offsets): boolean {
  return record.offset < (offsets[record.partition] ?? 0)
}
