/** Puts records on the log for a request, and tells apart what surely did not get there from what nobody knows. */
import { KafkaError, type Producer, type RecordMetadata, type RecordToSend } from '@streampay/kafka'
import { ProblemError } from '../shared/problem.ts'

/** What is known of the log without asking it, and where to tell that it has answered. */
export type LogState = { readonly isReachable: () => boolean; readonly heard: () => void }

export type WriteResult =
  | { readonly outcome: 'written'; readonly metadata: RecordMetadata }
  | { readonly outcome: 'not-written' | 'unknown'; readonly cause: unknown }

export async function write(producer: Producer, record: RecordToSend): Promise<WriteResult> {
  try {
    const [metadata] = await producer.send([record])
    if (metadata === undefined) return { outcome: 'unknown', cause: new Error('The log gave no place for the record') }
    return { outcome: 'written', metadata }
  } catch (cause) {
    return { outcome: cause instanceof KafkaError ? (cause.outcome ?? 'unknown') : 'unknown', cause }
  }
}

/** 503: it may be sent again as it is. */
export function notWritten(cause?: unknown): ProblemError {
  return new ProblemError('log-unavailable', 'The log could not be reached; nothing was written. Try again.', {
    headers: { 'retry-after': '2' },
    cause,
  })
}
