/**
 * The one error of the codec: bytes that do not follow their layout, or a value that its layout can't hold. It is
 * never worth a retry with the same bytes.
 */
export class MalformedError extends Error {
  readonly code = 'MALFORMED_MESSAGE'
  readonly retriable = false
  override readonly name: string = 'MalformedError'
}

/** What may well follow its layout, but goes beyond a bound on bytes, records or headers. */
export class OversizedError extends MalformedError {
  override readonly name = 'OversizedError'
}
