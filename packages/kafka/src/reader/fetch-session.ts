/**
 * The client's side of a fetch session (KIP-227) on one connection: repeated requests name a partition once, and then
 * only the partitions that have changed; the broker answers only with what is new.
 *
 *     whole requests without a session ──the third in a row──► a whole one that asks for a session ──► changes, changes, …
 *               ▲                                                                                          │
 *               └──────────── the broker has lost the session, or may have missed a request ────────────────┘
 *
 * A broker that has no free session answers in full; the next request asks for a session again.
 */
import { keyOf } from '../types.ts'

/** A partition of a request. */
export type Wanted = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly partitionMaxBytes: number
}

type TopicsOf<Partition> = readonly { readonly topic: string; readonly partitions: readonly Partition[] }[]

export type SessionQuestion = {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly topics: TopicsOf<{
    readonly partition: number
    readonly fetchOffset: number
    readonly partitionMaxBytes: number
  }>
  readonly forgottenTopicsData: TopicsOf<number>
}

/** The first request of a session names everything again, so a session is only worth it if the requests continue. */
const wholeBefore = 2
/** With fewer partitions there is little to leave out. */
const fewPartitions = 4
const lastEpoch = 0x7fffffff
const noSession = -1

export class FetchSession {
  #id = 0
  #epoch = noSession
  #whole = 0
  /** The partitions that the broker knows of in this session. */
  #known: ReadonlyMap<string, Wanted> = new Map()

  /** The next question. The following call assumes that the broker got it, unless `forget` is called. */
  ask(wanted: readonly Wanted[]): SessionQuestion {
    const asked = new Map(wanted.map((one) => [keyOf(one), one]))
    if (this.#id === 0) return this.#askWhole(wanted, asked)
    const forgotten = [...this.#known].filter(([key]) => !asked.has(key)).map(([, one]) => one)
    const changed = wanted.filter((one) => differs(one, this.#known.get(keyOf(one))))
    const sessionEpoch = this.#epoch
    this.#epoch = sessionEpoch === lastEpoch ? 1 : sessionEpoch + 1
    this.#known = asked
    return {
      sessionId: this.#id,
      sessionEpoch,
      topics: topicsOf(changed, placeOf),
      forgottenTopicsData: topicsOf(forgotten, ({ partition }) => partition),
    }
  }

  /** @param sessionId of an answer without error; 0 if the broker opens none */
  answered(sessionId: number): void {
    if (sessionId === this.#id) return
    // A session was requested, and was opened.
    if (this.#id === 0 && this.#epoch === 0) {
      this.#id = sessionId
      this.#epoch = 1
    } else this.forget()
  }

  /** For when it is not known which requests the broker got. */
  forget(): void {
    this.#id = 0
    this.#epoch = noSession
    this.#whole = 0
    this.#known = new Map()
  }

  #askWhole(wanted: readonly Wanted[], asked: ReadonlyMap<string, Wanted>): SessionQuestion {
    this.#whole = wanted.length < fewPartitions ? 0 : this.#whole + 1
    const opens = this.#whole > wholeBefore
    this.#epoch = opens ? 0 : noSession
    this.#known = opens ? asked : new Map()
    return { sessionId: 0, sessionEpoch: this.#epoch, topics: topicsOf(wanted, placeOf), forgottenTopicsData: [] }
  }
}

function differs(one: Wanted, known: Wanted | undefined): boolean {
  return known?.offset !== one.offset || known.partitionMaxBytes !== one.partitionMaxBytes
}

function placeOf({ partition, offset, partitionMaxBytes }: Wanted) {
  return { partition, fetchOffset: offset, partitionMaxBytes }
}

function topicsOf<Partition>(
  partitions: readonly Wanted[],
  of: (wanted: Wanted) => Partition,
): { readonly topic: string; readonly partitions: Partition[] }[] {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  return [...topics].map(([topic, ofTopic]) => ({ topic, partitions: ofTopic.map(of) }))
}
