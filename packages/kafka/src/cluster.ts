/**
 * The state that all clients of a log share: its brokers, the leaders of partitions, the coordinators of groups and
 * transactions. Each is requested when first needed, cached, and requested again when an answer shows a change.
 */
import type { ClientOptions } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Address, Features } from './connection/connection.ts'
import { Connections } from './connection/connections.ts'
import { systemRandom } from './entropy.ts'
import { BrokerError, KafkaError } from './errors.ts'
import { backoffMs, busyMs, check, type Random, retry } from './retry.ts'
import { type Api, apis, type ErrorName, errors, type ResponseOf } from './wire/index.ts'

/**
 * A topic as the clients of a cluster know it. Leaders and replicas are node ids of brokers; the leader is -1 if
 * there is none.
 */
export type TopicMetadata = {
  readonly name: string
  /** A UUID as text; another one after the topic was deleted and created again. */
  readonly topicId: string
  /** Whether the log uses it for itself, such as `__consumer_offsets`. */
  readonly isInternal: boolean
  /** By partition number, without gaps. */
  readonly partitions: ReadonlyArray<{
    readonly partition: number
    readonly leader: number
    readonly replicas: readonly number[]
    readonly inSyncReplicas: readonly number[]
  }>
}

export type CoordinatorType = 'group' | 'transaction'

export type CoordinatorCall<Req, ReqIn, Res, ResIn> = {
  readonly type: CoordinatorType
  readonly key: string
  /** Default: the cluster's own, for requests that are answered at once. */
  readonly connections?: Connections
  readonly api: Api<Req, ReqIn, Res, ResIn>
  readonly body: ReqIn
  /** Default: the newest version that both sides know. */
  readonly maxVersion?: number | undefined
  readonly codeOf: (response: Res) => number
  readonly timeoutMs: number
  readonly what: string
  /** Default: the protocol's own classification of the error; a lost connection is always retriable. */
  readonly isRetriable?: (error: KafkaError) => boolean
}

type MetadataResponse = ResponseOf<typeof apis.metadata>
type Pending = { readonly names: Set<string>; readonly done: Promise<void> }

const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
/** The default of `metadata.max.age.ms` in Kafka's clients. */
const METADATA_MAX_AGE_MS = 300_000
const READY_TIMEOUT_MS = 30_000
const TOPIC_TIMEOUT_MS = 15_000
const COORDINATOR_KEY_TYPES = { group: 0, transaction: 1 } as const

/** Errors that pass within milliseconds: a transaction's markers are being written, or a partition is busy with one. */
const busyErrors: ReadonlySet<ErrorName> = new Set([
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_ENOUGH_REPLICAS',
])
const movedCoordinator: ReadonlySet<ErrorName> = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'])

/** How long to wait before another attempt after this error. */
export function waitAfter(error: KafkaError, attempt: number, random: Random): number {
  const isBusy = error instanceof BrokerError && busyErrors.has(error.brokerError)
  return isBusy ? busyMs(attempt, random) : backoffMs(attempt, random)
}

/**
 * Connects at first use. @throws KafkaError KAFKA_INVALID_ARGUMENT for brokers that aren't `host:port`
 * @example
 * ```ts
 * import { openCluster } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * await cluster.ready({ timeoutMs: 10_000 })
 * console.log(cluster.brokerCount) // → 1
 * await cluster.close()
 * ```
 */
export function openCluster(options: ClientOptions): Cluster {
  return new Cluster(options)
}

/**
 * The state that all clients of a log share: its brokers, the leaders of partitions, the coordinators of groups and transactions.
 * `openCluster` makes one.
 */
export class Cluster {
  /** The options as the caller gave them. */
  readonly options: ClientOptions
  /** The clock of all clients of this cluster. */
  readonly clock: Clock
  /** The random source of all clients of this cluster. */
  readonly random: Random
  /** The time within which a broker must answer a request that needs no waiting. */
  readonly requestTimeoutMs: number
  readonly #bootstrap: ReadonlyMap<number, Address>
  readonly #brokers = new Map<number, Address>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #coordinators = new Map<string, number>()
  #features: Features = new Map()
  readonly #opened = new Set<Connections>()
  readonly #connections: Connections
  #controllerId = -1
  /** The index of the broker to ask next, for requests that any broker can answer. */
  #turn = 0
  #next: Pending | null = null
  #refreshing: Promise<void> = Promise.resolve()
  readonly #metadataMaxAgeMs: number
  /** Set from the first metadata until `close`. */
  #aging: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: ClientOptions) {
    this.options = options
    this.clock = options.clock ?? systemClock
    this.random = options.random ?? systemRandom
    this.#metadataMaxAgeMs = options.metadataMaxAgeMs ?? METADATA_MAX_AGE_MS
    this.requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
    this.#bootstrap = new Map(options.brokers.map((text, index) => [-2 - index, parseAddress(text)]))
    if (this.#bootstrap.size === 0) throw new KafkaError('KAFKA_INVALID_ARGUMENT', 'no brokers are given')
    this.#connections = this.openConnections()
  }

  /**
   * Resolves when a broker has answered.
   * @throws KafkaError KAFKA_TIMEOUT if no broker answers in time (default 30 s), KAFKA_AUTHENTICATION at once
   */
  async ready(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? READY_TIMEOUT_MS
    const what = `reaching the log at ${this.options.brokers.join(', ')}`
    await retry({ timing: this, timeoutMs, what }, () => this.#fetchMetadata([]))
  }

  /** Ends every client of this cluster. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#aging ?? undefined)
    const opened = [...this.#opened]
    this.#opened.clear()
    await Promise.all(opened.map((connections) => connections.close()))
  }

  /**
   * Opens connections for one client; `closeConnections` closes them.
   * @internal
   */
  openConnections(options: { readonly requestTimeoutMs?: number } = {}): Connections {
    const connections = new Connections({
      client: this.options,
      connectTimeoutMs: this.options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      requestTimeoutMs: options.requestTimeoutMs ?? this.requestTimeoutMs,
      clock: this.clock,
      addressOf: (nodeId) => this.#brokers.get(nodeId) ?? this.#bootstrap.get(nodeId),
      onFeatures: (features) => {
        this.#features = features
      },
    })
    this.#opened.add(connections)
    return connections
  }

  /** The number of known brokers; 0 before the first answer. */
  get brokerCount(): number {
    return this.#brokers.size
  }

  /** The level of a feature as the newest connection reported it; 0 if it is off or unknown. */
  featureLevel(name: string): number {
    return this.#features.get(name) ?? 0
  }

  /**
   * Closes the connections of one client.
   * @internal
   */
  async closeConnections(connections: Connections): Promise<void> {
    this.#opened.delete(connections)
    await connections.close()
  }

  /**
   * Asks one broker after the other until one answers. Each call begins with another broker, so that one that hangs, or that is
   * cut off from the others and answers with old data, is not always the first. @throws the last broker's error
   * @internal
   */
  async anyBroker<Req, ReqIn, Res, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    connections: Connections = this.#connections,
  ): Promise<Res> {
    const known = [...this.#brokers.keys()]
    const first = known.length === 0 ? 0 : this.#turn++ % known.length
    let failure: unknown
    for (const nodeId of [...known.slice(first), ...known.slice(0, first), ...this.#bootstrap.keys()]) {
      try {
        return await connections.request(nodeId, api, body)
      } catch (error) {
        if (!(error instanceof KafkaError) || !error.retriable) throw error
        failure = error
      }
    }
    throw failure
  }

  /**
   * Asks one broker, on the cluster's own connections.
   * @internal
   */
  broker<Req, ReqIn, Res, ResIn>(nodeId: number, api: Api<Req, ReqIn, Res, ResIn>, body: ReqIn): Promise<Res> {
    return this.#connections.request(nodeId, api, body)
  }

  /** The ids of all brokers, from a fresh answer of the log. */
  async nodes(): Promise<number[]> {
    await retry({ timing: this, timeoutMs: TOPIC_TIMEOUT_MS, what: 'finding the brokers' }, () =>
      this.#fetchMetadata([]),
    )
    return [...this.#brokers.keys()]
  }

  /** The node that creates and deletes topics; if the log forwards such requests, any node. */
  async controller(): Promise<number> {
    if (this.#controllerId < 0 || !this.#brokers.has(this.#controllerId)) await this.#fetchMetadata([])
    if (this.#brokers.has(this.#controllerId)) return this.#controllerId
    const [first] = this.#brokers.keys()
    if (first === undefined) throw new KafkaError('KAFKA_UNAVAILABLE', 'the log names no brokers')
    return first
  }

  /** The next `controller` asks the log. */
  forgetController(): void {
    this.#controllerId = -1
  }

  /**
   * A topic that exists and whose partitions all have leaders; cached if it is known.
   * @throws KafkaError KAFKA_TIMEOUT (cause: UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE…)
   */
  async topic(name: string, options: { readonly timeoutMs?: number } = {}): Promise<TopicMetadata> {
    const known = this.#topics.get(name)
    if (known?.partitions.every(({ leader }) => leader >= 0)) return known
    const timeoutMs = options.timeoutMs ?? TOPIC_TIMEOUT_MS
    return await retry({ timing: this, timeoutMs, what: `finding topic ${name}` }, async () => {
      await this.refresh([name])
      const found = this.#topics.get(name)
      if (found === undefined) throw new BrokerError(errors.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name}`)
      if (found.partitions.some(({ leader }) => leader < 0)) {
        this.#topics.delete(name)
        throw new BrokerError(errors.LEADER_NOT_AVAILABLE, `topic ${name}`)
      }
      return found
    })
  }

  /** The last known leader; undefined if the topic isn't known, -1 if the partition has no leader. */
  leaderOf(topic: string, partition: number): number | undefined {
    return this.#topics.get(topic)?.partitions[partition]?.leader
  }

  /** The topic must be known. @throws KafkaError KAFKA_BROKER_ERROR UNKNOWN_TOPIC_OR_PARTITION if it isn't */
  partitionCount(topic: string): number {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known.partitions.length
    throw new BrokerError(errors.UNKNOWN_TOPIC_OR_PARTITION, `topic ${topic}`, { outcome: 'not-written' })
  }

  /** The next `topic` of this name asks the log. */
  forgetTopic(name: string): void {
    this.#topics.delete(name)
  }

  /** Asks the log about these topics. Calls during a request share the next request. */
  refresh(names: readonly string[]): Promise<void> {
    if (this.#next === null) {
      const wanted = new Set<string>()
      const done = this.#refreshing
        .catch(() => undefined)
        .then(() => {
          this.#next = null
          return this.#fetchMetadata([...wanted])
        })
      this.#refreshing = done
      this.#next = { names: wanted, done }
    }
    for (const name of names) this.#next.names.add(name)
    return this.#next.done
  }

  /**
   * Topics as the log has them now; null requests all. Errors of single topics stay in the answer.
   * @internal
   */
  async describeTopics(names: readonly string[] | null): Promise<MetadataResponse['topics']> {
    const topics = names === null ? null : names.map((name) => ({ name }))
    const answer = await this.anyBroker(apis.metadata, { topics, allowAutoTopicCreation: false })
    check(answer.errorCode, 'asking for metadata')
    this.#learn(answer)
    return answer.topics
  }

  /**
   * Finds the coordinator and asks it; both are repeated as long as the errors pass.
   * @internal
   */
  async coordinator<Req, ReqIn, Res, ResIn>(call: CoordinatorCall<Req, ReqIn, Res, ResIn>): Promise<Res> {
    const cacheKey = `${call.type}:${call.key}`
    const { timeoutMs, what } = call
    const onRetry = (error: KafkaError) => {
      const moved = !(error instanceof BrokerError) || movedCoordinator.has(error.brokerError)
      if (moved) this.#coordinators.delete(cacheKey)
    }
    const isRetriable = call.isRetriable ?? ((error: KafkaError) => error.retriable)
    return await retry({ timing: this, timeoutMs, what, onRetry, waitMs: waitAfter, isRetriable }, async () => {
      const connections = call.connections ?? this.#connections
      const nodeId = this.#coordinators.get(cacheKey) ?? (await this.#findCoordinator(call.type, call.key, connections))
      const response = await connections.request(nodeId, call.api, call.body, call.maxVersion)
      check(call.codeOf(response), what)
      return response
    })
  }

  async #findCoordinator(type: CoordinatorType, key: string, connections: Connections): Promise<number> {
    const keyType = COORDINATOR_KEY_TYPES[type]
    const answer = await this.anyBroker(apis.findCoordinator, { key, keyType, coordinatorKeys: [key] }, connections)
    const found = answer.coordinators[0] ?? answer
    check(found.errorCode, `finding the coordinator of ${type} ${key}`)
    this.#brokers.set(found.nodeId, { host: found.host, port: found.port })
    this.#coordinators.set(`${type}:${key}`, found.nodeId)
    return found.nodeId
  }

  async #fetchMetadata(names: readonly string[]): Promise<void> {
    const found = await this.describeTopics(names)
    for (const topic of found) {
      if (topic.errorCode !== errors.NONE && topic.name !== null) this.#topics.delete(topic.name)
    }
  }

  /**
   * Some changes cause no error: new partitions, new brokers, and brokers that have left while another still answers.
   * So the metadata is requested again when it is old.
   */
  #age(): void {
    if (this.#aging !== null || this.#closed) return
    this.#aging = setTimeout(() => {
      this.#aging = null
      this.refresh([...this.#topics.keys()])
        .catch((error: unknown) => this.options.logger?.debug({ err: error }, 'the metadata could not be refreshed'))
        .finally(() => this.#age())
    }, this.#metadataMaxAgeMs).unref()
  }

  #learn(answer: MetadataResponse): void {
    this.#age()
    // A log that is just starting may name no broker yet: the known ones stay until it names some.
    if (answer.brokers.length > 0) {
      this.#brokers.clear()
      for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port })
    }
    this.#controllerId = answer.controllerId
    for (const topic of answer.topics) {
      if (topic.errorCode !== errors.NONE || topic.name === null) continue
      const partitions = topic.partitions
        .map((one) => ({
          partition: one.partitionIndex,
          leader: one.leaderId,
          replicas: one.replicaNodes,
          inSyncReplicas: one.isrNodes,
        }))
        .sort((a, b) => a.partition - b.partition)
      const { name, topicId, isInternal } = topic
      this.#topics.set(name, { name, topicId, isInternal, partitions })
    }
  }
}

function parseAddress(text: string): Address {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/.exec(text.trim())
  const host = match?.groups?.v6 ?? match?.groups?.host
  const port = Number(match?.groups?.port)
  if (host === undefined || port < 1 || port > 65_535) {
    throw new KafkaError('KAFKA_INVALID_ARGUMENT', `a broker must be given as host:port, not as '${text}'`)
  }
  return { host, port }
}
