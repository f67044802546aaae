/** The requests of one transactional.id to its transaction coordinator, and of its offsets to the group's. */
import type { Cluster } from '../cluster.ts'
import type { Lane } from '../connection/lane.ts'
import { BrokerError, FencedError, KafkaError, UnknownOutcomeError } from '../errors.ts'
import type { CommittedOffset, GroupMetadata, TopicPartition } from '../types.ts'
import { type Api, apis, type ErrorName, errors } from '../wire/index.ts'
import type { Identity } from './partition-queue.ts'
import { isFencing } from './transaction-errors.ts'

type Options = {
  readonly cluster: Cluster
  readonly lane: Lane
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly initTimeoutMs: number
}

const NEWCOMER: Identity = { producerId: -1, producerEpoch: -1 }
/** How long the outcome of a commit is asked for. Longer than a broker takes to come back. */
const OUTCOME_TIMEOUT_MS = 30_000

/** Answers to EndTxn by which the coordinator says that it did nothing yet. */
const didNothing: ReadonlySet<ErrorName> = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS'])

export class TransactionCoordinator {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** How long anything inside a transaction is tried: after that the log ends it anyway. */
  get timeoutMs(): number {
    return this.#options.transactionTimeoutMs
  }

  /** Without an id and epoch of its own (-1, -1) the newcomer fences whoever had the transactional.id. */
  takeOver(): Promise<Identity> {
    return this.#init(NEWCOMER)
  }

  /**
   * With its own id and epoch, a producer goes on under the next epoch (KIP-360), unless it was fenced meanwhile.
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
    const { cluster, lane, transactionTimeoutMs } = this.#options
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
      lane,
      api: apis.txnOffsetCommit,
      body,
      codeOf: (answer) => worst(answer.topics.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode))),
      timeoutMs: transactionTimeoutMs,
      what: `the offsets of group ${groupId}`,
    })
  }

  /**
   * Ends the transaction and makes sure of it: the request may be repeated, since a coordinator that has done it
   * already says so. Resolves false if there was nothing to abort.
   * @throws FencedError if another has the transactional.id and it surely wasn't done; for a commit UnknownOutcomeError if
   * that can't be told; for an abort what the log answered, or that it didn't: nothing is committed by that
   */
  async end(identity: Identity, how: 'commit' | 'abort'): Promise<boolean> {
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
      await this.#ask(apis.endTxn, { body, codeOf, what, timeoutMs: OUTCOME_TIMEOUT_MS, isRetriable })
      return true
    } catch (error) {
      const nothingThere = error instanceof BrokerError && error.brokerError === 'INVALID_TXN_STATE'
      if (how === 'abort' && nothingThere) return false
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
      readonly isRetriable?: (error: KafkaError) => boolean
    },
  ): Promise<Res> {
    const { cluster, lane, transactionalId, transactionTimeoutMs } = this.#options
    return cluster.coordinator({
      type: 'transaction',
      key: transactionalId,
      lane,
      api,
      timeoutMs: transactionTimeoutMs,
      ...call,
    })
  }
}

/** One answer for many partitions: an error that ends the matter outranks one that passes. */
function worst(codes: readonly number[]): number {
  const wrong = codes.filter((code) => code !== errors.NONE && code !== errors.OPERATION_NOT_ATTEMPTED)
  const final = wrong.find((code) => !new BrokerError(code, '').retriable)
  return final ?? wrong[0] ?? codes.find((code) => code !== errors.NONE) ?? errors.NONE
}

function byTopic<T extends TopicPartition>(partitions: readonly T[]): Map<string, T[]> {
  return Map.groupBy(partitions, ({ topic }) => topic)
}
