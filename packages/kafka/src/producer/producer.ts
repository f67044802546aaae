/**
 * The idempotent producer: each batch is on the log at most once, and in order, even when it is retried.
 *
 * Each partition has a producer id of its own. If it is not known whether a partition's last batch is on the log, its sequence is
 * in doubt: only that partition continues under a new id; the failed batch does not affect the others.
 */
import type { Producer, ProducerOptions } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import type { Connections } from '../connection/connections.ts'
import { BrokerError, KafkaError } from '../errors.ts'
import { check } from '../retry.ts'
import type { RecordMetadata, RecordToSend } from '../types.ts'
import { apis, type ErrorName } from '../wire/index.ts'
import type { Batch, Identity, PartitionQueue } from './partition-queue.ts'
import { notWritten, Sender } from './sender.ts'

const DELIVERY_TIMEOUT_MS = 30_000
export const MAX_BATCH_BYTES = 768 * 1024
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024

/** The log has lost its state of this producer, or never had it. */
const lostIdentity: ReadonlySet<ErrorName> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
])

/**
 * Opens a producer with connections of its own, which the first `send` opens. It always waits for the acknowledgement
 * of all in-sync replicas (`acks=all`), and gets its producer id from the log (InitProducerId, KIP-98).
 * @example
 * ```ts
 * import { openAdmin, openCluster, openProducer } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * await openAdmin(cluster).createTopics([{ name: 'orders', partitions: 1 }])
 * const producer = openProducer(cluster)
 * const [first, second] = await producer.send([
 *   { topic: 'orders', key: 'ada', value: 'tea' },
 *   { topic: 'orders', key: 'ada', value: null }, // a tombstone
 * ])
 * console.log(first?.offset, second?.offset) // → 0 1
 * await producer.close()
 * await cluster.close()
 * ```
 */
export function openProducer(cluster: Cluster, options: ProducerOptions = {}): Producer {
  return new IdempotentProducer(cluster, options)
}

class IdempotentProducer implements Producer {
  readonly #cluster: Cluster
  readonly #connections: Connections
  readonly #sender: Sender
  readonly #timeoutMs: number
  /** The id for every partition that has none; null if the next partition has to request a new id. */
  #identity: Promise<Identity> | null = null
  #closed = false

  constructor(cluster: Cluster, options: ProducerOptions) {
    this.#cluster = cluster
    this.#connections = cluster.openConnections()
    this.#timeoutMs = options.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS
    this.#sender = new Sender({
      cluster,
      connections: this.#connections,
      transactionalId: null,
      deliveryTimeoutMs: this.#timeoutMs,
      maxBatchBytes: options.maxBatchBytes ?? MAX_BATCH_BYTES,
      maxBufferedBytes: options.maxBufferedBytes ?? MAX_BUFFERED_BYTES,
      prepare: (queues) => this.#identify(queues),
      onFinalError: (queue, batch, error) => this.#onFinalError(queue, batch, error),
      onRefused: (queue, batch) => {
        if (batch.mayBeWritten) this.#renewIdentity(queue)
      },
    })
  }

  send(records: readonly RecordToSend[]): Promise<RecordMetadata[]> {
    if (!this.#closed) return this.#sender.send(records)
    return Promise.reject(new KafkaError('KAFKA_CLOSED', 'the producer was closed', { outcome: 'not-written' }))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#sender.idle()
    await this.#cluster.closeConnections(this.#connections)
  }

  async #identify(queues: readonly PartitionQueue[]): Promise<void> {
    const nameless = queues.filter(({ identity }) => identity === null)
    if (nameless.length === 0) return
    this.#identity ??= this.#newIdentity()
    try {
      const identity = await this.#identity
      for (const queue of nameless) queue.identify(identity)
    } catch (error) {
      this.#identity = null
      throw error
    }
  }

  /**
   * Requests it only once: the sender retries, within the batches' own deadlines. While a log is away, retries here would be
   * added to those deadlines and delay all later batches.
   */
  async #newIdentity(): Promise<Identity> {
    try {
      const answer = await this.#cluster.anyBroker(apis.initProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      })
      check(answer.errorCode, 'getting a producer id')
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    } catch (error) {
      // The batches that wait for the id were not sent, whether or not the request reached the log.
      throw notWritten(error)
    }
  }

  #onFinalError(queue: PartitionQueue, batch: Batch, error: KafkaError): 'again' | 'refuse' {
    if (!(error instanceof BrokerError) || !lostIdentity.has(error.brokerError)) return 'refuse'
    this.#renewIdentity(queue)
    // Under a new id the log can't recognize a batch that it may already have: sending it again could write it twice.
    return batch.mayBeWritten ? 'refuse' : 'again'
  }

  #renewIdentity(queue: PartitionQueue): void {
    queue.identify(null)
    this.#identity = null
  }
}
