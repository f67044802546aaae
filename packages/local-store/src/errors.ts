/** Every error that this package throws, with its meaning. The README has the same table, and a test compares the two. */
export const localStoreErrors = {
  LOCAL_STORE_LOCKED: 'Another process, or this one, has the folder open.',
  LOCAL_STORE_UNUSABLE: 'The folder cannot be made, read or written; the message says which file and why.',
  LOCAL_STORE_FULL: 'The store has reached its bound of bytes; the message names it. Reads and deletions still work.',
  LOCAL_STORE_FAILED: 'A read or a write failed, for example because the disk is full. Nothing was written.',
  LOCAL_STORE_MISUSED: 'A call that the interface does not allow: a bad name or key, or a write inside a write.',
  LOCAL_STORE_CLOSED: 'The store was closed, or the table was dropped.',
} as const

/** The code of an error: stable, for programs. README.md has a table with the meaning of each. */
export type LocalStoreErrorCode = keyof typeof localStoreErrors

/** The class of all errors of this package. */
export class LocalStoreError extends Error {
  override readonly name = 'LocalStoreError'
  /** Stable, for programs; the message is for people and may change. */
  readonly code: LocalStoreErrorCode
  /** Whether the same call may succeed later, without a change to the program: another process ends, or there is space again. */
  readonly retriable: boolean

  constructor(code: LocalStoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retriable = code === 'LOCAL_STORE_LOCKED' || code === 'LOCAL_STORE_FULL' || code === 'LOCAL_STORE_FAILED'
  }
}

/** The text of any thrown value. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
