/**
 * The error of the codec: bytes that do not follow their layout, or a value that does not fit its layout. A retry
 * with the same bytes fails again.
 */
export class MalformedError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code = 'MALFORMED_MESSAGE'
  /** Always false: the same bytes fail again. */
  readonly retriable = false
  override readonly name: string = 'MalformedError'
}

/** For data that may follow its layout but exceeds a limit on bytes, records or headers. */
export class OversizedError extends MalformedError {
  override readonly name = 'OversizedError'
}
