/**
 * Reads a topic for its feed. During a large backlog it fetches alone: its buffer is limited, and no other topic
 * waits for it. At the end of the log it shares the fetches of all feeds: one commit of a payment changes most topics, and then
 * answers one shared fetch instead of one for each topic.
 */
import {
  type Cluster,
  type FetchedRecords,
  openReader,
  type PartitionOffset,
  type Reader,
  type ReaderOptions,
  type SharedFetches,
} from '@streampay/kafka'

/** While all topics are read for the first time, their buffers are in memory together: twice this size is 70 MB, and no faster. */
const bounds = { maxBytes: 512 * 1024, partitionMaxBytes: 128 * 1024 } as const

export type FeedReaderOptions = {
  readonly cluster: Cluster
  /** Undefined: it always fetches alone. */
  readonly shared: SharedFetches | undefined
  readonly reading: Pick<ReaderOptions, 'lent' | 'lentHeaders' | 'onUndecodable'>
}

export class FeedReader {
  readonly #options: FeedReaderOptions
  #reader: Reader
  #isShared = false
  readonly #closing = new Set<Promise<void>>()

  constructor(options: FeedReaderOptions) {
    this.#options = options
    this.#reader = this.#openAlone()
  }

  /** Begins at these offsets, alone. */
  assign(starts: readonly PartitionOffset[]): void {
    if (this.#isShared) this.#replace(this.#openAlone(), false)
    this.#reader.assign(starts)
  }

  /** The feed is at the end of the log, and its polls have reached it. */
  share(positions: () => readonly PartitionOffset[]): void {
    const { shared, reading } = this.#options
    if (this.#isShared || shared === undefined) return
    this.#replace(shared.openReader({ ...bounds, ...reading }), true)
    this.#reader.assign(positions())
  }

  poll(options: { readonly timeoutMs: number }): Promise<readonly FetchedRecords[]> {
    return this.#reader.poll(options)
  }

  seek(at: PartitionOffset): void {
    this.#reader.seek(at)
  }

  async close(): Promise<void> {
    await Promise.all([this.#reader.close(), ...this.#closing])
  }

  #openAlone(): Reader {
    const { cluster, reading } = this.#options
    return openReader(cluster, { ...bounds, ...reading })
  }

  #replace(reader: Reader, isShared: boolean): void {
    const closing = this.#reader.close()
    this.#closing.add(closing)
    void closing.finally(() => this.#closing.delete(closing))
    this.#reader = reader
    this.#isShared = isShared
  }
}
