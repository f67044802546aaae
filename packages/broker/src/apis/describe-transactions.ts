/**
 * DescribeTransactions (key 65), version 0: the coordinator's state of transactional ids.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeTransactions, KIP-664
 */
import { apis, errors } from '@streampay/kafka/wire'
import type { TransactionPartition } from '../coordinators/transaction.ts'
import { defineHandler } from './api.ts'

export const describeTransactions = defineHandler(apis.describeTransactions, ({ transactionalIds }, { broker }) => ({
  transactionStates: transactionalIds.map((transactionalId) => {
    const record = broker.transactions.find(transactionalId)?.record
    return {
      errorCode: record ? errors.NONE : errors.TRANSACTIONAL_ID_NOT_FOUND,
      transactionalId,
      transactionState: record?.state ?? '',
      transactionTimeoutMs: record?.timeoutMs ?? 0,
      transactionStartTimeMs: record?.startedAt ?? -1,
      producerId: record?.producerId ?? -1,
      producerEpoch: record?.producerEpoch ?? -1,
      topics: byTopic(record?.partitions ?? []),
    }
  }),
}))

function byTopic(partitions: readonly TransactionPartition[]) {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  return [...topics].map(([topic, members]) => ({ topic, partitions: members.map(({ partition }) => partition) }))
}
