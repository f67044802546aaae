/**
 * One transactional.id: its producer, its state, and the partitions of its open transaction.
 *
 *     Empty ──► Ongoing ──with all markers──► CompleteCommit, CompleteAbort ─┐
 *       ▲         ▲                                                          │
 *       │         └───────────────────── next transaction ───────────────────┤
 *       └──────────────────────── InitProducerId ────────────────────────────┘
 *
 * With `transaction.version` 2, an abort without an open transaction also leads to CompleteAbort: the producer gets another epoch by it.
 *
 * The end of a transaction and all its markers are one write of the journal. PrepareCommit and PrepareAbort, a decision
 * whose markers follow one by one, are needed by brokers with several nodes, and were written by this broker until version 0.1: a
 * broker that finds one at its start writes the markers.
 */
import type { StateEntry } from './state-log.ts'

export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const
export type TransactionState = (typeof transactionStates)[number]

export type TransactionPartition = { readonly topic: string; readonly partition: number }

/** The stored record; a change makes a new one. */
export type TransactionRecord = {
  readonly producerId: number
  readonly producerEpoch: number
  /**
   * The epoch in the producer's last InitProducerId, by which a repetition is recognized. -1 if it had
   * none or the producer was fenced since: a producer with an old epoch is then a zombie.
   */
  readonly lastEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: readonly TransactionPartition[]
  /** After an end that gave the producer its next epoch or id: the previous identity, by which a repetition of that end is recognized. */
  readonly endedBy?: { readonly producerId: number; readonly producerEpoch: number }
  /** When the transaction began, -1 outside of one. */
  readonly startedAt: number
  readonly updatedAt: number
}

export type Transaction = {
  readonly id: string
  record: TransactionRecord
  /** Resolves when the markers of a transaction that ends in steps are durable. */
  completion: Promise<void>
  /** Cancels the timer of the present state: the timeout of an open transaction, or the next attempt to write its markers. */
  cancelTimer: (() => void) | null
}

const KIND = 'transaction'

/** Null deletes the id. */
export function entryOf(transactionalId: string, record: TransactionRecord | null): StateEntry {
  return { key: [KIND, transactionalId], value: record }
}

/** Null if the entry has another subject. */
export function recordOf({ key, value }: StateEntry): { id: string; record: TransactionRecord | null } | null {
  const [kind, id] = key
  if (kind !== KIND || typeof id !== 'string') return null
  return { id, record: value as TransactionRecord | null }
}

/** With more partitions; undefined if all of them are part of it already. */
export function joined(
  record: TransactionRecord,
  added: readonly TransactionPartition[],
  now: number,
): TransactionRecord | undefined {
  const { endedBy, ...rest } = record
  const begins = record.state !== 'Ongoing'
  const before = begins ? [] : record.partitions
  const fresh = withoutThose(before, added)
  if (!begins && fresh.length === 0) return undefined
  return { ...rest, state: 'Ongoing', partitions: [...before, ...fresh], startedAt: begins ? now : record.startedAt }
}

/** Those of `added` that are not among `known`, each once. */
function withoutThose(
  known: readonly TransactionPartition[],
  added: readonly TransactionPartition[],
): TransactionPartition[] {
  const nameOf = ({ topic, partition }: TransactionPartition) => `${topic}-${partition}`
  const names = new Set(known.map(nameOf))
  return added.filter((one) => names.size < names.add(nameOf(one)).size)
}

export function isEnding({ state }: TransactionRecord): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

/** Whether the decision, or the completed end, is a commit. */
export function isCommit({ state }: TransactionRecord): boolean {
  return state === 'PrepareCommit' || state === 'CompleteCommit'
}

/** The state after the end of the transaction. */
export function completed(record: TransactionRecord, commit: boolean): TransactionRecord {
  return { ...record, state: commit ? 'CompleteCommit' : 'CompleteAbort', partitions: [], startedAt: -1 }
}

/** No transaction is open or ending. */
export function isIdle(record: TransactionRecord): boolean {
  return record.state !== 'Ongoing' && !isEnding(record)
}

export function includes(record: TransactionRecord, { topic, partition }: TransactionPartition): boolean {
  return record.partitions.some((one) => one.topic === topic && one.partition === partition)
}

/** The allowed transitions; any other is a bug of the coordinator. */
const transitions: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'Ongoing', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['CompleteCommit'],
  PrepareAbort: ['CompleteAbort'],
  CompleteCommit: ['Empty', 'Ongoing', 'CompleteAbort'],
  CompleteAbort: ['Empty', 'Ongoing', 'CompleteAbort'],
}

export function assertTransition(from: TransactionState, to: TransactionState): void {
  if (!transitions[from].includes(to)) throw new Error(`a transaction can't go from ${from} to ${to}`)
}
