/**
 * What the views of a topic are made of lies in a local store, so that a start reads the tail of the log alone:
 *
 *     log ──poll──► TopicFeed ──a slice──► Table, OffsetIndex, WordIndex: rows, collected in memory
 *                                                    │ write: rows and note in one local transaction
 *                                                    ▼
 *     GET, SSE ◄── values of the log ◄── ranges ── table of the topic ── note: how far, of which log, by which definition
 *
 * **Rows.** One table for each topic; the first byte of a key says what a row is (row-keys.ts). Of a compacted topic: the records
 * themselves, the groups of their owners in log order, the words of a directory, and what is to be forgotten when. Of a topic
 * that keeps every record: offsets alone, by group; the values stay in the log and are read from it by offset (ValueReader).
 *
 * **Writes.** Until a topic is read to its end, its views answer nobody, and rows are collected up to `pendingBytes`. What
 * happens several times to a row is written once. From then on each slice of a poll is written before anybody is told of it,
 * so that a range shows all up to the feed's positions. If the local store takes nothing (a full disk), the feed polls no
 * further, its views answer 503, and it tries again.
 *
 * **Belief.** A note stands in the table, written with the rows. They are believed at a start if
 *
 * | the note | agrees with | else |
 * |---|---|---|
 * | definition: views, schema, format of rows | this gateway's | another gateway's, or an older release's |
 * | topic id, number of partitions | the log's | another log, or a topic made anew |
 * | position of each partition | the log's start and end | the log lost its end, or its beginning |
 * | offset and checksum of the last record of each partition | the record on the log | the log lost its end, and grew again |
 * | what is set aside | what an operator has set aside now | a row that should not be there |
 * | when the position was the end of a compacted topic | `delete.retention.ms` | tombstones that are gone from the log |
 *
 * Else the topic's rows are deleted, the log says why, and they are made anew. Whether the file itself is whole is the local
 * store's to say (torn, cut short, copied while it was open). A folder that was put back from a copy is at an older position:
 * rows and position are of one transaction, so the rest is read.
 *
 * **Costs.** 2 to 4 bytes for each record of a busy account and 40 for one that comes alone; the record and about 60 bytes for
 * each of its owners in a compacted topic. Memory: what is not written yet, and the caches of values; the pages of the file
 * are the kernel's.
 */
import { createHash } from 'node:crypto'
import type { RecordWitness } from '@streampay/kafka'
import type { LocalBatch, LocalStore, LocalTable } from '@streampay/local-store'
import { rowKinds } from './row-keys.ts'

/** How far the rows are, and of what. */
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
  /** The last record that was read; undefined if none was. */
  readonly last: RecordWitness | undefined
}

/** What collects rows until they are written. */
export type RowSource = {
  readonly pendingBytes: number
  readonly write: (batch: LocalBatch) => void
  readonly settle: () => void
}

const noteKey = Buffer.of(rowKinds.note)
/** Of what a topic collects while it is read for the first time. */
const mostPendingBytes = 4 * 1024 * 1024

export class TopicStore {
  readonly table: LocalTable
  readonly #store: LocalStore
  #sources: readonly RowSource[] = []

  constructor(store: LocalStore, topic: string) {
    this.#store = store
    this.table = store.table(tableNameOf(topic))
  }

  /** Whose rows are written together. */
  serve(sources: readonly RowSource[]): void {
    this.#sources = sources
  }

  /** Undefined if nothing was written yet, or if it can't be read. */
  note(): Note | undefined {
    const row = this.table.get(noteKey)
    return row === undefined ? undefined : (JSON.parse(row.toString('utf8')) as Note)
  }

  /** Whether so much is collected that it should be written. */
  isFull(): boolean {
    return this.#sources.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0) >= mostPendingBytes
  }

  /** Writes what is collected, and how far it is. @throws LocalStoreError: then nothing is written, and all of it stays */
  write(note: Note): void {
    this.#store.write((batch) => this.put(batch, note))
    this.settle()
  }

  /** The same as a part of a batch that others write to, too; `settle` once it is written. */
  put(batch: LocalBatch, note: Note): void {
    for (const source of this.#sources) source.write(batch)
    batch.put(this.table, noteKey, Buffer.from(JSON.stringify(note)))
  }

  settle(): void {
    for (const source of this.#sources) source.settle()
  }

  /** Changes rows that are written already. @throws LocalStoreError */
  change(change: (batch: LocalBatch) => void): void {
    this.#store.write(change)
  }

  /** All rows are void, written or not. @throws LocalStoreError */
  clear(): void {
    this.settle()
    this.#store.write((batch) => batch.deleteRange(this.table))
  }
}

/** Names of topics have characters that names of tables do not. */
function tableNameOf(topic: string): string {
  if (/^[a-z0-9._-]{1,100}$/.test(topic)) return `topic/${topic}`
  return `topic-digest/${createHash('sha256').update(topic).digest('hex')}`
}
