/**
 * Reads partitions ahead of the caller, up to a limit. Its fetches decide what is fetched, and when: its own, or those
 * that it shares with other readers (fetches.ts).
 *
 * While the log is away, requests are repeated without a limit, less and less often.
 */
import type {
  FetchOptions,
  PartitionOffset,
  PartitionPosition,
  Reader,
  ReaderOptions,
  SharedFetches,
} from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { BrokerError, KafkaError, OffsetOutOfRangeError } from '../errors.ts'
import { backoffMs, delay } from '../retry.ts'
import { type FetchedRecords, keyOf, type TopicPartition, type UndecodablePolicy } from '../types.ts'
import { errors, type WantedHeaders } from '../wire/index.ts'
import { visibleRecords } from './committed-records.ts'
import { type Answered, type Asked, Fetches, isPassing, type Participant } from './fetches.ts'
import { offsetRange } from './offset-range.ts'
import { PartitionState } from './partition-state.ts'

const MAX_BYTES = 4 * 1024 * 1024
const PARTITION_MAX_BYTES = 1024 * 1024
const POLL_TIMEOUT_MS = 1_000

/**
 * Opens a reader with connections of its own. It reads nothing before `assign` or `add`, and then ahead of `poll`, up to
 * `maxBytes`.
 * @example
 * ```ts
 * import { openAdmin, openCluster, openProducer, openReader } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * await openAdmin(cluster).createTopics([{ name: 'greetings', partitions: 1 }])
 * const producer = openProducer(cluster)
 * await producer.send([{ topic: 'greetings', key: 'ada', value: 'Hello' }])
 *
 * const reader = openReader(cluster)
 * reader.assign([{ topic: 'greetings', partition: 0, offset: 0 }])
 * for (const { records, position } of await reader.poll()) {
 *   console.log(records.map(({ key, value }) => `${key}: ${value}`).join()) // → ada: Hello
 *   console.log(position) // → 1
 * }
 * await reader.close()
 * await producer.close()
 * await cluster.close()
 * ```
 */
export function openReader(cluster: Cluster, options: ReaderOptions = {}): Reader {
  return new FetchingReader(cluster, options)
}

/**
 * Opens fetches that several readers share. Isolation and wait times are given here, because they are the same for all of
 * these readers.
 */
export function openSharedFetches(cluster: Cluster, options: FetchOptions = {}): SharedFetches {
  const fetches = new Fetches(cluster, options)
  return {
    openReader: (own = {}) => new FetchingReader(cluster, own, fetches),
    close: () => fetches.close(),
  }
}

class FetchingReader implements Reader, Participant {
  readonly partitionMaxBytes: number
  readonly #cluster: Cluster
  readonly #fetches: Fetches
  readonly #isShared: boolean
  readonly #maxBytes: number
  readonly #lent: WantedHeaders | undefined
  readonly #onUndecodable: UndecodablePolicy
  readonly #partitions = new Map<string, PartitionState>()
  #closed = false
  /** Wakes the caller that waits in `poll`. */
  #arrived: PromiseWithResolvers<void> | null = null

  constructor(cluster: Cluster, options: ReaderOptions, shared?: Fetches) {
    this.#cluster = cluster
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
    this.#lent = options.lent === true ? (options.lentHeaders ?? new Set()) : undefined
    this.#onUndecodable = options.onUndecodable ?? 'stop'
    this.partitionMaxBytes = options.partitionMaxBytes ?? PARTITION_MAX_BYTES
    this.#isShared = shared !== undefined
    this.#fetches = shared ?? new Fetches(cluster, { ...options, maxBytes: this.#maxBytes })
    this.#fetches.join(this)
  }

  assign(partitions: readonly PartitionOffset[]): void {
    for (const state of this.#partitions.values()) state.removed = true
    this.#partitions.clear()
    this.add(partitions)
  }

  add(partitions: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset } of partitions) {
      checkOffset({ topic, partition, offset })
      const key = keyOf({ topic, partition })
      const known = this.#partitions.get(key)
      if (known === undefined) this.#partitions.set(key, new PartitionState(topic, partition, offset))
      else known.seek(offset)
    }
    this.#schedule()
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const key = keyOf(partition)
      const state = this.#partitions.get(key)
      if (state !== undefined) state.removed = true
      this.#partitions.delete(key)
    }
    // The remaining partitions may have waited because the buffer was full with records of the removed ones.
    this.#schedule()
  }

  seek(partition: PartitionOffset): void {
    checkOffset(partition)
    const state = this.#partitions.get(keyOf(partition))
    if (state === undefined) {
      const message = `${partition.topic}-${partition.partition} is not read by this reader`
      throw new KafkaError('KAFKA_INVALID_ARGUMENT', message)
    }
    state.seek(partition.offset)
    this.#schedule()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const state = this.#partitions.get(keyOf(partition))
      if (state !== undefined) state.paused = true
    }
    this.#schedule()
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const state = this.#partitions.get(keyOf(partition))
      if (state === undefined) continue
      state.paused = false
      if (state.hasBuffered || state.fault !== null) this.#arrive()
    }
    this.#schedule()
  }

  async poll(options: { readonly timeoutMs?: number } = {}): Promise<FetchedRecords[]> {
    const ready = this.#take()
    if (ready.length > 0 || this.#closed) return ready
    const arrived = this.#arrived ?? Promise.withResolvers<void>()
    this.#arrived = arrived
    const timer = setTimeout(() => arrived.resolve(), options.timeoutMs ?? POLL_TIMEOUT_MS)
    await arrived.promise
    clearTimeout(timer)
    if (this.#arrived === arrived) this.#arrived = null
    return this.#take()
  }

  positions(): PartitionPosition[] {
    return [...this.#partitions.values()].map(({ topic, partition, position, seen }) => ({
      topic,
      partition,
      position,
      ...seen,
    }))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const state of this.#partitions.values()) state.removed = true
    this.#arrive()
    this.#fetches.leave(this)
    if (!this.#isShared) await this.#fetches.close()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<FetchedRecords[]> {
    while (!this.#closed) {
      const fetched = await this.poll()
      if (fetched.length > 0) yield fetched
    }
  }

  #take(): FetchedRecords[] {
    if (this.#closed) return []
    const readable = [...this.#partitions.values()].filter(({ paused }) => !paused)
    // Records that were fetched before a fault are delivered first; no records of other partitions are taken and then lost.
    const broken = readable.find(({ fault, hasBuffered }) => fault !== null && !hasBuffered)
    if (broken?.fault) throw broken.fault
    const taken = readable.flatMap((state) => state.take())
    if (taken.length > 0) this.#schedule()
    return taken
  }

  #arrive(): void {
    this.#arrived?.resolve()
    this.#arrived = null
  }

  #schedule(): void {
    if (!this.#closed) this.#fetches.schedule()
  }

  states(): Iterable<PartitionState> {
    return this.#partitions.values()
  }

  wanted(now: number): PartitionState[] {
    const reading = [...this.#partitions.values()].filter(({ paused }) => !paused)
    const buffered = reading.reduce((bytes, { bufferedBytes }) => bytes + bufferedBytes, 0)
    // All partitions wait for the caller together: one that is left out of a long poll would wait for the end of that poll.
    if (buffered >= this.#maxBytes) return []
    return reading.filter(({ inFlight, fault, retryAt }) => !inFlight && fault === null && retryAt <= now)
  }

  answered(one: Asked, part: Answered): void {
    if (part.errorCode === errors.NONE) this.#accept(one, part)
    else this.#refused(one, part.errorCode)
  }

  failed(state: PartitionState, error: unknown): void {
    if (isPassing(error)) this.#retry(state, error)
    else this.#break(state, error)
  }

  #accept({ state, offset }: Asked, part: Answered): void {
    state.attempt = 0
    state.retryAt = 0
    const { highWatermark, lastStableOffset, logStartOffset } = part
    state.seen = { highWatermark, lastStableOffset, logStartOffset }
    try {
      const { topic, partition } = state
      const { fault, position, ...read } = visibleRecords({
        topic,
        partition,
        fetchOffset: offset,
        highWatermark,
        batches: part.records,
        isolation: this.#fetches.isolation,
        aborted: part.abortedTransactions ?? [],
        lent: this.#lent,
        onUndecodable: this.#onUndecodable,
      })
      if (position === offset && fault === undefined) return
      if (position !== offset) state.buffer({ ...read, position, bytes: part.records?.length ?? 0 })
      if (fault !== undefined) this.#break(state, fault)
    } catch (error) {
      this.#break(state, error)
    }
    this.#arrive()
  }

  #break(state: PartitionState, error: unknown): void {
    state.fault = error instanceof Error ? error : new Error(String(error))
    this.#arrive()
  }

  #refused(one: Asked, errorCode: number): void {
    const { state } = one
    const error = new BrokerError(errorCode, `fetching ${state.topic}-${state.partition}`)
    if (errorCode === errors.OFFSET_OUT_OF_RANGE) {
      // Not retried until it is known whether the offset is really gone.
      state.retryAt = Number.POSITIVE_INFINITY
      void this.#judgeRange(one, error)
    } else if (error.retriable || error.brokerError === 'UNKNOWN_SERVER_ERROR') {
      this.#retry(state, error)
    } else {
      this.#break(state, error)
    }
  }

  /** A new leader may not know the end yet: only an offset outside of the log counts as gone. */
  async #judgeRange({ state, generation, offset }: Asked, error: BrokerError): Promise<void> {
    const { topic, partition } = state
    try {
      const { earliest, latest } = await offsetRange(this.#cluster, { topic, partition })
      if (state.generation !== generation) return
      if (offset >= earliest && offset <= latest) this.#retry(state, error)
      else this.#break(state, new OffsetOutOfRangeError({ topic, partition, offset, earliest, latest }))
    } catch (failure) {
      if (state.generation === generation) this.#retry(state, failure)
    }
  }

  #retry(state: PartitionState, error: unknown): void {
    if (this.#closed) return
    const wait = backoffMs(state.attempt, this.#cluster.random)
    state.attempt++
    state.retryAt = this.#cluster.clock.elapsed() + wait
    this.#logger?.debug({ err: error, topic: state.topic, partition: state.partition, wait }, 'fetching again')
    this.#cluster.refresh([state.topic]).catch(() => undefined)
    void delay(wait + 1, undefined, { ref: false }).then(() => this.#schedule())
  }

  get #logger() {
    return this.#cluster.options.logger
  }
}

function checkOffset({ topic, partition, offset }: PartitionOffset): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return
  throw new KafkaError('KAFKA_INVALID_ARGUMENT', `${topic}-${partition} can not be read from offset ${offset}`)
}
