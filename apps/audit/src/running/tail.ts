/** The end of a topic, read a piece at a time: each record once, as read_committed. */
import type { Cluster, ReceivedRecord } from '@streampay/kafka'
import type { Offsets } from '../cut.ts'
import type { LogSource } from '../log-source.ts'
import { readTopic } from '../read-topic.ts'

/** Of one partition and round: what is more waits for the next. */
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
   * All that came since the last `keep`, up to the present high watermark; waits until transactions that are open there have ended.
   * @throws UnreadableError if that takes a minute
   */
  async read(): Promise<readonly ReceivedRecord[]> {
    const high = await this.#source.ends(this.#topic, 'read_uncommitted')
    const starts = this.#position
    const ends = high.map((end, partition) => Math.min(end, (starts[partition] ?? end) + mostOffsets))
    this.isAtEnd = ends.every((end, partition) => end === high[partition])
    const records: ReceivedRecord[] = []
    // What retention takes away before it was read is not missed: it was there to be read for days.
    for await (const some of readTopic(this.#cluster, { topic: this.#topic, starts, ends, mayShrink: true })) {
      records.push(...some)
    }
    this.#readTo = ends
    return records
  }

  /** What was read last is taken: the next read goes on behind it. */
  keep(): void {
    this.#position = this.#readTo
  }
}
