/** Fetches single records of a topic by their offsets, through a bounded cache and a few readers. */
import {
  type Cluster,
  type FetchedRecords,
  OffsetOutOfRangeError,
  openReader,
  type Reader,
  type UndecodablePolicy,
} from '@streampay/kafka'
import type { ValueCache } from './value-cache.ts'
import type { ViewRecord } from './view-record.ts'

/** The log did not return the records in time. */
export class LogUnavailableError extends Error {
  readonly code = 'log-unavailable'
}

export type ValueReaderOptions = {
  readonly cluster: Cluster
  readonly topic: string
  readonly cache: ValueCache
  /** What to do with undecodable batches between and at the wanted offsets. */
  readonly onUndecodable: UndecodablePolicy
  readonly decode: (record: FetchedRecords['records'][number]) => ViewRecord | undefined
}

const mostReaders = 4
/** Small, because wanted records are often far apart. */
const readerOptions = { partitionMaxBytes: 64 * 1024, maxBytes: 64 * 1024, maxWaitMs: 100 }
const pollTimeoutMs = 500
const patienceMs = 3_000

export class ValueReader {
  readonly #options: ValueReaderOptions
  readonly #idle: Reader[] = []
  readonly #waiting: ((reader: Reader) => void)[] = []
  #opened = 0
  #closed = false

  constructor(options: ValueReaderOptions) {
    this.#options = options
  }

  /**
   * The records of one partition at these ascending offsets; those that the log has deleted are left out.
   * @throws LogUnavailableError
   */
  async read(partition: number, offsets: Float64Array): Promise<ViewRecord[]> {
    const { cache } = this.#options
    const found = new Map<number, ViewRecord>()
    const missing: number[] = []
    for (const offset of offsets) {
      const record = cache.get(partition, offset)
      if (record === undefined) missing.push(offset)
      else found.set(offset, record)
    }
    if (missing.length > 0) await this.#fetch(partition, missing, found)
    const records: ViewRecord[] = []
    for (const offset of offsets) {
      const record = found.get(offset)
      if (record !== undefined) records.push(record)
    }
    return records
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map((reader) => reader.close()))
  }

  async #fetch(partition: number, wanted: readonly number[], found: Map<number, ViewRecord>): Promise<void> {
    const reader = await this.#take()
    try {
      let next = 0
      while (next < wanted.length) {
        next = await this.#fetchSome(reader, partition, wanted, next, found)
      }
    } finally {
      reader.assign([])
      this.#give(reader)
    }
  }

  /** Reads from one place in the log until a gap is large enough to be skipped; returns the index of the next wanted offset. */
  async #fetchSome(
    reader: Reader,
    partition: number,
    wanted: readonly number[],
    first: number,
    found: Map<number, ViewRecord>,
  ): Promise<number> {
    const { topic, cache, decode } = this.#options
    const start = wanted[first] ?? 0
    reader.assign([{ topic, partition, offset: start }])
    let next = first
    const fetches = await this.#poll(reader, partition)
    if (fetches instanceof OffsetOutOfRangeError) {
      // Above the end of the log: the topic was created again, and all wanted records are gone with the old one. The feed will
      // notice that as well, and start over.
      if (fetches.offset >= fetches.earliest) return wanted.length
      while (next < wanted.length && (wanted[next] ?? 0) < fetches.earliest) next++
      return next
    }
    for (const { records, position } of fetches) {
      for (const received of records) {
        while (next < wanted.length && (wanted[next] ?? 0) < received.offset) next++
        if (wanted[next] !== received.offset) continue
        const record = decode(received)
        if (record === undefined) continue
        cache.put(record)
        found.set(record.offset, record)
      }
      while (next < wanted.length && (wanted[next] ?? 0) < position) next++
    }
    return next
  }

  /** The next records, or the start and end of the log if it has none at this offset. @throws LogUnavailableError */
  async #poll(reader: Reader, partition: number): Promise<readonly FetchedRecords[] | OffsetOutOfRangeError> {
    for (let waitedMs = 0; waitedMs < patienceMs && !this.#closed; waitedMs += pollTimeoutMs) {
      try {
        const fetches = await reader.poll({ timeoutMs: pollTimeoutMs })
        if (fetches.length > 0) return fetches
      } catch (error) {
        if (error instanceof OffsetOutOfRangeError) return error
        throw new LogUnavailableError('Fetching failed', { cause: error })
      }
    }
    throw new LogUnavailableError(`The log gave no records of ${this.#options.topic}-${partition} in ${patienceMs} ms`)
  }

  async #take(): Promise<Reader> {
    const reader = this.#idle.pop()
    if (reader !== undefined) return reader
    if (this.#opened < mostReaders) {
      this.#opened++
      const { cluster, onUndecodable } = this.#options
      return openReader(cluster, { ...readerOptions, onUndecodable })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #give(reader: Reader): void {
    const next = this.#waiting.shift()
    if (next !== undefined) next(reader)
    else if (this.#closed) void reader.close()
    else this.#idle.push(reader)
  }
}
