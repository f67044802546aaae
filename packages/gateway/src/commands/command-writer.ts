/** Writes the records of requests, and separates errors by outcome: surely not on the log, or unknown. */
import { KafkaError, type Producer, type RecordMetadata, type RecordToSend } from '@streampay/kafka'
import { ProblemError } from '../shared/problem.ts'

/** The cached state of the log; `heard` is called when the log has answered. */
export type LogState = { readonly isReachable: () => boolean; readonly heard: () => void }

export type WriteResult =
  | { readonly outcome: 'written'; readonly metadata: RecordMetadata }
  | { readonly outcome: 'not-written' | 'unknown'; readonly cause: unknown }

export async function write(producer: Producer, record: RecordToSend): Promise<WriteResult> {
  try {
    const [metadata] = await producer.send([record])
    if (metadata === undefined)
      return { outcome: 'unknown', cause: new Error('The log returned no offset for the record') }
    return { outcome: 'written', metadata }
  } catch (cause) {
    return { outcome: cause instanceof KafkaError ? (cause.outcome ?? 'unknown') : 'unknown', cause }
  }
}

/** 503: the same request may be sent again. */
export function notWritten(cause?: unknown): ProblemError {
  return new ProblemError('log-unavailable', 'The log could not be reached; nothing was written. Try again.', {
    headers: { 'retry-after': '2' },
    cause,
  })
}
