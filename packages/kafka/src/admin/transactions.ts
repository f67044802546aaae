/** Open transactions as their coordinators know them, and producers as the partitions know them (KIP-664). */
import type { ActiveProducer, TransactionDescription, TransactionListing } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { byLeader } from '../reader/offset-range.ts'
import { check, retry } from '../retry.ts'
import type { TopicPartition } from '../types.ts'
import { apis, errors } from '../wire/index.ts'

const TIMEOUT_MS = 15_000

/** The transactions of all coordinators: each broker knows only those that it coordinates. */
export async function listTransactions(cluster: Cluster, states: readonly string[]): Promise<TransactionListing[]> {
  const what = 'listing transactions'
  return await retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what }, async () => {
    const nodes = await cluster.nodes()
    const answers = await Promise.all(
      nodes.map(async (nodeId) => {
        const request = { stateFilters: [...states], producerIdFilters: [] }
        const answer = await cluster.broker(nodeId, apis.listTransactions, request)
        check(answer.errorCode, what)
        return answer.transactionStates
      }),
    )
    return answers.flat().map(({ transactionalId, producerId, transactionState }) => ({
      transactionalId,
      producerId,
      state: transactionState,
    }))
  })
}

/** The result has the order of the request; ids that the log does not know are left out. */
export async function describeTransactions(
  cluster: Cluster,
  ids: readonly string[],
): Promise<TransactionDescription[]> {
  const described = await Promise.all(ids.map((id) => describeTransaction(cluster, id)))
  return described.flatMap((one) => one ?? [])
}

async function describeTransaction(cluster: Cluster, id: string): Promise<TransactionDescription | undefined> {
  const answer = await cluster.coordinator({
    type: 'transaction',
    key: id,
    api: apis.describeTransactions,
    body: { transactionalIds: [id] },
    codeOf: ({ transactionStates: [state] }) =>
      state?.errorCode === errors.TRANSACTIONAL_ID_NOT_FOUND ? errors.NONE : (state?.errorCode ?? errors.NONE),
    timeoutMs: TIMEOUT_MS,
    what: `describing the transaction of ${id}`,
  })
  const state = answer.transactionStates[0]
  if (state === undefined || state.errorCode !== errors.NONE) return undefined
  return {
    transactionalId: id,
    state: state.transactionState,
    producerId: state.producerId,
    producerEpoch: state.producerEpoch,
    timeoutMs: state.transactionTimeoutMs,
    startedAt: state.transactionStartTimeMs,
    partitions: state.topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
  }
}

/** Each leader knows the producers of its partitions. */
export async function describeProducers(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
): Promise<ActiveProducer[]> {
  const timing = { timing: cluster, timeoutMs: TIMEOUT_MS, what: 'describing producers' }
  // If the refresh fails, the next attempt reports the error.
  const onRetry = () => cluster.refresh([...new Set(partitions.map(({ topic }) => topic))]).catch(() => undefined)
  return await retry({ ...timing, onRetry }, async () => {
    const perLeader = await byLeader(cluster, partitions)
    const answers = await Promise.all([...perLeader].map(([nodeId, asked]) => askLeader(cluster, nodeId, asked)))
    return answers.flat()
  })
}

async function askLeader(
  cluster: Cluster,
  nodeId: number,
  asked: readonly TopicPartition[],
): Promise<ActiveProducer[]> {
  const topics = [...Map.groupBy(asked, ({ topic }) => topic)].map(([name, members]) => ({
    name,
    partitionIndexes: members.map(({ partition }) => partition),
  }))
  const answer = await cluster.broker(nodeId, apis.describeProducers, { topics })
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ partitionIndex, errorCode, activeProducers }) => {
      check(errorCode, `describing the producers of ${name}-${partitionIndex}`)
      return activeProducers.map(({ producerId, producerEpoch, lastTimestamp, currentTxnStartOffset }) => ({
        topic: name,
        partition: partitionIndex,
        producerId,
        producerEpoch,
        lastTimestamp,
        transactionStart: currentTxnStartOffset,
      }))
    }),
  )
}
