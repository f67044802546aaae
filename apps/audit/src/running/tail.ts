/** The end of a topic, read in pieces: each record once, as read_committed. */
import type { Cluster, ReceivedRecord, TopicPartition } from '@streampay/kafka'
import type { Offsets } from '../cut.ts'
import type { LogSource } from '../log-source.ts'
import { readTopic } from '../read-topic.ts'

/** The most records of one partition in one round; more wait for the next round. */
const mostOffsets = 20_000

export class Tail {
  readonly #cluster: Cluster
  readonly #source: LogSource
  readonly #topic: string
  #position: Offsets
  #readTo: Offsets
  /** Whether the last read came to the end that the topic had then. */
  isAtEnd = false

  /** @param from offsets by partition */
  constructor(
    { cluster, source }: { readonly cluster: Cluster; readonly source: LogSource },
    topic: string,
    from: Offsets,
  ) {
    this.#cluster = cluster
    this.#source = source
    this.#topic = topic
    this.#position = from
    this.#readTo = from
  }

  /**
   * All records since the last `keep`, up to the present high watermark, without those that are set aside; waits until transactions that
   * are open there have ended.
   * @throws UnreadableError if that takes a minute, or for a batch that can't be decoded and is not set aside
   */
  async read(): Promise<readonly ReceivedRecord[]> {
    const high = await this.#source.ends(this.#topic, 'read_uncommitted')
    const starts = this.#position
    const ends = high.map((end, partition) => Math.min(end, (starts[partition] ?? end) + mostOffsets))
    this.isAtEnd = ends.every((end, partition) => end === high[partition])
    const records: ReceivedRecord[] = []
    // Records that retention removes before they were read are not missed: they could be read for days.
    const isSetAside = (at: TopicPartition & { readonly offset: number }) => this.#source.isSetAside(at)
    const range = { topic: this.#topic, starts, ends, isSetAside, mayShrink: true }
    for await (const some of readTopic(this.#cluster, range)) records.push(...some)
    this.#readTo = ends
    return records
  }

  /** Accepts what was read last: the next read begins after it. */
  keep(): void {
    this.#position = this.#readTo
  }
}
