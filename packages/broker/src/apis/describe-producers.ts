/**
 * DescribeProducers (key 61), version 0: each partition's state of its producers, to find hanging transactions.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeProducers, KIP-664
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const describeProducers = defineHandler(apis.describeProducers, ({ topics }, { broker }) => ({
  topics: topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const log = broker.storage.partition(name, partitionIndex)
      return {
        partitionIndex,
        errorCode: log ? errors.NONE : errors.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: null,
        activeProducers: (log?.activeProducers() ?? []).map(({ currentTransactionStart, ...producer }) => ({
          ...producer,
          currentTxnStartOffset: currentTransactionStart,
        })),
      }
    }),
  })),
}))
