/**
 * OffsetDelete (key 47), version 0: deletes committed offsets. The group stays, also without any offset.
 * Difference from Apache Kafka: any group with members is refused, not only one that is subscribed to the topic.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetDelete, KIP-496
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const offsetDelete = defineHandler(apis.offsetDelete, async ({ groupId, topics }, { broker }) => {
  if (!broker.groups.exists(groupId)) return { errorCode: errors.GROUP_ID_NOT_FOUND, topics: [] }
  const members = broker.groups.find(groupId)?.members.size ?? 0
  let errorCode: number = members > 0 ? errors.GROUP_SUBSCRIBED_TO_TOPIC : errors.NONE
  const partitions = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
  )
  if (errorCode === errors.NONE) errorCode = await broker.groups.forget(groupId, partitions)
  return {
    errorCode: errors.NONE,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }
})
