/** The requests of one transactional.id to its transaction coordinator, and those for its offsets to the group coordinator. */
import type { Cluster } from '../cluster.ts'
import type { Connections } from '../connection/connections.ts'
import { BrokerError, FencedError, KafkaError, UnknownOutcomeError } from '../errors.ts'
import type { CommittedOffset, GroupMetadata, TopicPartition } from '../types.ts'
import { type Api, apis, type ErrorName, errors } from '../wire/index.ts'
import type { Identity } from './partition-queue.ts'
import { isFencing } from './transaction-errors.ts'

type Options = {
  readonly cluster: Cluster
  readonly connections: Connections
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly initTimeoutMs: number
  readonly transactionVersion: 1 | 2
}

const NEWCOMER: Identity = { producerId: -1, producerEpoch: -1 }
/** How long the result of a commit is requested. It is longer than a broker needs to restart. */
const OUTCOME_TIMEOUT_MS = 30_000

/** Answers to EndTxn that mean that the coordinator has done nothing yet. */
const didNothing: ReadonlySet<ErrorName> = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS'])

/** The last versions before KIP-890. From the next ones on, a write adds partitions and groups, and EndTxn gives the next epoch. */
const LAST_PRODUCE_1 = 11
const LAST_TXN_OFFSET_COMMIT_1 = 4
const LAST_END_TXN_1 = 4

export class TransactionCoordinator {
  readonly #options: Options
  /** `takeOver` decides it. */
  #version: 1 | 2 = 1

  constructor(options: Options) {
    this.#options = options
  }

  /** How long a request inside a transaction is retried: after that time the log aborts the transaction anyway. */
  get timeoutMs(): number {
    return this.#options.transactionTimeoutMs
  }

  /**
   * Whether partitions and groups join by the write itself. Not on a log of several brokers, though it would be allowed: leaders and
   * group coordinator would all ask the transaction coordinator at once. It takes one request at a time and the others wait for 20 ms
   * (`add.partitions.to.txn.retry.backoff.ms`). If they have joined before, none of them has to ask for a change.
   */
  get joinsByWriting(): boolean {
    return this.#version === 2 && this.#options.cluster.brokerCount <= 1
  }

  /** The version of Produce; undefined for the newest. */
  get produceVersion(): number | undefined {
    return this.#newestOr(LAST_PRODUCE_1)
  }

  /** Without an id and epoch of its own (-1, -1) the new producer fences the previous owner of the transactional.id. */
  async takeOver(): Promise<Identity> {
    const { cluster, transactionVersion } = this.#options
    const identity = await this.#init(NEWCOMER)
    this.#version = transactionVersion === 2 && cluster.featureLevel('transaction.version') >= 2 ? 2 : 1
    return identity
  }

  /**
   * A producer with its own id and epoch continues under the next epoch (KIP-360), unless it was fenced meanwhile.
   * @throws FencedError
   */
  async nextEpoch(identity: Identity): Promise<Identity> {
    try {
      return await this.#init(identity)
    } catch (error) {
      if (isFencing(error)) throw new FencedError(`${this.#options.transactionalId} was taken over`, error)
      throw error
    }
  }

  async addPartitions(identity: Identity, partitions: readonly TopicPartition[]): Promise<void> {
    const topics = [...byTopic(partitions)].map(([name, members]) => ({
      name,
      partitions: members.map(({ partition }) => partition),
    }))
    await this.#ask(apis.addPartitionsToTxn, {
      body: { ...this.#sender(identity), topics },
      codeOf: ({ results }) => worst(results.flatMap((topic) => topic.results.map(({ errorCode }) => errorCode))),
      what: `adding partitions to a transaction of ${this.#options.transactionalId}`,
    })
  }

  async addOffsets(identity: Identity, groupId: string): Promise<void> {
    await this.#ask(apis.addOffsetsToTxn, {
      body: { ...this.#sender(identity), groupId },
      codeOf: ({ errorCode }) => errorCode,
      what: `adding the offsets of ${groupId} to a transaction of ${this.#options.transactionalId}`,
    })
  }

  async commitOffsets(identity: Identity, group: GroupMetadata, offsets: readonly CommittedOffset[]): Promise<void> {
    const { cluster, connections, transactionTimeoutMs } = this.#options
    const topics = [...byTopic(offsets)].map(([name, members]) => ({
      name,
      partitions: members.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata,
      })),
    }))
    const { generationId, memberId, groupInstanceId, groupId } = group
    const body = { ...this.#sender(identity), groupId, generationId, memberId, groupInstanceId, topics }
    await cluster.coordinator({
      type: 'group',
      key: groupId,
      connections,
      api: apis.txnOffsetCommit,
      maxVersion: this.#newestOr(LAST_TXN_OFFSET_COMMIT_1),
      body,
      codeOf: (answer) => worst(answer.topics.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode))),
      timeoutMs: transactionTimeoutMs,
      what: `the offsets of group ${groupId}`,
    })
  }

  /**
   * Ends the transaction and makes sure of the result: the request may be repeated, because a coordinator that has ended it
   * answers so. Resolves with the producer's identity from then on, which is the same object if it has not changed; undefined if there
   * was no transaction to abort.
   * @throws FencedError if another producer has the transactional.id and the transaction surely did not end; for a commit with an
   * unknown result UnknownOutcomeError; for an abort the log's error, or a timeout: nothing is committed then
   */
  async end(identity: Identity, how: 'commit' | 'abort'): Promise<Identity | undefined> {
    const { transactionalId } = this.#options
    const what = `the ${how} of a transaction of ${transactionalId}`
    let mayBeDone = false
    const isRetriable = (error: KafkaError) => {
      const untouched =
        error instanceof BrokerError ? didNothing.has(error.brokerError) : error.outcome === 'not-written'
      if (error.retriable && !untouched) mayBeDone = true
      return error.retriable
    }
    const body = { ...this.#sender(identity), committed: how === 'commit' }
    try {
      const codeOf = ({ errorCode }: { errorCode: number }) => errorCode
      const maxVersion = this.#newestOr(LAST_END_TXN_1)
      const timeoutMs = OUTCOME_TIMEOUT_MS
      const next = await this.#ask(apis.endTxn, { body, codeOf, what, timeoutMs, isRetriable, maxVersion })
      return next.producerId === -1 ? identity : { producerId: next.producerId, producerEpoch: next.producerEpoch }
    } catch (error) {
      const nothingThere = error instanceof BrokerError && error.brokerError === 'INVALID_TXN_STATE'
      if (how === 'abort' && nothingThere) return undefined
      if (isFencing(error) && (how === 'abort' || !mayBeDone)) throw new FencedError(`${what} was refused`, error)
      if (how === 'abort' && error instanceof KafkaError) {
        throw error.restated({ message: `${what} is not confirmed: ${error.message}` })
      }
      throw new UnknownOutcomeError(`${what} has an unknown outcome`, error)
    }
  }

  async #init({ producerId, producerEpoch }: Identity): Promise<Identity> {
    const { transactionalId, transactionTimeoutMs, initTimeoutMs } = this.#options
    const answer = await this.#ask(apis.initProducerId, {
      body: { transactionalId, transactionTimeoutMs, producerId, producerEpoch },
      codeOf: ({ errorCode }) => errorCode,
      what: `opening ${transactionalId}`,
      timeoutMs: initTimeoutMs,
    })
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }

  #newestOr(lastBefore: number): number | undefined {
    return this.#version === 2 ? undefined : lastBefore
  }

  #sender({ producerId, producerEpoch }: Identity) {
    return { transactionalId: this.#options.transactionalId, producerId, producerEpoch }
  }

  #ask<Req, ReqIn, Res, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    call: {
      readonly body: ReqIn
      readonly codeOf: (answer: Res) => number
      readonly what: string
      readonly timeoutMs?: number
      readonly maxVersion?: number | undefined
      readonly isRetriable?: (error: KafkaError) => boolean
    },
  ): Promise<Res> {
    const { cluster, connections, transactionalId, transactionTimeoutMs } = this.#options
    return cluster.coordinator({
      type: 'transaction',
      key: transactionalId,
      connections,
      api,
      timeoutMs: transactionTimeoutMs,
      ...call,
    })
  }
}

/** One result for many partitions: a final error takes precedence over a passing one. */
function worst(codes: readonly number[]): number {
  const wrong = codes.filter((code) => code !== errors.NONE && code !== errors.OPERATION_NOT_ATTEMPTED)
  const final = wrong.find((code) => !new BrokerError(code, '').retriable)
  return final ?? wrong[0] ?? codes.find((code) => code !== errors.NONE) ?? errors.NONE
}

function byTopic<T extends TopicPartition>(partitions: readonly T[]): Map<string, T[]> {
  return Map.groupBy(partitions, ({ topic }) => topic)
}
