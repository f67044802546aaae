/** Decides which errors the present record causes, and how they are reported. */
import type { ReceivedRecord } from '@streampay/kafka'
import { reasonOf, StreamsError } from '../errors.ts'

/** Rethrows errors that no record causes: errors of the disk, or of data read from it. */
export function assertRecords(error: unknown): void {
  if (error instanceof StreamsError && error.code === 'STREAMS_STATE_FAILED') throw error
}

export function refused(topic: string, reason: string): StreamsError {
  return new StreamsError('STREAMS_RECORD_REFUSED', `A record for "${topic}" is refused: ${reason}.`)
}

export function recordFailed(record: ReceivedRecord, error: unknown): StreamsError {
  const { topic, partition, offset } = record
  const message = `The record at ${topic}/${partition}/${offset} could not be processed: ${reasonOf(error)}`
  return new StreamsError('STREAMS_RECORD_FAILED', message, error, { topic, partition, offset })
}
