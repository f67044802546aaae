/** The log can't be read, or holds something that isn't ours: exit code 3. */
export class UnreadableError extends Error {
  readonly code = 'AUDIT_UNREADABLE'
  readonly retriable = true
}

/** What would be compared is no longer on the log: exit code 2. */
export class UndecidableError extends Error {
  readonly code = 'AUDIT_UNDECIDABLE'
  readonly retriable = false
}
