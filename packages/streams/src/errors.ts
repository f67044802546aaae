/**
 * Every error that this package throws, with its meaning. None may be retried inside the process: each ends the task or
 * the process, which restarts from the committed state, because it must not continue with a wrong state. The README has the same
 * table, and a test compares the two.
 */
export const streamsErrors = {
  STREAMS_TOPOLOGY_INVALID: 'The topology contradicts itself; the message lists every problem.',
  STREAMS_LIMITS_INVALID: 'A bound that a topology is run with is too small; the message lists all.',
  STREAMS_TOPICS_MISMATCH: 'A topic is missing, or co-partitioned topics have different numbers of partitions.',
  STREAMS_RECORD_FAILED: 'A record that must not be skipped could not be processed; the message names its coordinates.',
  STREAMS_PUNCTUATOR_FAILED: 'A punctuator threw.',
  STREAMS_END_OF_BATCH_FAILED: 'The endOfBatch function of the topology threw.',
  STREAMS_CONTEXT_MISUSED: 'A processor used its context wrongly: an unknown name, or after it returned.',
  STREAMS_RECORD_REFUSED: 'A processor made a record that its readers could not take: too large, or with a wrong key.',
  STREAMS_OFFSETS_DIFFER: 'The input offsets of the group and of the positions changelog are not the same.',
  STREAMS_INPUT_GAP: 'A committed input offset is outside the log: records are gone that were never processed.',
  STREAMS_RESTORE_STALLED: 'Restoration, or the first reading of the global tables, made no progress in its time.',
  STREAMS_TABLES_OUTDATED: 'The process was paused for so long that its global tables cannot continue.',
  STREAMS_SET_ASIDE_UNREADABLE: 'A note about a record that an operator has set aside cannot be read.',
  STREAMS_STATE_FAILED:
    'The local state cannot be opened, read or written: a disk that is full or broken, or a bound too low.',
  STREAMS_CHANGELOG_CORRUPT: 'A changelog contains bytes that its serde does not accept.',
  STREAMS_ASSIGNMENT_INVALID: 'The group assigned some, but not all, of the co-partitioned inputs of a task.',
  STREAMS_COMMIT_FAILED: 'A transaction was fenced, has an unknown outcome, or aborted too often in a row.',
  STREAMS_MEMBERSHIP_LOST:
    'The member cannot stay in its group: another process has its slot, or the group refuses it.',
} as const

/** The coordinates of a record. */
export type RecordPlace = { readonly topic: string; readonly partition: number; readonly offset: number }

/** The code of an error: stable, for programs. README.md has a table with the meaning of each. */
export type StreamsErrorCode = keyof typeof streamsErrors

/** The class of all errors of this package. After one that ends a topology, the process has to exit. */
export class StreamsError extends Error {
  override readonly name = 'StreamsError'
  /** Stable, for programs; the message is for people and may change. */
  readonly code: StreamsErrorCode
  /** Always false: the remedy is a restart or a repair, never the same call again. */
  readonly retriable = false
  /** The record that caused the error, if one did. */
  readonly record: RecordPlace | undefined

  constructor(code: StreamsErrorCode, message: string, cause?: unknown, record?: RecordPlace) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.record = record
  }
}

/** The text of any thrown value. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
