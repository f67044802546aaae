/** Which record of a batch is wrong, by its place in the batch, and why (KIP-467). */
export type RecordError = { readonly index: number; readonly message: string }

/**
 * An operating fault or a refusal with a Kafka error code, as it goes onto the wire. `code` is one of the protocol's
 * error codes (https://kafka.apache.org/protocol#protocol_error_codes); the message names the value and the limit.
 */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: number
  readonly recordErrors: readonly RecordError[]

  constructor(code: number, message: string, options?: { cause?: unknown; recordErrors?: readonly RecordError[] }) {
    super(message, options)
    this.code = code
    this.recordErrors = options?.recordErrors ?? []
  }
}

/** The folder's content is not what this broker wrote: starting would lose or invent records. One clear sentence. */
export class BrokenLogError extends Error {
  override readonly name = 'BrokenLogError'
}

/** Another process holds the data folder. One clear sentence, naming the folder and, if known, the process. */
export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError'
}
