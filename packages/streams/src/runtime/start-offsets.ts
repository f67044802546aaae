/**
 * The offsets at which the inputs of a task continue. Three sources have to agree: the group's committed offsets, the positions
 * changelog that was written in the same transactions as the stores, and the log itself. There is no silent fallback: a wrong
 * offset would skip or repeat payments.
 */
import type { CommittedOffset, TopicPartition } from '@streampay/kafka'
import { StreamsError } from '../errors.ts'
import { isNothingRead } from '../log/offset-metadata.ts'
import type { Position } from '../state/positions.ts'

export type InputFacts = TopicPartition & {
  /** Its offset is -1 if the group has none. */
  readonly committed: CommittedOffset | undefined
  readonly position: Position | undefined
  readonly logStart: number
  readonly logEnd: number
}

/**
 * The offset at which an input continues.
 * @throws StreamsError STREAMS_OFFSETS_DIFFER, STREAMS_INPUT_GAP
 */
export function startOffset(facts: InputFacts): number {
  const { topic, partition, position, logStart, logEnd } = facts
  const committed = facts.committed?.offset ?? -1
  const at = `${topic}/${partition}`
  if (committed === -1 && position === undefined) return logStart
  const isUnread = position === undefined && isNothingRead(facts.committed?.metadata ?? '')
  if (committed !== -1 && committed !== position?.offset && !isUnread) {
    const written = position === undefined ? 'none' : String(position.offset)
    throw new StreamsError(
      'STREAMS_OFFSETS_DIFFER',
      `The group has committed offset ${committed} of ${at}, but the positions changelog says ${written}: the stores and the inputs are not from the same transactions.`,
    )
  }
  // The group's offsets expire a week after its last member left; the changelog's never do.
  const offset = position?.offset ?? committed
  if (offset < logStart) {
    throw new StreamsError(
      'STREAMS_INPUT_GAP',
      `Offsets ${offset} to ${logStart - 1} of ${at} are gone and were never processed.`,
    )
  }
  if (offset > logEnd) {
    throw new StreamsError(
      'STREAMS_INPUT_GAP',
      `${at} ends at offset ${logEnd}, but ${offset} was committed: the log has lost records.`,
    )
  }
  return offset
}
