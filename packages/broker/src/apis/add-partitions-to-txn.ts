/**
 * AddPartitionsToTxn (key 24), versions 0 to 3: adds partitions to the open transaction, or begins one. If one
 * of them doesn't exist, none is added.
 * Difference from Apache Kafka: the batched versions 4 and 5, which are for brokers, are not served.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AddPartitionsToTxn, KIP-98
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'
import { fencedAs } from './fenced.ts'

export const addPartitionsToTxn = defineHandler(apis.addPartitionsToTxn, async (request, { apiVersion, broker }) => {
  const partitions = request.topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  )
  const exists = (topic: string, partition: number) => broker.storage.partition(topic, partition) !== undefined
  const allExist = partitions.every(({ topic, partition }) => exists(topic, partition))
  const outcome = allExist
    ? await broker.transactions.addPartitions(request, partitions)
    : errors.OPERATION_NOT_ATTEMPTED
  const errorCode = fencedAs(outcome, apiVersion >= 2)
  return {
    results: request.topics.map(({ name, partitions }) => ({
      name,
      results: partitions.map((partitionIndex) => ({
        partitionIndex,
        errorCode: exists(name, partitionIndex) ? errorCode : errors.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    })),
  }
})
