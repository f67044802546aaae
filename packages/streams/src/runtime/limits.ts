import { StreamsError } from '../errors.ts'

/** The bounds of a running topology. */
export type Limits = {
  /** Records in one transaction, all tasks together. */
  readonly maxBatchRecords: number
  /** Keys and values written by one transaction, in bytes; the record that crosses it is still taken. */
  readonly maxBatchBytes: number
  /**
   * The least time from the start of one transaction to the start of the next. With 0 a transaction starts as soon as there are
   * records and the one before it has ended. A longer time puts more records into one transaction, and what they cause is visible
   * later (`commit.interval.ms` of Kafka Streams).
   */
  readonly commitIntervalMs: number
  /**
   * Offsets of records that caused nothing need no transaction; those for which there is no other get one after so long. A restart
   * may read such records again.
   */
  readonly maxOffsetLagMs: number
  /** One source partition is no longer fetched from here on, until half of it is done. */
  readonly maxQueuedRecords: number
  /** The same in bytes of keys and values. */
  readonly maxQueuedBytes: number
  /** The largest record that may be written, as the encoder makes it: below the 1 MiB that topics allow a batch by default. */
  readonly maxRecordBytes: number
  /** How long a dead process can pin the last stable offset, if nobody takes over. */
  readonly transactionTimeoutMs: number
  /** How long the group waits for a member that is gone; Kafka allows no less by default. */
  readonly sessionTimeoutMs: number
  /** How long the group waits in a rebalance for members that are at work. */
  readonly rebalanceTimeoutMs: number
  /** Restoration, or a table's first reading, that makes no progress for so long is given up. */
  readonly stallTimeoutMs: number
  /**
   * Kept state, of a standby or from an earlier assignment, that lacks something older than this starts over; a process whose
   * global tables lack it ends. Well below the `delete.retention.ms` of those topics, a day by default: a tombstone must
   * not be missed.
   */
  readonly maxReplicaAgeMs: number
  /** How often a standby asks how far it is behind. */
  readonly standbyCheckEveryMs: number
  /** What a standby holds of the changelogs at a time, beside its stores. */
  readonly maxStandbyFetchBytes: number
  /** What is committed is on the disk so much later at most, or when so many entries have gathered. */
  readonly flushEveryMs: number
  /** So many of all tasks together. */
  readonly maxUnflushedEntries: number
  /** Decoded values of stores and tables in memory, of all that are on the disk, as they are estimated. */
  readonly maxCacheBytes: number
  /** So many aborted transactions in a row end the process. */
  readonly maxAbortsInARow: number
  /** How often consumed records of internal sources may be deleted, and how many of a partition make it worth a request. */
  readonly trimEveryMs: number
  /** Fewer consumed records of one partition are left alone. */
  readonly minTrimRecords: number
}

/** What holds where `limits` of RunOptions says nothing else. */
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

/** Origin, reason, stack and marks of a dead letter at their longest: the least that a record must be allowed to take. */
const leastRecordBytes = 16 * 1024

function leastOf(name: keyof Limits): number {
  return name === 'commitIntervalMs' ? 0 : 1
}

/**
 * What the bounds must be, whatever is set: a dead letter has room for what it says of itself, and nothing is so small that
 * not even one record could pass.
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
