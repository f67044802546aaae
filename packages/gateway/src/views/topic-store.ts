/**
 * The rows of a topic's views are in a local store, so that a start reads only the tail of the log:
 *
 *     log ──poll──► TopicFeed ──a slice──► Table, OffsetIndex, WordIndex: rows, collected in memory
 *                                                    │ write: rows and note in one local transaction
 *                                                    ▼
 *     GET, SSE ◄── values of the log ◄── ranges ── table of the topic ── note: how far, of which log, by which definition
 *
 * **Rows.** One table for each topic; the first byte of a key is the kind of the row (row-keys.ts). Of a compacted topic: the records
 * themselves, the groups of their owners in log order, the words of a directory, and the times at which rows are deleted. Of a topic
 * that keeps every record: only offsets, by group; the values stay in the log and are read from it by offset (ValueReader).
 *
 * **Writes.** Until a topic is read to its end, its views give no answers, and rows are collected up to `pendingBytes`. Several
 * changes of a row are written once. From then on each slice of a poll is written before streams are notified,
 * so that a range shows all records up to the feed's positions. If the local store accepts no data (a full disk), the feed polls no
 * further, its views answer 503, and it tries again.
 *
 * **Checks at the start.** A note in the table is written together with the rows. The rows are used if
 *
 * | the note | equals | else |
 * |---|---|---|
 * | definition: views, schema, format of rows | this gateway's | another gateway's, or an older release's |
 * | topic id, number of partitions | the log's | another log, or a topic created anew |
 * | position of each partition | the log's start and end | the log lost its end, or its beginning |
 * | offset and checksum of the last record of each partition | the record on the log | the log lost its end, and grew again |
 * | set-aside records | the records that are set aside now | a row that should not exist |
 * | when the position was the end of a compacted topic | `delete.retention.ms` | tombstones that are gone from the log |
 *
 * Otherwise the topic's rows are deleted, the gateway logs the reason, and builds them anew. The local store itself checks whether
 * its file is whole (torn, cut short, copied while it was open). A folder that was restored from a copy is at an older position:
 * rows and position belong to one transaction, so the rest is read.
 *
 * **Costs.** 2 to 4 bytes for each record of a busy account and 40 for a single one; the record and about 60 bytes for
 * each of its owners in a compacted topic. Memory: unwritten rows, and the caches of values; the pages of the file
 * belong to the kernel.
 */
import { createHash } from 'node:crypto'
import type { RecordWitness } from '@streampay/kafka'
import type { LocalBatch, LocalStore, LocalTable } from '@streampay/local-store'
import { rowKinds } from './row-keys.ts'

/** The positions of the rows, and the topic and definition that they belong to. */
export type Note = {
  readonly definition: string
  readonly topicId: string
  readonly setAside: string
  /** When (ms since the epoch) the positions were last known to be the end of the log; before that, when the reading began. */
  readonly asOf: number
  readonly partitions: readonly PartitionNote[]
}

export type PartitionNote = {
  /** Next offset. */
  readonly position: number
  /** The last record read; undefined if there was none. */
  readonly last: RecordWitness | undefined
}

/** Collects rows until they are written. */
export type RowSource = {
  readonly pendingBytes: number
  readonly write: (batch: LocalBatch) => void
  readonly settle: () => void
}

const noteKey = Buffer.of(rowKinds.note)
/** The limit of the rows that a topic collects while it is read for the first time. */
const mostPendingBytes = 4 * 1024 * 1024

export class TopicStore {
  readonly table: LocalTable
  readonly #store: LocalStore
  #sources: readonly RowSource[] = []

  constructor(store: LocalStore, topic: string) {
    this.#store = store
    this.table = store.table(tableNameOf(topic))
  }

  /** The collectors whose rows are written together. */
  serve(sources: readonly RowSource[]): void {
    this.#sources = sources
  }

  /** Undefined if no note was written yet, or if it can't be read. */
  note(): Note | undefined {
    const row = this.table.get(noteKey)
    return row === undefined ? undefined : (JSON.parse(row.toString('utf8')) as Note)
  }

  /** Whether enough rows are collected to be written. */
  isFull(): boolean {
    return this.#sources.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0) >= mostPendingBytes
  }

  /** Writes the collected rows, and their positions. @throws LocalStoreError: then no row is written, and all stay collected */
  write(note: Note): void {
    this.#store.write((batch) => this.put(batch, note))
    this.settle()
  }

  /** The same as a part of a batch that others also write to; call `settle` once it is written. */
  put(batch: LocalBatch, note: Note): void {
    for (const source of this.#sources) source.write(batch)
    batch.put(this.table, noteKey, Buffer.from(JSON.stringify(note)))
  }

  settle(): void {
    for (const source of this.#sources) source.settle()
  }

  /** Changes written rows. @throws LocalStoreError */
  change(change: (batch: LocalBatch) => void): void {
    this.#store.write(change)
  }

  /** Deletes all rows, written or not. @throws LocalStoreError */
  clear(): void {
    this.settle()
    this.#store.write((batch) => batch.deleteRange(this.table))
  }
}

/** Names of topics have characters that names of tables can't have. */
function tableNameOf(topic: string): string {
  if (/^[a-z0-9._-]{1,100}$/.test(topic)) return `topic/${topic}`
  return `topic-digest/${createHash('sha256').update(topic).digest('hex')}`
}
