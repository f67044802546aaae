/** What a reader knows of one partition: where it fetches, what it has fetched, what it has delivered. */
import type { FetchedRecords } from '../types.ts'

export type Delivered = Pick<FetchedRecords, 'highWatermark' | 'lastStableOffset' | 'logStartOffset'>

export class PartitionState {
  readonly topic: string
  readonly partition: number
  /** The next offset to fetch. */
  fetchOffset: number
  /** The next offset that the caller may see: behind `fetchOffset` by what is buffered. */
  position: number
  paused = false
  /** Part of a request that is under way, whose answer is still wanted. */
  inFlight = false
  /** In the time of `Clock.elapsed`. */
  retryAt = 0
  attempt = 0
  /** Can't be read on; thrown by `poll` until the partition is sought. */
  fault: Error | null = null
  /** Grows with every seek, so that an answer to what was asked before is recognized and dropped. */
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

  /** Records up to `position`; an empty list tells that the position moved over what isn't for the caller. */
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
