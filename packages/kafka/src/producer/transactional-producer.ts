/**
 * The transactional producer: commits records of many partitions, and the offsets of their inputs, all or nothing.
 *
 *     ready ──begin──► open ──commit──► ready
 *                       │ │
 *          a send fails │ └──abort────► ready (under a new epoch if a batch's fate is in doubt)
 *                       ▼
 *                    failed ──abort──► ready
 *     any ── fenced, the end's outcome unknown, an abort not confirmed ──► fatal (every call throws the same again)
 *
 * If the log has `transaction.version` 2 on and is one broker, a transaction takes two round trips: Produce and TxnOffsetCommit together,
 * by which partitions and group join; EndTxn. Otherwise it takes four: AddPartitionsToTxn; AddOffsetsToTxn; Produce and
 * TxnOffsetCommit together; EndTxn. In version 2 EndTxn gives the next epoch. Requests to the transaction coordinator are sent one
 * at a time, and nothing is written before the partitions and groups that have to join have joined: a busy coordinator refuses
 * both, which costs a retry.
 *
 * Sources: KIP-98, KIP-360 (a new epoch after a failure), KIP-447 (group metadata), KIP-890 (`transaction.version` 2).
 */
import type { TransactionalProducer, TransactionalProducerOptions } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import type { Connections } from '../connection/connections.ts'
import { AbortableError, FencedError, KafkaError, UnknownOutcomeError } from '../errors.ts'
import {
  type CommittedOffset,
  type GroupMetadata,
  keyOf,
  type RecordMetadata,
  type RecordToSend,
  type TopicPartition,
} from '../types.ts'
import type { Identity, PartitionQueue } from './partition-queue.ts'
import { MAX_BATCH_BYTES } from './producer.ts'
import { Sender } from './sender.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import { asTransactionError } from './transaction-errors.ts'

const TRANSACTION_TIMEOUT_MS = 10_000
const INIT_TIMEOUT_MS = 30_000

type State = 'ready' | 'open' | 'failed' | 'ending' | 'fatal' | 'closed'

/**
 * Takes over the transactional.id: fences its previous owner, and waits for the end of a transaction that was open.
 * @throws KafkaError KAFKA_TIMEOUT, KAFKA_BROKER_ERROR (authorization, INVALID_TRANSACTION_TIMEOUT)
 * @example
 * ```ts
 * import { openAdmin, openCluster, openTransactionalProducer } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * await openAdmin(cluster).createTopics(['debits', 'credits'].map((name) => ({ name, partitions: 1 })))
 * const producer = await openTransactionalProducer(cluster, { transactionalId: 'transfers' })
 * producer.begin()
 * const places = await producer.send(['debits', 'credits'].map((topic) => ({ topic, key: 'ada', value: '10' })))
 * await producer.commit() // both records or none: `abort` would take them back
 * console.log(places.map(({ topic, offset }) => `${topic} ${offset}`).join(', ')) // → debits 0, credits 0
 * await producer.close()
 * await cluster.close()
 * ```
 */
export async function openTransactionalProducer(
  cluster: Cluster,
  options: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const connections = cluster.openConnections()
  const coordinator = new TransactionCoordinator({
    cluster,
    connections,
    transactionalId: options.transactionalId,
    transactionTimeoutMs: options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS,
    initTimeoutMs: options.initTimeoutMs ?? INIT_TIMEOUT_MS,
    transactionVersion: options.transactionVersion ?? 2,
  })
  try {
    const identity = await coordinator.takeOver()
    return new OpenTransactionalProducer({ cluster, connections, coordinator, identity, options })
  } catch (error) {
    await cluster.closeConnections(connections)
    throw error
  }
}

/**
 * Aborts the open transaction of a member that is gone, and fences that member if it returns. Never to be called for an id
 * whose owner may be alive.
 */
export async function endTransactionOf(cluster: Cluster, transactionalId: string): Promise<void> {
  const producer = await openTransactionalProducer(cluster, { transactionalId })
  await producer.close()
}

type Parts = {
  readonly cluster: Cluster
  readonly connections: Connections
  readonly coordinator: TransactionCoordinator
  readonly identity: Identity
  readonly options: TransactionalProducerOptions
}

class OpenTransactionalProducer implements TransactionalProducer {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #connections: Connections
  readonly #coordinator: TransactionCoordinator
  readonly #sender: Sender
  #identity: Identity
  #state: State = 'ready'
  /** Counts transactions, so that a late failure of an earlier one doesn't fail this one. */
  #transaction = 0
  #failure: KafkaError | null = null
  /** Partitions and groups that the coordinator has confirmed for this transaction. */
  #members = new Set<string>()
  /** A join was requested: from then on the coordinator may have an open transaction. */
  #mayBeOpen = false
  /** An encoded batch was refused, or may be on the log: sequences are in doubt until there is a new epoch. */
  #needsNewEpoch = false
  /** Requests to the coordinator run one after the other. Resolves when all of them have ended, with or without an error. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #offsets = new Set<Promise<void>>()

  constructor({ cluster, connections, coordinator, identity, options }: Parts) {
    this.transactionalId = options.transactionalId
    this.#cluster = cluster
    this.#connections = connections
    this.#coordinator = coordinator
    this.#identity = identity
    this.#sender = new Sender({
      cluster,
      connections,
      transactionalId: options.transactionalId,
      deliveryTimeoutMs: coordinator.timeoutMs,
      maxBatchBytes: options.maxBatchBytes ?? MAX_BATCH_BYTES,
      // The transaction is the limit: its owner decides how much it holds.
      maxBufferedBytes: Number.POSITIVE_INFINITY,
      prepare: (queues) => this.#prepare(queues),
      maxVersion: coordinator.produceVersion,
      onFinalError: () => 'refuse',
      onRefused: (_queue, batch, error) => {
        if (batch.encoded !== null) this.#needsNewEpoch = true
        this.#fail(asTransactionError(error, `transaction of ${this.transactionalId}`))
      },
    })
  }

  begin(): void {
    this.#throwIfOver()
    if (this.#state !== 'ready') throw wrongState('begin', this.#state)
    this.#state = 'open'
    this.#transaction++
    this.#members = new Set()
  }

  async send(records: readonly RecordToSend[]): Promise<RecordMetadata[]> {
    this.#throwUnlessOpen('send')
    const transaction = this.#transaction
    try {
      return await this.#sender.send(records)
    } catch (error) {
      throw this.#failIn(transaction, asTransactionError(error, `sending in a transaction of ${this.transactionalId}`))
    }
  }

  async sendOffsets(group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void> {
    this.#throwUnlessOpen('sendOffsets')
    if (offsets.length === 0) return
    const transaction = this.#transaction
    const work = this.#sendOffsets(group, offsets)
    this.#offsets.add(work)
    try {
      await work
    } catch (error) {
      const what = `the offsets of a transaction of ${this.transactionalId}`
      throw this.#failIn(transaction, asTransactionError(error, what))
    } finally {
      this.#offsets.delete(work)
    }
  }

  async commit(): Promise<void> {
    this.#throwUnlessOpen('commit')
    await this.#quiet()
    if (this.#failure !== null) throw this.#failure
    if (this.#state !== 'open') throw wrongState('commit', this.#state)
    await this.#end('commit')
  }

  async abort(): Promise<void> {
    this.#throwIfOver()
    if (this.#state !== 'open' && this.#state !== 'failed') throw wrongState('abort', this.#state)
    this.#sender.abandon(new AbortableError('the transaction was aborted'))
    await this.#quiet()
    this.#throwIfOver()
    await this.#end('abort')
    this.#sender.resume()
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#sender.abandon(new KafkaError('KAFKA_CLOSED', 'the producer was closed'))
    await this.#cluster.closeConnections(this.#connections)
  }

  async #end(how: 'commit' | 'abort'): Promise<void> {
    this.#state = 'ending'
    try {
      if (this.#mayBeOpen) {
        const next = await this.#coordinator.end(this.#identity, how)
        if (next === undefined) this.#needsNewEpoch = true
        else if (next !== this.#identity) {
          this.#identity = next
          this.#needsNewEpoch = false
          this.#sender.forgetIdentities()
        }
      }
      if (this.#needsNewEpoch) {
        this.#identity = await this.#coordinator.nextEpoch(this.#identity)
        this.#sender.forgetIdentities()
      }
    } catch (error) {
      throw this.#die(endedBadly(error, { how, transactionalId: this.transactionalId }))
    }
    this.#mayBeOpen = false
    this.#needsNewEpoch = false
    this.#failure = null
    this.#state = 'ready'
  }

  /** Waits until all requests have ended, with or without an error. */
  async #quiet(): Promise<void> {
    await this.#sender.idle()
    await Promise.allSettled(this.#offsets)
  }

  async #prepare(queues: readonly PartitionQueue[]): Promise<void> {
    for (const queue of queues) {
      if (queue.identity === null) queue.identify(this.#identity)
    }
    if (this.#coordinator.joinsByWriting) {
      this.#mayBeOpen = true
      return
    }
    await this.#inTurn(async () => {
      const missing: TopicPartition[] = queues.filter((queue) => !this.#members.has(keyOf(queue)))
      if (missing.length === 0) return
      this.#mayBeOpen = true
      await this.#coordinator.addPartitions(this.#identity, missing)
      for (const partition of missing) this.#members.add(keyOf(partition))
    })
    await this.#turn
  }

  async #sendOffsets(group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void> {
    if (this.#coordinator.joinsByWriting) this.#mayBeOpen = true
    else await this.#joinGroup(group)
    if (this.#failure !== null) throw this.#failure
    await this.#coordinator.commitOffsets(this.#identity, group, offsets)
  }

  async #joinGroup({ groupId }: GroupMetadata): Promise<void> {
    const groupKey = `group ${groupId}`
    await this.#inTurn(async () => {
      if (this.#members.has(groupKey)) return
      this.#mayBeOpen = true
      await this.#coordinator.addOffsets(this.#identity, groupId)
      this.#members.add(groupKey)
    })
    await this.#turn
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  #failIn(transaction: number, error: KafkaError): KafkaError {
    return transaction === this.#transaction || !(error instanceof AbortableError) ? this.#fail(error) : error
  }

  /** The first failure counts; a fatal one takes precedence over an abortable one. */
  #fail(error: KafkaError): KafkaError {
    if (error instanceof FencedError || error instanceof UnknownOutcomeError) return this.#die(error)
    if (this.#state === 'open') {
      this.#state = 'failed'
      this.#failure = error
    }
    return this.#failure ?? error
  }

  #die(fatal: KafkaError): KafkaError {
    if (this.#state !== 'fatal' && this.#state !== 'closed') {
      this.#state = 'fatal'
      this.#failure = fatal
      this.#sender.abandon(fatal)
    }
    return this.#failure ?? fatal
  }

  #throwUnlessOpen(call: string): void {
    this.#throwIfOver()
    if (this.#failure !== null) throw this.#failure
    if (this.#state !== 'open') throw wrongState(call, this.#state)
  }

  #throwIfOver(): void {
    if (this.#state === 'closed') throw new KafkaError('KAFKA_CLOSED', 'the producer was closed')
    if (this.#state === 'fatal' && this.#failure !== null) throw this.#failure
  }
}

/** An aborted transaction is surely not committed: only the result of a commit can be unknown. */
function endedBadly(error: unknown, { how, transactionalId }: { how: 'commit' | 'abort'; transactionalId: string }) {
  if (error instanceof FencedError || error instanceof UnknownOutcomeError) return error
  // The log may abort it later, but this producer takes no more calls.
  if (how === 'abort' && error instanceof KafkaError)
    return error.restated({ retriable: false, outcome: 'not-written' })
  return new UnknownOutcomeError(`the end of a transaction of ${transactionalId}`, error)
}

function wrongState(call: string, state: State): KafkaError {
  return new KafkaError('KAFKA_INVALID_STATE', `${call} does not fit a transactional producer that is ${state}`)
}
