/**
 * OffsetCommit (key 8), versions 2 to 9, by members of a classic group or, with generation -1, from outside for a
 * group without members. The retention time of versions 2 to 4 is ignored.
 * Difference from Apache Kafka: a partition that doesn't exist is refused.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetCommit
 */
import { apis, errors, type RequestOf } from '@streampay/kafka/wire'
import type { Commit } from '../coordinators/pending-offsets.ts'
import { type BrokerContext, clientOf, defineHandler } from './api.ts'

export const offsetCommit = defineHandler(apis.offsetCommit, async (request, { connection, broker }) => {
  const { groupId, generationIdOrMemberEpoch: generation, memberId, groupInstanceId: instanceId } = request
  const client = clientOf(connection)
  let refused = broker.groups.checkCommit(
    groupId,
    { memberId, instanceId, generation },
    { transactional: false, client },
  )
  const { accepted, codes } = acceptedCommits(request.topics, broker)
  if (refused === errors.NONE) refused = await broker.groups.commit(groupId, accepted, client)
  return { topics: codes(refused) }
})

/**
 * Selects the offsets that can be committed. `codes` makes the response's topics: with the given code, or with each
 * partition's own refusal.
 */
export function acceptedCommits(topics: RequestOf<typeof apis.txnOffsetCommit>['topics'], broker: BrokerContext) {
  const refusal = (topic: string, partition: number, metadata: string | null) => {
    if (!broker.storage.partition(topic, partition)) return errors.UNKNOWN_TOPIC_OR_PARTITION
    const tooLarge = Buffer.byteLength(metadata ?? '') > broker.config.offsetMetadataMaxBytes
    return tooLarge ? errors.OFFSET_METADATA_TOO_LARGE : errors.NONE
  }
  const accepted: Commit[] = []
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } of partitions) {
      if (refusal(name, partitionIndex, committedMetadata) !== errors.NONE) continue
      accepted.push({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata ?? '',
      })
    }
  }
  const codes = (errorCode: number) =>
    topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedMetadata }) => ({
        partitionIndex,
        errorCode: errorCode === errors.NONE ? refusal(name, partitionIndex, committedMetadata) : errorCode,
      })),
    }))
  return { accepted, codes }
}
