import { StreamsError } from '../errors.ts'

/** The limits of a running topology. */
export type Limits = {
  /** Records in one transaction, all tasks together. */
  readonly maxBatchRecords: number
  /** Keys and values written by one transaction, in bytes; the record that crosses it is still taken. */
  readonly maxBatchBytes: number
  /**
   * The least time from the start of one transaction to the start of the next. With 0 a transaction starts as soon as there are
   * records and the one before it has ended. A longer time puts more records into one transaction, and their effects are visible
   * later (`commit.interval.ms` of Kafka Streams).
   */
  readonly commitIntervalMs: number
  /**
   * Offsets of records without effects need no transaction of their own; if no other transaction takes them, they get one after this
   * time. A restart may read such records again.
   */
  readonly maxOffsetLagMs: number
  /** At this number of records a source partition is no longer fetched, until half of them are processed. */
  readonly maxQueuedRecords: number
  /** The same limit in bytes of keys and values. */
  readonly maxQueuedBytes: number
  /** The largest record that may be written, in encoded bytes: less than the 1 MiB that topics allow for a batch by default. */
  readonly maxRecordBytes: number
  /** How long a dead process can pin the last stable offset, if no other process takes over. */
  readonly transactionTimeoutMs: number
  /** How long the group waits for a member that is gone; Kafka allows no less by default. */
  readonly sessionTimeoutMs: number
  /** How long the group waits in a rebalance for members that are at work. */
  readonly rebalanceTimeoutMs: number
  /** Restoration, or the first reading of a table, fails if it makes no progress for this time. */
  readonly stallTimeoutMs: number
  /**
   * Kept state (a standby's, or that of an earlier assignment) starts over if it lacks records older than this; a process whose
   * global tables lack such records ends. It is well below the `delete.retention.ms` of those topics, a day by default, because no
   * tombstone may be missed.
   */
  readonly maxReplicaAgeMs: number
  /** How often a standby measures its lag. */
  readonly standbyCheckEveryMs: number
  /** The bytes of changelogs that a standby buffers, beside its stores. */
  readonly maxStandbyFetchBytes: number
  /** Committed entries are on the disk after this time at most, or as soon as `maxUnflushedEntries` of them wait. */
  readonly flushEveryMs: number
  /** The number of entries of all tasks together. */
  readonly maxUnflushedEntries: number
  /** The estimated size of decoded values in memory, for all stores and tables that are on the disk. */
  readonly maxCacheBytes: number
  /** After this many aborted transactions in a row the process ends. */
  readonly maxAbortsInARow: number
  /** The least time between two deletions of consumed records of internal sources. */
  readonly trimEveryMs: number
  /** A partition with fewer consumed records is not trimmed. */
  readonly minTrimRecords: number
}

/** The limits that apply unless `limits` of RunOptions sets others. */
export const defaultLimits: Limits = {
  maxBatchRecords: 4_000,
  maxBatchBytes: 8 * 1024 * 1024,
  commitIntervalMs: 0,
  maxOffsetLagMs: 1_000,
  maxQueuedRecords: 10_000,
  maxQueuedBytes: 8 * 1024 * 1024,
  maxRecordBytes: 1_000_000,
  transactionTimeoutMs: 10_000,
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 20_000,
  stallTimeoutMs: 60_000,
  maxReplicaAgeMs: 6 * 3_600_000,
  standbyCheckEveryMs: 10_000,
  maxStandbyFetchBytes: 512 * 1024,
  flushEveryMs: 200,
  maxUnflushedEntries: 2_000,
  maxCacheBytes: 32 * 1024 * 1024,
  maxAbortsInARow: 20,
  trimEveryMs: 30_000,
  minTrimRecords: 1_000,
}

const names = Object.keys(defaultLimits) as readonly (keyof Limits)[]

/** The largest size of origin, reason, stack and other headers of a dead letter: a record must be allowed to have at least this size. */
const leastRecordBytes = 16 * 1024

function leastOf(name: keyof Limits): number {
  return name === 'commitIntervalMs' ? 0 : 1
}

/**
 * Conditions that any limits must meet: a dead letter has room for its own headers, and each limit allows at least
 * one record.
 * @throws StreamsError STREAMS_LIMITS_INVALID
 */
export function checkLimits(limits: Limits): void {
  const { maxRecordBytes } = limits
  const problems = [
    ...names
      .filter((name) => !(Number.isSafeInteger(limits[name]) && limits[name] >= leastOf(name)))
      .map((name) => `${name} is ${limits[name]}, not a whole number from ${leastOf(name)}`),
    ...(maxRecordBytes < leastRecordBytes ? [`maxRecordBytes is ${maxRecordBytes}, below ${leastRecordBytes}`] : []),
  ]
  if (problems.length === 0) return
  throw new StreamsError('STREAMS_LIMITS_INVALID', `The limits of a topology are wrong: ${problems.join('; ')}.`)
}
