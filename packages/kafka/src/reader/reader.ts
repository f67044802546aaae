/**
 * Fetches partitions from their leaders by long polls, one broker independently of another, ahead of the caller by a
 * bounded amount.
 *
 * A broker has a few slots, each with a connection of its own, made when it is needed. The first request asks for every
 * partition that can be fetched; while it waits at the broker, partitions that became fetchable meanwhile (added, resumed,
 * sought) go into the next slot, instead of waiting for the first one's answer. With `lingerMs` a broker rests after an answer
 * that brought little, so that records which come one by one share a fetch; the first after a quiet time comes at once.
 *
 * While the log is away, requests are repeated for ever, less and less often. Fetches go up to version 12, by topic name:
 * later versions want topic ids, which not every log gives.
 */
import type { PartitionOffset, PartitionPosition, Reader, ReaderOptions } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import type { Lane } from '../connection/lane.ts'
import { BrokerError, KafkaError, OffsetOutOfRangeError } from '../errors.ts'
import { backoffMs, delay } from '../retry.ts'
import type { FetchedRecords, Isolation, TopicPartition, UndecodablePolicy } from '../types.ts'
import { apis, errors, type ResponseOf, type WantedHeaders } from '../wire/index.ts'
import { visibleRecords } from './committed-records.ts'
import { offsetRange } from './offset-range.ts'
import { PartitionState } from './partition-state.ts'

type FetchAnswer = ResponseOf<typeof apis.fetch>
type Answer = FetchAnswer['responses'][number]['partitions'][number]
type Asked = { readonly state: PartitionState; readonly generation: number; readonly offset: number }

const MAX_WAIT_MS = 500
const MAX_BYTES = 4 * 1024 * 1024
const PARTITION_MAX_BYTES = 1024 * 1024
const POLL_TIMEOUT_MS = 1_000
const SLOTS = [0, 1, 2, 3]
const LAST_VERSION_BY_NAME = 12
/** An answer that brings so much is part of a backlog: there is no rest after it. */
const LINGER_BYTES = 64 * 1024

export function openReader(cluster: Cluster, options: ReaderOptions = {}): Reader {
  return new FetchingReader(cluster, options)
}

class FetchingReader implements Reader {
  readonly #cluster: Cluster
  readonly #lanes: readonly Lane[]
  readonly #isolation: Isolation
  readonly #maxWaitMs: number
  readonly #maxBytes: number
  readonly #partitionMaxBytes: number
  readonly #lent: WantedHeaders | undefined
  readonly #onUndecodable: UndecodablePolicy
  readonly #lingerMs: number
  /** Brokers that are asked nothing for a moment. */
  readonly #resting = new Set<number>()
  readonly #partitions = new Map<string, PartitionState>()
  /** `node/slot` of requests under way. */
  readonly #busy = new Set<string>()
  readonly #lookups = new Set<string>()
  #scheduled = false
  #closed = false
  /** Wakes the caller that waits in `poll`. */
  #arrived: PromiseWithResolvers<void> | null = null

  constructor(cluster: Cluster, options: ReaderOptions) {
    this.#cluster = cluster
    this.#isolation = options.isolation ?? 'read_committed'
    this.#maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
    this.#lent = options.lent === true ? (options.lentHeaders ?? new Set()) : undefined
    this.#onUndecodable = options.onUndecodable ?? 'stop'
    this.#partitionMaxBytes = options.partitionMaxBytes ?? PARTITION_MAX_BYTES
    this.#lingerMs = options.lingerMs ?? 0
    const requestTimeoutMs = cluster.requestTimeoutMs + this.#maxWaitMs
    this.#lanes = SLOTS.map(() => cluster.openLane({ requestTimeoutMs }))
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
    // What is left may have been waiting behind what the removed ones had buffered.
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
    this.#arrive()
    await Promise.all(this.#lanes.map((lane) => this.#cluster.closeLane(lane)))
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
    // What a partition fetched before its fault is delivered first; nothing of the others is taken and then lost.
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
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (!this.#closed) this.#run()
    })
  }

  /** Asks every broker for all it can be asked for now. */
  #run(): void {
    const now = this.#cluster.clock.elapsed()
    const perBroker = new Map<number, PartitionState[]>()
    let buffered = 0
    for (const state of this.#partitions.values()) if (!state.paused) buffered += state.bufferedBytes
    // All partitions wait for the caller together: one left out of a long poll would wait for that poll's end.
    if (buffered >= this.#maxBytes) return
    for (const state of this.#partitions.values()) {
      if (state.inFlight || state.paused || state.fault !== null || state.retryAt > now) continue
      const leader = this.#cluster.leaderOf(state.topic, state.partition) ?? -1
      if (leader < 0) this.#lookUp(state.topic)
      else perBroker.set(leader, [...(perBroker.get(leader) ?? []), state])
    }
    for (const [nodeId, states] of perBroker) {
      if (this.#resting.has(nodeId)) continue
      const slot = SLOTS.find((one) => !this.#busy.has(`${nodeId}/${one}`))
      if (slot !== undefined) void this.#fetch(nodeId, slot, states)
    }
  }

  #lookUp(topic: string): void {
    if (this.#lookups.has(topic)) return
    this.#lookups.add(topic)
    this.#cluster
      .topic(topic)
      .catch((error: unknown) => {
        this.#logger?.warn({ err: error, topic }, 'the topic can not be found')
        if (isPassing(error)) return
        for (const state of this.#partitions.values()) if (state.topic === topic) this.#break(state, error)
      })
      .finally(() => {
        this.#lookups.delete(topic)
        this.#schedule()
      })
  }

  /** Never rejects: what goes wrong is tried again, or is thrown by `poll`. */
  async #fetch(nodeId: number, slot: number, states: readonly PartitionState[]): Promise<void> {
    const busy = `${nodeId}/${slot}`
    this.#busy.add(busy)
    for (const state of states) state.inFlight = true
    const asked = states.map((state) => ({ state, generation: state.generation, offset: state.fetchOffset }))
    const askedAt = this.#cluster.clock.elapsed()
    try {
      const answer = await this.#lane(slot).request(nodeId, apis.fetch, this.#question(asked), LAST_VERSION_BY_NAME)
      this.#settle(asked, answer)
      if (this.#lingerMs > 0) this.#rest(nodeId, askedAt, answer)
    } catch (error) {
      for (const { state, generation } of asked) {
        if (state.generation !== generation) continue
        if (isPassing(error)) this.#retry(state, error)
        else this.#break(state, error)
      }
    } finally {
      this.#busy.delete(busy)
      for (const { state, generation } of asked) if (state.generation === generation) state.inFlight = false
      this.#schedule()
    }
  }

  #rest(nodeId: number, askedAt: number, { responses }: FetchAnswer): void {
    const answered = responses.flatMap(({ partitions }) => partitions)
    const bytes = answered.reduce((total, { records }) => total + (records?.length ?? 0), 0)
    const leftMs = askedAt + this.#lingerMs - this.#cluster.clock.elapsed()
    if (bytes === 0 || bytes >= LINGER_BYTES || leftMs <= 0) return
    this.#resting.add(nodeId)
    void delay(leftMs, undefined, { ref: false }).then(() => {
      this.#resting.delete(nodeId)
      this.#schedule()
    })
  }

  #question(asked: readonly Asked[]) {
    const topics = Map.groupBy(asked, ({ state }) => state.topic)
    return {
      maxWaitMs: this.#maxWaitMs,
      minBytes: 1,
      maxBytes: this.#maxBytes,
      isolationLevel: this.#isolation === 'read_committed' ? 1 : 0,
      topics: [...topics].map(([topic, ofTopic]) => ({
        topic,
        partitions: ofTopic.map(({ state, offset }) => ({
          partition: state.partition,
          fetchOffset: offset,
          partitionMaxBytes: this.#partitionMaxBytes,
        })),
      })),
    }
  }

  #settle(asked: readonly Asked[], answer: FetchAnswer): void {
    const byKey = new Map(asked.map((one) => [keyOf(one.state), one]))
    if (answer.errorCode !== errors.NONE) throw new BrokerError(answer.errorCode, 'fetching')
    for (const { topic, partitions } of answer.responses) {
      for (const part of partitions) {
        const one = byKey.get(keyOf({ topic, partition: part.partitionIndex }))
        // Sought or removed meanwhile: the answer is to a question that nobody has any more.
        if (one === undefined || one.state.removed || one.state.generation !== one.generation) continue
        if (part.errorCode === errors.NONE) this.#accept(one, part)
        else this.#refused(one, part.errorCode)
      }
    }
  }

  #accept({ state, offset }: Asked, part: Answer): void {
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
        isolation: this.#isolation,
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
      // Stays untouched until it is known whether the offset is really gone.
      state.retryAt = Number.POSITIVE_INFINITY
      void this.#judgeRange(one, error)
    } else if (error.retriable || error.brokerError === 'UNKNOWN_SERVER_ERROR') {
      this.#retry(state, error)
    } else {
      this.#break(state, error)
    }
  }

  /** A leader that has only just taken over may not know the end yet: only an offset outside of the log is a gap. */
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

  #lane(slot: number): Lane {
    const lane = this.#lanes[slot]
    if (lane === undefined) throw new Error(`there is no slot ${slot}`)
    return lane
  }

  get #logger() {
    return this.#cluster.options.logger
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function checkOffset({ topic, partition, offset }: PartitionOffset): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return
  throw new KafkaError('KAFKA_INVALID_ARGUMENT', `${topic}-${partition} can not be read from offset ${offset}`)
}
