/** A reader's state of one partition: the offset to fetch, the fetched records, the delivered position. */
import type { FetchedRecords } from '../types.ts'

export type Delivered = Pick<FetchedRecords, 'highWatermark' | 'lastStableOffset' | 'logStartOffset'>

export class PartitionState {
  readonly topic: string
  readonly partition: number
  /** The next offset to fetch. */
  fetchOffset: number
  /** The next offset that the caller may see: lower than `fetchOffset` by the buffered records. */
  position: number
  paused = false
  /** Whether it is part of a request in flight whose answer is still needed. */
  inFlight = false
  /** Compared with `Clock.elapsed`. */
  retryAt = 0
  attempt = 0
  /** Why it can't be read further; `poll` throws it until the partition is sought. */
  fault: Error | null = null
  /** Grows with every seek, so that an answer to an earlier request is recognized and dropped. */
  generation = 0
  removed = false
  seen: Delivered = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 }
  #buffered: FetchedRecords[] = []
  #bufferedBytes = 0

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.fetchOffset = offset
    this.position = offset
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get hasBuffered(): boolean {
    return this.#buffered.length > 0
  }

  seek(offset: number): void {
    this.fetchOffset = offset
    this.position = offset
    this.fault = null
    this.retryAt = 0
    this.attempt = 0
    this.generation++
    this.inFlight = false
    this.#buffered = []
    this.#bufferedBytes = 0
  }

  /** Records up to `position`; an empty list means that the position moved over records that the caller does not see. */
  buffer(fetched: Pick<FetchedRecords, 'records' | 'position' | 'undecodable'> & { readonly bytes: number }): void {
    const { topic, partition } = this
    const { bytes, ...read } = fetched
    this.fetchOffset = read.position
    this.#buffered.push({ topic, partition, ...read, ...this.seen })
    this.#bufferedBytes += bytes
  }

  take(): FetchedRecords[] {
    const taken = this.#buffered
    const last = taken.at(-1)
    if (last === undefined) return taken
    this.position = last.position
    this.#buffered = []
    this.#bufferedBytes = 0
    return taken
  }
}
