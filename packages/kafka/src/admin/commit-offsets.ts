/** Commits offsets of a group outside of any transaction (OffsetCommit), in the name of a member. */
import type { Cluster } from '../cluster.ts'
import type { CommittedOffset, GroupMetadata } from '../types.ts'
import { apis, errors } from '../wire/index.ts'

const TIMEOUT_MS = 10_000

/**
 * If it throws, some of the offsets may be committed.
 * @throws BrokerError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS or FENCED_INSTANCE_ID if the member
 * is not in the group's present generation; none of the offsets is committed then
 */
export async function commitOffsets(
  cluster: Cluster,
  group: GroupMetadata,
  offsets: readonly CommittedOffset[],
): Promise<void> {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, members]) => ({
    name,
    partitions: members.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    })),
  }))
  await cluster.coordinator({
    type: 'group',
    key: group.groupId,
    api: apis.offsetCommit,
    body: {
      groupId: group.groupId,
      generationIdOrMemberEpoch: group.generationId,
      memberId: group.memberId,
      groupInstanceId: group.groupInstanceId,
      topics,
    },
    codeOf: ({ topics: answered }) =>
      answered.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== errors.NONE)?.errorCode ??
      errors.NONE,
    timeoutMs: TIMEOUT_MS,
    what: `committing offsets of group ${group.groupId}`,
  })
}
