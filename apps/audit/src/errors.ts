/** The log can't be read, or has a record that StreamPay would not write: exit code 3. */
export class UnreadableError extends Error {
  readonly code = 'AUDIT_UNREADABLE'
  readonly retriable = true
}

/** Records that would be compared are no longer on the log: exit code 2. */
export class UndecidableError extends Error {
  readonly code = 'AUDIT_UNDECIDABLE'
  readonly retriable = false
}
