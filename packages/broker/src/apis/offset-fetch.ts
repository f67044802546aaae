/**
 * OffsetFetch (key 9), versions 1 to 9; null topics ask for all offsets of the group. With `requireStable` (from 7) an
 * offset that an open transaction may still change is UNSTABLE_OFFSET_COMMIT, which clients retry.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_OffsetFetch, KIP-447
 */
import { apis, errors } from '@streampay/kafka/wire'
import type { Groups } from '../coordinators/groups.ts'
import { defineHandler } from './api.ts'

type Asked = ReadonlyArray<{ readonly name: string; readonly partitionIndexes: readonly number[] }> | null

export const offsetFetch = defineHandler(apis.offsetFetch, (request, { apiVersion, broker }) => {
  const { requireStable } = request
  if (apiVersion < 8) {
    if (request.groupId === '') return { errorCode: errors.INVALID_GROUP_ID }
    return { topics: offsetsOf(broker.groups, request.groupId, { asked: request.topics, requireStable }) }
  }
  return {
    groups: request.groups.map(({ groupId, topics: asked }) => ({
      groupId,
      topics: offsetsOf(broker.groups, groupId, { asked, requireStable }),
    })),
  }
})

function offsetsOf(groups: Groups, groupId: string, how: { asked: Asked; requireStable: boolean }) {
  return (how.asked ?? everything(groups, groupId)).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const unstable = how.requireStable && groups.offsets.isPending(groupId, name, partitionIndex)
      const commit = unstable ? undefined : groups.offsets.committed(groupId, name, partitionIndex)
      return {
        partitionIndex,
        committedOffset: commit?.offset ?? -1,
        committedLeaderEpoch: commit?.leaderEpoch ?? -1,
        metadata: commit?.metadata ?? '',
        errorCode: unstable ? errors.UNSTABLE_OFFSET_COMMIT : errors.NONE,
      }
    }),
  }))
}

function everything(groups: Groups, groupId: string) {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of groups.offsets.all(groupId)) {
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
}
