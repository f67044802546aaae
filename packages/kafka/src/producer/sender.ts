/**
 * Writes queued records: one request at a time to each broker, with one batch of each partition that it leads.
 * Batches grow while the previous request is in flight; there is no other delay.
 *
 * The owner of the sender prepares partitions (ids, transactions) and is called when batches fail.
 */
import type { Cluster } from '../cluster.ts'
import { waitAfter } from '../cluster.ts'
import type { Connections } from '../connection/connections.ts'
import { BrokerError, KafkaError } from '../errors.ts'
import { keyOf, type RecordMetadata, type RecordToSend } from '../types.ts'
import { apis, type ErrorName, errors, type RecordToEncode, type ResponseOf } from '../wire/index.ts'
import { partitionOf, toEncode } from './outgoing.ts'
import { type Batch, PartitionQueue } from './partition-queue.ts'
import { PendingSend } from './pending-send.ts'

export type SenderOptions = {
  readonly cluster: Cluster
  readonly connections: Connections
  /** The version of Produce; undefined for the newest. */
  readonly maxVersion?: number | undefined
  readonly transactionalId: string | null
  readonly deliveryTimeoutMs: number
  readonly maxBatchBytes: number
  readonly maxBufferedBytes: number
  /** Gives every queue its identity, and adds the partitions to the transaction, before any of their batches is sent. */
  readonly prepare: (queues: readonly PartitionQueue[]) => Promise<void>
  /**
   * Decides about an error that the protocol calls final: 'again' sends the batch anew (with another identity if
   * the queue has one), 'refuse' fails it.
   */
  readonly onFinalError: (queue: PartitionQueue, batch: Batch, error: KafkaError) => 'again' | 'refuse'
  /** Called before the records' calls are rejected. */
  readonly onRefused: (queue: PartitionQueue, batch: Batch, error: KafkaError) => void
}

/** The records of one call, counted in the buffer. */
type Admitted = {
  readonly parts: ReadonlyArray<{
    readonly given: RecordToSend
    readonly record: RecordToEncode
    readonly bytes: number
  }>
  readonly bytes: number
  /** Compared with `Clock.elapsed`; counts from the call. */
  readonly deadline: number
}

type ProduceAnswer = ResponseOf<typeof apis.produce>['responses'][number]['partitionResponses'][number]

const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const ALL_IN_SYNC = -1

/** After these errors the log may have the batch although it did not confirm it. */
const ambiguous: ReadonlySet<ErrorName> = new Set([
  'UNKNOWN_SERVER_ERROR',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
])

export class Sender {
  readonly #options: SenderOptions
  readonly #queues = new Map<string, PartitionQueue>()
  /** Queues that have records or a batch. */
  readonly #active = new Set<PartitionQueue>()
  readonly #busyBrokers = new Set<number>()
  readonly #lookups = new Set<string>()
  /** For each topic that is not known yet, its last call; later calls keep their order. Never rejects. */
  readonly #placing = new Map<string, Promise<void>>()
  #unplaced = 0
  #bufferedBytes = 0
  #roundRobin = 0
  #scheduled = false
  #abandoned: KafkaError | null = null
  #idle: PromiseWithResolvers<void> | null = null
  /** Set while records wait: those behind a batch in flight must also fail at their deadline. */
  #expiry: NodeJS.Timeout | null = null

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Records of one partition are sent in the order of the calls. */
  send(records: readonly RecordToSend[]): Promise<RecordMetadata[]> {
    if (records.length === 0) return Promise.resolve([])
    if (this.#abandoned !== null) return Promise.reject(this.#abandoned)
    try {
      const admitted = this.#admit(records)
      const topics = [...new Set(records.map(({ topic }) => topic))]
      const { cluster } = this.#options
      const isNext = (topic: string) => cluster.leaderOf(topic, 0) !== undefined && !this.#placing.has(topic)
      return topics.every(isNext) ? this.#place(admitted) : this.#placeOnceKnown(admitted, topics)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves once no record waits and no request is in flight. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }

  /** Fails every batch and record that isn't in flight, and retries none until `resume`. */
  abandon(error: KafkaError): void {
    this.#abandoned = error
    for (const queue of this.#active) {
      this.#bufferedBytes -= queue.expire(() => error)
      const { batch } = queue
      if (batch !== null && !queue.inFlight) this.#refuse(queue, batch, error)
    }
    this.#schedule()
  }

  resume(): void {
    this.#abandoned = null
  }

  /** Every partition needs a new identity, and begins at sequence 0. Only to be called when idle. */
  forgetIdentities(): void {
    for (const queue of this.#queues.values()) queue.identify(null)
  }

  /** Counts the records from here on, whether or not their topics are known. @throws KafkaError KAFKA_QUEUE_FULL */
  #admit(records: readonly RecordToSend[]): Admitted {
    const { clock } = this.#options.cluster
    const now = clock.now()
    const parts = records.map((record) => ({ given: record, ...toEncode(record, now) }))
    const bytes = parts.reduce((sum, one) => sum + one.bytes, 0)
    this.#makeRoom(bytes)
    return { parts, bytes, deadline: clock.elapsed() + this.#options.deliveryTimeoutMs }
  }

  /** Waits for these topics, and for earlier calls that wait for one of them; not for other topics. */
  async #placeOnceKnown(admitted: Admitted, topics: readonly string[]): Promise<RecordMetadata[]> {
    this.#unplaced++
    const { cluster, deliveryTimeoutMs: timeoutMs } = this.#options
    const found = topics.map((topic) => cluster.topic(topic, { timeoutMs }))
    const before = topics.map((topic) => this.#placing.get(topic))
    const placed = Promise.allSettled([...found, ...before]).then((results) => {
      const missing = results.find((result) => result.status === 'rejected')
      if (missing === undefined) return { send: this.#place(admitted) }
      this.#bufferedBytes -= admitted.bytes
      throw notWritten(missing.reason)
    })
    const over: Promise<void> = placed.then(
      () => this.#afterPlacing(topics, over),
      () => this.#afterPlacing(topics, over),
    )
    for (const topic of topics) this.#placing.set(topic, over)
    const { send } = await placed
    return await send
  }

  #afterPlacing(topics: readonly string[], over: Promise<void>): void {
    this.#unplaced--
    for (const topic of topics) if (this.#placing.get(topic) === over) this.#placing.delete(topic)
    this.#schedule()
  }

  #place({ parts, bytes, deadline }: Admitted): Promise<RecordMetadata[]> {
    try {
      if (this.#abandoned !== null) throw this.#abandoned
      const placed = parts.map((part) => ({ ...part, queue: this.#queueOf(part.given) }))
      const send = new PendingSend(parts.length)
      for (const [index, one] of placed.entries()) {
        one.queue.push({ record: one.record, bytes: one.bytes, send, index, deadline })
        this.#active.add(one.queue)
      }
      this.#expireFrom(deadline)
      this.#schedule()
      return send.promise
    } catch (error) {
      this.#bufferedBytes -= bytes
      return Promise.reject(error)
    }
  }

  #makeRoom(bytes: number): void {
    const limit = this.#options.maxBufferedBytes
    // A call larger than the whole buffer is accepted if it is alone: otherwise it could never be sent.
    if (this.#bufferedBytes > 0 && this.#bufferedBytes + bytes > limit) {
      const message = `${this.#bufferedBytes} bytes wait to be sent, of at most ${limit}`
      throw new KafkaError('KAFKA_QUEUE_FULL', message, { outcome: 'not-written' })
    }
    this.#bufferedBytes += bytes
  }

  #queueOf(record: RecordToSend): PartitionQueue {
    const count = this.#options.cluster.partitionCount(record.topic)
    const partition = partitionOf(record, count, () => this.#roundRobin++)
    const key = keyOf({ topic: record.topic, partition })
    const known = this.#queues.get(key)
    if (known !== undefined) return known
    const queue = new PartitionQueue(record.topic, partition, this.#options.maxBatchBytes)
    this.#queues.set(key, queue)
    return queue
  }

  /** Runs a little later, so that all sends of this turn of the event loop share their batches. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#run()
    })
  }

  #run(): void {
    const { cluster } = this.#options
    const now = cluster.clock.elapsed()
    const perBroker = new Map<number, PartitionQueue[]>()
    for (const queue of this.#active) {
      if (queue.inFlight) continue
      this.#expire(queue, now)
      if (queue.isEmpty) {
        this.#active.delete(queue)
        continue
      }
      if (queue.retryAt > now) continue
      const leader = cluster.leaderOf(queue.topic, queue.partition) ?? -1
      if (leader < 0) this.#lookUp(queue.topic)
      else if (!this.#busyBrokers.has(leader)) add(perBroker, leader, queue)
    }
    for (const [nodeId, queues] of perBroker) void this.#request(nodeId, fitting(queues))
    if (this.#idle !== null && this.#isIdle()) {
      this.#idle.resolve()
      this.#idle = null
    }
  }

  #isIdle(): boolean {
    return this.#active.size === 0 && this.#unplaced === 0
  }

  #expire(queue: PartitionQueue, now: number): void {
    const error = () => {
      const message = `${queue.topic}-${queue.partition}: not sent within ${this.#options.deliveryTimeoutMs} ms`
      return new KafkaError('KAFKA_TIMEOUT', message, { outcome: 'not-written' })
    }
    this.#bufferedBytes -= queue.expire(error, now)
  }

  #expireFrom(deadline: number): void {
    const { clock } = this.#options.cluster
    this.#expiry ??= setTimeout(
      () => {
        this.#expiry = null
        const now = clock.elapsed()
        for (const queue of this.#active) this.#expire(queue, now)
        const next = Math.min(...[...this.#active].map((queue) => queue.nextDeadline))
        if (next < Number.POSITIVE_INFINITY) this.#expireFrom(next)
        this.#schedule()
      },
      Math.max(0, deadline - clock.elapsed()) + 1,
    ).unref()
  }

  #lookUp(topic: string): void {
    if (this.#lookups.has(topic)) return
    this.#lookups.add(topic)
    const { cluster, deliveryTimeoutMs } = this.#options
    cluster
      .topic(topic, { timeoutMs: deliveryTimeoutMs })
      .catch((error: unknown) => {
        for (const queue of this.#active) {
          if (queue.topic !== topic || queue.inFlight) continue
          if (queue.batch !== null) this.#refuse(queue, queue.batch, notWritten(error))
          this.#bufferedBytes -= queue.expire(() => notWritten(error))
        }
      })
      .finally(() => {
        this.#lookups.delete(topic)
        this.#schedule()
      })
  }

  /** Never rejects: the batches get the errors. */
  async #request(nodeId: number, queues: readonly PartitionQueue[]): Promise<void> {
    const { connections, prepare, transactionalId, cluster, maxVersion } = this.#options
    this.#busyBrokers.add(nodeId)
    for (const queue of queues) queue.inFlight = true
    const batches = new Map(queues.map((queue) => [queue, queue.take()]))
    try {
      await prepare(queues)
      const body = {
        transactionalId,
        acks: ALL_IN_SYNC,
        timeoutMs: cluster.requestTimeoutMs,
        topicData: topicData(batches, transactionalId !== null),
      }
      const answer = await connections.request(nodeId, apis.produce, body, maxVersion)
      for (const [queue, batch] of batches) this.#settle(queue, batch, partOf(answer, queue))
    } catch (error) {
      const failure = notSent(error)
      for (const [queue, batch] of batches) this.#failed(queue, batch, failure)
    } finally {
      this.#busyBrokers.delete(nodeId)
      for (const queue of queues) queue.inFlight = false
      this.#schedule()
    }
  }

  #settle(queue: PartitionQueue, batch: Batch, answer: ProduceAnswer | undefined): void {
    if (answer?.errorCode === errors.NONE || answer?.errorCode === errors.DUPLICATE_SEQUENCE_NUMBER) {
      this.#bufferedBytes -= batch.size
      const baseOffset = answer.errorCode === errors.NONE ? answer.baseOffset : -1
      queue.retryAt = 0
      queue.delivered(batch, { baseOffset, logAppendTime: answer.logAppendTimeMs })
      return
    }
    const code = answer?.errorCode ?? errors.UNKNOWN_SERVER_ERROR
    const reason = answer?.errorMessage ?? answer?.recordErrors[0]?.batchIndexErrorMessage
    const what = `writing to ${queue.topic}-${queue.partition}${reason ? ` (${reason})` : ''}`
    this.#failed(queue, batch, new BrokerError(code, what))
  }

  #failed(queue: PartitionQueue, batch: Batch, error: KafkaError): void {
    if (error.outcome === 'unknown') batch.mayBeWritten = true
    if (error instanceof BrokerError && ambiguous.has(error.brokerError)) batch.mayBeWritten = true
    if (this.#abandoned !== null) this.#refuse(queue, batch, error)
    else if (error.retriable) this.#retry(queue, batch, error)
    else if (error instanceof BrokerError && error.brokerError === 'MESSAGE_TOO_LARGE' && queue.split(batch)) return
    else if (this.#options.onFinalError(queue, batch, error) === 'again') queue.encodeAgain(batch)
    else this.#refuse(queue, batch, error)
  }

  #retry(queue: PartitionQueue, batch: Batch, error: KafkaError): void {
    const { cluster } = this.#options
    const now = cluster.clock.elapsed()
    const wait = waitAfter(error, batch.attempt, cluster.random)
    if (now + wait >= batch.deadline) {
      this.#refuse(queue, batch, error)
      return
    }
    batch.attempt++
    queue.retryAt = now + wait
    // Leaders are refreshed in the background, and meanwhile the old one is tried: either may succeed first.
    if (wait > 5) cluster.refresh([queue.topic]).catch(() => undefined)
    setTimeout(() => this.#schedule(), wait + 1)
  }

  #refuse(queue: PartitionQueue, batch: Batch, error: KafkaError): void {
    const outcome = batch.mayBeWritten ? 'unknown' : 'not-written'
    const failure = error.outcome === outcome ? error : error.restated({ outcome })
    this.#bufferedBytes -= batch.size
    queue.retryAt = 0
    this.#options.onRefused(queue, batch, failure)
    queue.refused(batch, failure)
  }
}

/** For an error that occurred before anything was sent. */
export function notWritten(error: unknown): KafkaError {
  const failure = notSent(error)
  return failure.outcome === 'not-written' ? failure : failure.restated({ outcome: 'not-written' })
}

/** A BrokerConnection throws KafkaErrors; any other error was thrown while the batch was being encoded. */
function notSent(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  return new KafkaError('KAFKA_MALFORMED', 'the records can not be encoded', { cause: error, outcome: 'not-written' })
}

function add(perBroker: Map<number, PartitionQueue[]>, nodeId: number, queue: PartitionQueue): void {
  const queues = perBroker.get(nodeId)
  if (queues === undefined) perBroker.set(nodeId, [queue])
  else queues.push(queue)
}

/** As many queues as fit in one request; at least one. */
function fitting(queues: readonly PartitionQueue[]): PartitionQueue[] {
  let bytes = 0
  const chosen: PartitionQueue[] = []
  for (const queue of queues) {
    bytes += queue.take().size
    if (chosen.length > 0 && bytes > MAX_REQUEST_BYTES) break
    chosen.push(queue)
  }
  return chosen
}

function topicData(batches: ReadonlyMap<PartitionQueue, Batch>, isTransactional: boolean) {
  const topics = new Map<string, Array<{ index: number; records: Buffer }>>()
  for (const [queue, batch] of batches) {
    const partition = { index: queue.partition, records: queue.encode(batch, isTransactional) }
    const partitions = topics.get(queue.topic)
    if (partitions === undefined) topics.set(queue.topic, [partition])
    else partitions.push(partition)
  }
  return [...topics].map(([name, partitionData]) => ({ name, partitionData }))
}

function partOf(answer: ResponseOf<typeof apis.produce>, queue: PartitionQueue): ProduceAnswer | undefined {
  const topic = answer.responses.find(({ name }) => name === queue.topic)
  return topic?.partitionResponses.find(({ index }) => index === queue.partition)
}
