/**
 * AlterPartitionReassignments (key 45), versions 0 to 1: with one broker, partitions can't be moved.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterPartitionReassignments
 */
import { apis, errorByCode, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const alterPartitionReassignments = defineHandler(
  apis.alterPartitionReassignments,
  ({ topics }, { broker }) => ({
    errorCode: errors.NONE,
    errorMessage: null,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => {
        const isKnown = broker.storage.partition(name, partitionIndex) !== undefined
        const errorCode = isKnown ? codeFor(replicas, broker.nodeId) : errors.UNKNOWN_TOPIC_OR_PARTITION
        const errorMessage = errorCode === errors.NONE ? null : errorByCode(errorCode).message
        return { partitionIndex, errorCode, errorMessage }
      }),
    })),
  }),
)

function codeFor(replicas: readonly number[] | null, nodeId: number): number {
  if (replicas === null) return errors.NO_REASSIGNMENT_IN_PROGRESS
  return replicas.length === 1 && replicas[0] === nodeId ? errors.NONE : errors.INVALID_REPLICA_ASSIGNMENT
}
