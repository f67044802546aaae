/**
 * Fetches partitions from their leaders by long polls, each broker independently, for one reader or for several that
 * share fetches.
 *
 *     readers ──wanted──► one request per broker, all readers' partitions ──► long poll ──► each answer to its reader
 *
 * A broker has a few slots, each with a connection of its own, opened when needed. The first request asks for every
 * partition that can be fetched. While it waits at the broker, partitions that have become fetchable (added, resumed,
 * sought) go into the next slot, so they don't wait for the first answer. With `lingerMs` a broker rests after an answer
 * that brought little, so that records that come one by one share a fetch; the first record after a quiet time comes at once.
 * The order of readers changes from one request to the next, so that a reader with much data does not delay the others. In a
 * fetch session the broker decides the order.
 *
 * Fetches go up to version 12, by topic name: later versions want topic ids, which not every log gives.
 */
import type { FetchOptions } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import type { Connections } from '../connection/connections.ts'
import { BrokerError, KafkaError } from '../errors.ts'
import { delay } from '../retry.ts'
import { type Isolation, keyOf } from '../types.ts'
import { apis, errors, type ResponseOf } from '../wire/index.ts'
import { FetchSession } from './fetch-session.ts'
import type { PartitionState } from './partition-state.ts'

type FetchAnswer = ResponseOf<typeof apis.fetch>
/** A broker's answer for one partition. */
export type Answered = FetchAnswer['responses'][number]['partitions'][number]
export type Asked = {
  readonly participant: Participant
  readonly state: PartitionState
  readonly generation: number
  readonly offset: number
}

/** A reader with its partitions. */
export type Participant = {
  readonly partitionMaxBytes: number
  states(): Iterable<PartitionState>
  /** The partitions that can be fetched now, in the time of `Clock.elapsed`. */
  wanted(now: number): readonly PartitionState[]
  answered(one: Asked, part: Answered): void
  /** The topic doesn't exist, or the whole request failed. */
  failed(state: PartitionState, error: unknown): void
}

const MAX_WAIT_MS = 500
const MAX_BYTES = 4 * 1024 * 1024
const SLOTS = [0, 1, 2, 3]
const LAST_VERSION_BY_NAME = 12
/** The broker has lost the session, or missed the request before this one. */
const sessionErrors: readonly number[] = [errors.FETCH_SESSION_ID_NOT_FOUND, errors.INVALID_FETCH_SESSION_EPOCH]
/** An answer of this size is part of a backlog: the broker doesn't rest after it. */
const LINGER_BYTES = 64 * 1024

export class Fetches {
  readonly isolation: Isolation
  readonly #cluster: Cluster
  readonly #connections: readonly Connections[]
  readonly #maxWaitMs: number
  readonly #maxBytes: number
  readonly #lingerMs: number
  #participants: readonly Participant[] = []
  /** Brokers that get no requests for a moment. */
  readonly #resting = new Set<number>()
  /** `node/slot` of requests in flight. */
  readonly #busy = new Set<string>()
  /** By `node/slot`; each is tied to one connection. */
  readonly #sessions = new Map<string, FetchSession>()
  readonly #lookups = new Set<string>()
  #scheduled = false
  #closed = false

  constructor(cluster: Cluster, options: FetchOptions) {
    this.#cluster = cluster
    this.isolation = options.isolation ?? 'read_committed'
    this.#maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
    this.#lingerMs = options.lingerMs ?? 0
    const requestTimeoutMs = cluster.requestTimeoutMs + this.#maxWaitMs
    this.#connections = SLOTS.map(() => cluster.openConnections({ requestTimeoutMs }))
  }

  join(participant: Participant): void {
    this.#participants = [...this.#participants, participant]
  }

  leave(participant: Participant): void {
    this.#participants = this.#participants.filter((other) => other !== participant)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#connections.map((connections) => this.#cluster.closeConnections(connections)))
  }

  /** Called when something may have become fetchable. */
  schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (!this.#closed) this.#run()
    })
  }

  /** Asks every broker for all partitions that can be fetched now. */
  #run(): void {
    const now = this.#cluster.clock.elapsed()
    const perBroker = new Map<number, Asked[]>()
    for (const participant of this.#participants) {
      for (const state of participant.wanted(now)) {
        const leader = this.#cluster.leaderOf(state.topic, state.partition) ?? -1
        if (leader < 0) this.#lookUp(state.topic)
        else if (!this.#resting.has(leader)) {
          const asked = perBroker.get(leader) ?? []
          perBroker.set(leader, asked)
          asked.push({ participant, state, generation: state.generation, offset: state.fetchOffset })
        }
      }
    }
    for (const [nodeId, asked] of perBroker) {
      for (const part of this.#isAlone ? [asked] : withoutRepeats(asked)) {
        const slot = SLOTS.find((one) => !this.#busy.has(`${nodeId}/${one}`))
        if (slot !== undefined) void this.#fetch(nodeId, slot, part)
      }
    }
    if (!this.#isAlone) this.#participants = [...this.#participants.slice(1), ...this.#participants.slice(0, 1)]
  }

  get #isAlone(): boolean {
    return this.#participants.length === 1
  }

  #lookUp(topic: string): void {
    if (this.#lookups.has(topic)) return
    this.#lookups.add(topic)
    this.#cluster
      .topic(topic)
      .catch((error: unknown) => {
        this.#cluster.options.logger?.warn({ err: error, topic }, 'the topic can not be found')
        if (isPassing(error)) return
        for (const participant of this.#participants) {
          for (const state of participant.states()) if (state.topic === topic) participant.failed(state, error)
        }
      })
      .finally(() => {
        this.#lookups.delete(topic)
        this.schedule()
      })
  }

  /** Never rejects: errors are retried, or `poll` throws them. */
  async #fetch(nodeId: number, slot: number, asked: readonly Asked[]): Promise<void> {
    const busy = `${nodeId}/${slot}`
    this.#busy.add(busy)
    for (const { state } of asked) state.inFlight = true
    const askedAt = this.#cluster.clock.elapsed()
    const session = this.#sessionOf(busy)
    try {
      const question = this.#question(asked, session)
      const answer = await this.#connectionsOf(slot).request(nodeId, apis.fetch, question, LAST_VERSION_BY_NAME)
      // All of it is requested again, at once.
      if (sessionErrors.includes(answer.errorCode)) session.forget()
      else {
        settle(asked, answer)
        session.answered(answer.sessionId)
        if (this.#lingerMs > 0) this.#rest(nodeId, askedAt, answer)
      }
    } catch (error) {
      session.forget()
      for (const one of asked) if (isWanted(one)) one.participant.failed(one.state, error)
    } finally {
      this.#busy.delete(busy)
      for (const { state, generation } of asked) if (state.generation === generation) state.inFlight = false
      this.schedule()
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
      this.schedule()
    })
  }

  #question(asked: readonly Asked[], session: FetchSession) {
    const wanted = asked.map(({ state: { topic, partition }, offset, participant: { partitionMaxBytes } }) => ({
      topic,
      partition,
      offset,
      partitionMaxBytes,
    }))
    return {
      maxWaitMs: this.#maxWaitMs,
      minBytes: 1,
      maxBytes: this.#maxBytes,
      isolationLevel: this.isolation === 'read_committed' ? 1 : 0,
      ...session.ask(wanted),
    }
  }

  #sessionOf(connection: string): FetchSession {
    const session = this.#sessions.get(connection) ?? new FetchSession()
    this.#sessions.set(connection, session)
    return session
  }

  #connectionsOf(slot: number): Connections {
    const connections = this.#connections[slot]
    if (connections === undefined) throw new Error(`there is no slot ${slot}`)
    return connections
  }
}

/** @throws BrokerError if the whole request is refused */
function settle(asked: readonly Asked[], answer: FetchAnswer): void {
  const byKey = new Map(asked.map((one) => [keyOf(one.state), one]))
  if (answer.errorCode !== errors.NONE) throw new BrokerError(answer.errorCode, 'fetching')
  for (const { topic, partitions } of answer.responses) {
    for (const part of partitions) {
      const one = byKey.get(keyOf({ topic, partition: part.partitionIndex }))
      if (one !== undefined && isWanted(one)) one.participant.answered(one, part)
    }
  }
}

/** Whether the answer is still needed: the partition may have been sought or removed meanwhile. */
function isWanted({ state, generation }: Asked): boolean {
  return !state.removed && state.generation === generation
}

/** A request names a partition only once: a partition that several readers want goes into several requests. */
function withoutRepeats(asked: readonly Asked[]): Asked[][] {
  const requests: Map<string, Asked>[] = []
  for (const one of asked) {
    const key = keyOf(one.state)
    let request = requests.find((known) => !known.has(key))
    if (request === undefined) {
      request = new Map()
      requests.push(request)
    }
    request.set(key, one)
  }
  return requests.map((request) => [...request.values()])
}

export function isPassing(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable
}
