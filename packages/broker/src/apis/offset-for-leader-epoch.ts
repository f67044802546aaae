/**
 * OffsetForLeaderEpoch (key 23), versions 0 to 4: the end of a leader's epoch. A single node never loses acknowledged
 * records, so its log has one epoch, 0, which extends to the end.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetForLeaderEpoch, KIP-320
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

const LEADER_EPOCH = 0

export const offsetForLeaderEpoch = defineHandler(apis.offsetForLeaderEpoch, ({ topics }, { broker }) => ({
  topics: topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, leaderEpoch }) => {
      const log = broker.storage.partition(topic, partition)
      if (!log) return { partition, errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION }
      if (leaderEpoch !== LEADER_EPOCH) return { partition, errorCode: errors.NONE }
      return { partition, errorCode: errors.NONE, leaderEpoch, endOffset: log.highWatermark }
    }),
  })),
}))
