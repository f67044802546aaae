/**
 * Ordered key-value tables of one process, in one folder. The contents can be rebuilt from the log, so the folder
 * may be deleted at any time.
 *
 * - Reads are synchronous, because processors are. A read during `write` sees the state before it.
 * - Keys are 1 to `maxKeyBytes` bytes, ordered bytewise (as `Buffer.compare` does). Values may be empty.
 * - A caller may reuse its buffers after the call; returned buffers belong to the caller.
 */
export type LocalStore = {
  /**
   * The table of this name, created if it does not exist; always the same object. A new table can't be created while a range is being read.
   * @param name of `a`–`z`, `0`–`9`, `.`, `_`, `/`, `-`; at most 200 characters
   * @throws LocalStoreError LOCAL_STORE_MISUSED, LOCAL_STORE_FULL, LOCAL_STORE_FAILED, LOCAL_STORE_CLOSED
   */
  table(name: string): LocalTable

  /** In alphabetical order. */
  tableNames(): string[]

  /**
   * Applies the changes that `change` requests, in that order: all or none. Reads see them at once. They survive a kill of the
   * process; if the machine loses power while the store is open, all data is lost (the store is wiped at its next opening).
   * @param change is called once, before this returns; if it throws, nothing is written and the error is passed on
   * @throws LocalStoreError LOCAL_STORE_FULL: nothing is written, and reads and deletions go on
   * @throws LocalStoreError LOCAL_STORE_FAILED: the disk is full or broken; nothing is written
   * @throws LocalStoreError LOCAL_STORE_MISUSED, LOCAL_STORE_CLOSED
   */
  write(change: (batch: LocalBatch) => void): void

  /** The size on the disk. A deletion frees space for later writes inside the files; they don't become smaller. */
  bytes(): number

  /** Deletes the table with all its entries; objects returned for this name before must not be used any more. */
  dropTable(name: string): void

  /** Ends ranges that are being read, waits until the disk has all data, and releases the folder. A second call has no effect. */
  close(): Promise<void>
}

/** One table of a store: its entries in key order, compared byte by byte. */
export type LocalTable = {
  /** Unique in its store. */
  readonly name: string

  /** A copy of the value. @throws LocalStoreError LOCAL_STORE_CLOSED, LOCAL_STORE_FAILED */
  get(key: Uint8Array): Buffer | undefined

  /**
   * The entries in ascending order of their keys, or descending with `reverse`. Each iteration sees the state at its
   * start, also if the table is written meanwhile. Until it has ended (read to its end, `break`, or `return`), the disk keeps
   * that state beside the new one: so read it without waiting for other work.
   */
  range(range?: LocalRange): Iterable<LocalEntry>

  /** The number of entries; its cost does not depend on their number. */
  count(): number
}

/** A key with its value. Both are copies, and belong to the caller. */
export type LocalEntry = { readonly key: Buffer; readonly value: Buffer }

/**
 * A range of keys, compared byte by byte: from `gte`, inclusive, to `lt`, exclusive. A limit may be one byte longer than a
 * key.
 */
export type KeyBounds = {
  /** The lowest key, inclusive; default: the first. */
  readonly gte?: Uint8Array | undefined
  /** The highest key, exclusive; default: no limit. */
  readonly lt?: Uint8Array | undefined
}

/** Which entries, in which direction, and how many. */
export type LocalRange = KeyBounds & {
  /** In descending order of the keys; default false. */
  readonly reverse?: boolean | undefined
  /** The largest number of entries. */
  readonly limit?: number | undefined
}

/** Only for use inside `change`, with tables of the same store. @throws LocalStoreError LOCAL_STORE_MISUSED for an invalid key */
export type LocalBatch = {
  /** Sets the value of a key, new or existing. */
  put(table: LocalTable, key: Uint8Array, value: Uint8Array): void
  /** A key that does not exist is no error. */
  delete(table: LocalTable, key: Uint8Array): void
  /** The time depends on the number of entries; without limits it empties the table in a short time. */
  deleteRange(table: LocalTable, bounds?: KeyBounds): void
}

/** Longer keys don't fit on the pages of every implementation. */
export const maxKeyBytes = 1_000
