/**
 * Ordered key-value tables of one process, in one folder. What is in them can be made again from the log, so the folder
 * may always be deleted.
 *
 * - Reads are synchronous, since processors are. A read during `write` sees what was there before it.
 * - Keys are 1 to `maxKeyBytes` bytes, ordered bytewise (as `Buffer.compare` does). Values may be empty.
 * - A buffer that is handed in may be used again after the call; one that is handed out belongs to the caller.
 */
export type LocalStore = {
  /**
   * The table of this name; made if there is none. The same table each time. Not while a range is being read, if it is made.
   * @param name of `a`–`z`, `0`–`9`, `.`, `_`, `/`, `-`; at most 200 characters
   * @throws LocalStoreError LOCAL_STORE_MISUSED, LOCAL_STORE_FULL, LOCAL_STORE_FAILED, LOCAL_STORE_CLOSED
   */
  table(name: string): LocalTable

  /** In alphabetical order. */
  tableNames(): string[]

  /**
   * Applies what `change` asks for, in that order: all of it or nothing. Reads see it at once. It holds when the process is
   * killed; a machine that loses power while the store is open loses all of it (the store is wiped at its next opening).
   * @param change is called once, before this returns; if it throws, nothing is written and the error goes on
   * @throws LocalStoreError LOCAL_STORE_FULL: nothing is written, and reads and deletions go on
   * @throws LocalStoreError LOCAL_STORE_FAILED: the disk is full or broken; nothing is written
   * @throws LocalStoreError LOCAL_STORE_MISUSED, LOCAL_STORE_CLOSED
   */
  write(change: (batch: LocalBatch) => void): void

  /** Taken on the disk. A deletion makes room for later writes inside the files; they don't become smaller. */
  bytes(): number

  /** Deletes the table with all its entries; what was got for this name before is not to be used again. */
  dropTable(name: string): void

  /** Ends ranges that are being read, waits until the disk has everything, and gives the folder free. A second call does nothing. */
  close(): Promise<void>
}

/** One table of a store: its entries in the order of their keys, compared byte by byte. */
export type LocalTable = {
  readonly name: string

  /** A copy of the value. @throws LocalStoreError LOCAL_STORE_CLOSED, LOCAL_STORE_FAILED */
  get(key: Uint8Array): Buffer | undefined

  /**
   * The entries in ascending order of their keys, or descending with `reverse`. Each iteration sees one state, that of its
   * start, also if it is written meanwhile. As long as it is not ended (read to its end, `break`, or `return`), the disk keeps
   * that state beside the new one: read on without waiting for anything.
   */
  range(range?: LocalRange): Iterable<LocalEntry>

  /** The number of entries; takes no time, however many there are. */
  count(): number
}

/** A key with its value. Both are copies, and belong to the caller. */
export type LocalEntry = { readonly key: Buffer; readonly value: Buffer }

/**
 * Which keys, compared byte by byte: from `gte` on, up to but without `lt`. A bound has at most one byte more than a
 * key may have.
 */
export type KeyBounds = {
  /** The least key that belongs to it; without, from the first. */
  readonly gte?: Uint8Array | undefined
  /** The least key behind it; without, to the last. */
  readonly lt?: Uint8Array | undefined
}

/** Which entries, in which direction, and how many. */
export type LocalRange = KeyBounds & {
  readonly reverse?: boolean | undefined
  /** At most this many entries. */
  readonly limit?: number | undefined
}

/** Used only inside `change`, with tables of the same store. @throws LocalStoreError LOCAL_STORE_MISUSED for a bad key */
export type LocalBatch = {
  /** Sets the value of a key, whether it has one or not. */
  put(table: LocalTable, key: Uint8Array, value: Uint8Array): void
  /** A key that is not there is no error. */
  delete(table: LocalTable, key: Uint8Array): void
  /** Takes time by the number of entries, but without bounds: that empties a table in little time. */
  deleteRange(table: LocalTable, bounds?: KeyBounds): void
}

/** Longer keys don't fit on the pages of every implementation. */
export const maxKeyBytes = 1_000
