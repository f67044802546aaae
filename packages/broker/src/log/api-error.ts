/** Which record of a batch is invalid, by its index in the batch, from 0, and why, in words for people (KIP-467). */
export type RecordError = { readonly index: number; readonly message: string }

/**
 * An error or a refusal with a Kafka error code, as it is sent to the client. `code` is one of the protocol's
 * error codes (https://kafka.apache.org/protocol#protocol_error_codes); the message names the value and the limit.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The protocol's error code, as a number. */
  readonly code: number
  /** The records that caused the error, by their index in the batch; empty if it is not about single records. */
  readonly recordErrors: readonly RecordError[]

  constructor(code: number, message: string, options?: { cause?: unknown; recordErrors?: readonly RecordError[] }) {
    super(message, options)
    this.code = code
    this.recordErrors = options?.recordErrors ?? []
  }
}

/** The folder has content that this broker did not write: a start would lose or invent records. The message is one clear sentence. */
export class BrokenLogError extends Error {
  override readonly name = 'BrokenLogError'
}

/** Another process holds the data folder. The message is one clear sentence with the folder and, if known, the process. */
export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError'
}
