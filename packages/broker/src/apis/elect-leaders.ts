/**
 * ElectLeaders (key 43), versions 0 to 2: one broker leads every partition, so no election is needed.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ElectLeaders
 */
import { apis, errorByCode, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const electLeaders = defineHandler(apis.electLeaders, ({ topicPartitions }, { broker }) => ({
  errorCode: errors.NONE,
  replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => {
      const isHere = broker.storage.partition(topic, partitionId) !== undefined
      const errorCode = isHere ? errors.ELECTION_NOT_NEEDED : errors.UNKNOWN_TOPIC_OR_PARTITION
      return { partitionId, errorCode, errorMessage: errorByCode(errorCode).message }
    }),
  })),
}))
