/**
 * The fetched records of one source partition that are not settled yet. Records stay until the batch that
 * processed them has ended: an abort only moves the head back.
 *
 *     items   [ settled ……… processed in this batch ……… | head: next ……… fetched ]     position: next to fetch
 *
 * A settled record need not be committed. A record without effects may be read again after a restart, so its offset can
 * wait for a transaction that is needed for another reason.
 */
import type { FetchedRecords, ReceivedRecord, UndecodableBatch } from '@streampay/kafka'
import type { SourceDefinition, Wait } from '../topology/topology.ts'

/** A record, or instead a batch that could not be decoded: the offset is then the batch's last, and the value its bytes. */
export type QueuedRecord = ReceivedRecord & { readonly undecodable?: UndecodableBatch }

/** A record that waits for a global table; only its partition waits. */
export type PendingWait = {
  readonly topic: string
  readonly offset: number
  /** The last record that was fetched before the wait began. */
  readonly through: number
  readonly wait: Wait
  outcome: 'pending' | 'reached' | 'timed-out'
}

export class SourceQueue {
  readonly source: SourceDefinition
  #items: QueuedRecord[] = []
  /** The size of each item, in bytes. */
  #sizes: number[] = []
  #head = 0
  #bytes = 0
  /** The next offset that the reader fetches: past the last record, and past control batches behind it. */
  #position: number
  #committedOffset: number
  #settledOffset: number
  #nextOffset: number
  #time: number
  #settledTime: number
  #hasEffects = false
  #wait: PendingWait | undefined

  /** @param from the first offset that was never processed, and the highest timestamp before it. */
  constructor(source: SourceDefinition, { offset, time }: { readonly offset: number; readonly time: number }) {
    this.source = source
    this.#time = time
    this.#settledTime = time
    this.#position = offset
    this.#committedOffset = offset
    this.#settledOffset = offset
    this.#nextOffset = offset
  }

  get queuedRecords(): number {
    return this.#items.length
  }

  /** Keys, values and headers of all queued records, in bytes. */
  get queuedBytes(): number {
    return this.#bytes
  }

  /** The offset to commit: behind the last processed record, or behind all fetched records if none is left. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** The highest timestamp of all records that were processed or dead-lettered, in ms. */
  get time(): number {
    return this.#time
  }

  /** The committed offset; at the start, the offset to start from. */
  get committedOffset(): number {
    return this.#committedOffset
  }

  /** Whether the offset to commit is ahead of the committed one. */
  get advanced(): boolean {
    return this.#nextOffset !== this.#committedOffset
  }

  /** Whether this batch processed a record with effects: its offset then belongs into the transaction. */
  get hasEffects(): boolean {
    return this.#hasEffects
  }

  /** The position of the group as an observer sees it: trailing control batches count as read. */
  get readTo(): number {
    return this.#head < this.#items.length ? this.#nextOffset : this.#position
  }

  add({ records, position, undecodable }: Pick<FetchedRecords, 'records' | 'position' | 'undecodable'>): void {
    for (const record of inOrder(records, undecodable)) {
      const size = sizeOf(record)
      this.#items.push(record)
      this.#sizes.push(size)
      this.#bytes += size
    }
    this.#position = position
  }

  /** The next record, unless there is none or it waits. */
  ready(): QueuedRecord | undefined {
    const record = this.#items[this.#head]
    if (record === undefined) return undefined
    return this.#waitOf(record)?.outcome === 'pending' ? undefined : record
  }

  /** The result of an earlier wait of this record. */
  waited(record: ReceivedRecord): 'reached' | 'timed-out' | undefined {
    const outcome = this.#waitOf(record)?.outcome
    return outcome === 'pending' ? undefined : outcome
  }

  block(record: ReceivedRecord, wait: Wait): PendingWait {
    const { topic, offset } = record
    this.#wait = { topic, offset, through: this.#items.at(-1)?.offset ?? offset, wait, outcome: 'pending' }
    return this.#wait
  }

  /**
   * Whether the table has all that was on its topic when this record was written, because an earlier record waited for that: the end of
   * the topic was asked when both were here already.
   */
  hasReached(record: ReceivedRecord, table: string): boolean {
    const earlier = this.#wait
    return earlier?.outcome === 'reached' && earlier.wait.waitFor === table && record.offset <= earlier.through
  }

  /** Moves past `record`, which was processed or dead-lettered, with or without effects. */
  advance(record: ReceivedRecord, caused: 'something' | 'nothing'): void {
    this.#head++
    if (caused === 'something') this.#hasEffects = true
    this.#time = Math.max(this.#time, record.timestamp)
    this.#nextOffset = this.#head < this.#items.length ? record.offset + 1 : this.#position
  }

  /** Ends the batch. `told`: its transaction contained the offset. */
  commit({ told }: { readonly told: boolean }): void {
    if (this.#head > 0) {
      for (let i = 0; i < this.#head; i++) this.#bytes -= this.#sizes[i] ?? 0
      this.#items = this.#items.slice(this.#head)
      this.#sizes = this.#sizes.slice(this.#head)
      this.#head = 0
    }
    this.#hasEffects = false
    this.#settledOffset = this.#nextOffset
    this.#settledTime = this.#time
    if (told) this.#committedOffset = this.#nextOffset
  }

  rollback(): void {
    this.#head = 0
    this.#hasEffects = false
    this.#nextOffset = this.#settledOffset
    this.#time = this.#settledTime
  }

  #waitOf(record: ReceivedRecord): PendingWait | undefined {
    return this.#wait?.offset === record.offset ? this.#wait : undefined
  }
}

/** The records, with each undecodable batch at its place. */
function inOrder(
  records: readonly ReceivedRecord[],
  batches: readonly UndecodableBatch[] = [],
): readonly QueuedRecord[] {
  if (batches.length === 0) return records
  const queued = batches.map((undecodable): QueuedRecord => {
    const { topic, partition, lastOffset: offset, timestamp, bytes: value } = undecodable
    return { topic, partition, offset, timestamp, key: null, value, headers: [], undecodable }
  })
  return [...records, ...queued].sort((left, right) => left.offset - right.offset)
}

function sizeOf(record: ReceivedRecord): number {
  let size = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, content] of record.headers) size += name.length + (content?.length ?? 0)
  return size
}
