/**
 * An operating fault or a refusal with a Kafka error code, as it goes onto the wire. `code` is one of the protocol's
 * error codes (https://kafka.apache.org/protocol#protocol_error_codes); the message names the value and the limit.
 */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: number

  constructor(code: number, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
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
