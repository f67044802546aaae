/**
 * Every fault that this package throws, with what it means. None may be retried inside the process: each ends the task or
 * the process, which starts again from what is committed (style: never limp on with bad state). The README shows the same
 * table, and a test holds the two equal.
 */
export const streamsErrors = {
  STREAMS_TOPOLOGY_INVALID: 'The topology contradicts itself; the message lists every problem.',
  STREAMS_TOPICS_MISMATCH: 'A topic is missing, or co-partitioned topics have different numbers of partitions.',
  STREAMS_RECORD_FAILED: 'A record that must not be skipped could not be processed; the message names its coordinates.',
  STREAMS_PUNCTUATOR_FAILED: 'A punctuator threw.',
  STREAMS_END_OF_BATCH_FAILED: 'The endOfBatch function of the topology threw.',
  STREAMS_CONTEXT_MISUSED:
    'A processor used its context wrongly: an unknown name, an oversized record, or after it returned.',
  STREAMS_OFFSETS_DIFFER: 'The input offsets of the group and of the positions changelog are not the same.',
  STREAMS_INPUT_GAP: 'A committed input offset is outside the log: records are gone that were never processed.',
  STREAMS_RESTORE_STALLED: 'Restoration, or the first reading of the global tables, made no progress in its time.',
  STREAMS_TABLES_OUTDATED: 'The process stood still for so long that its global tables cannot be read on.',
  STREAMS_CHANGELOG_CORRUPT: 'A changelog holds bytes that its serde does not accept.',
  STREAMS_ASSIGNMENT_INVALID: 'The group assigned some, but not all, of the co-partitioned inputs of a task.',
  STREAMS_COMMIT_FAILED: 'A transaction was fenced, has an unknown outcome, or aborted too often in a row.',
  STREAMS_MEMBERSHIP_LOST:
    'The member cannot stay in its group: another process has its slot, or the group refuses it.',
} as const

export type StreamsErrorCode = keyof typeof streamsErrors

export class StreamsError extends Error {
  override readonly name = 'StreamsError'
  readonly code: StreamsErrorCode
  /** Always false: the remedy is a restart or a repair, never the same call again. */
  readonly retriable = false

  constructor(code: StreamsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The text of whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
