/** The offsets that a group has committed (OffsetFetch). */
import type { Cluster } from '../cluster.ts'
import type { CommittedOffset, TopicPartition } from '../types.ts'
import { apis, errors, type ResponseOf } from '../wire/index.ts'

const TIMEOUT_MS = 30_000

/**
 * With `requireStable` it waits, up to `timeoutMs`, for offsets that an open transaction may still change (KIP-447).
 * The result has the order of the request; an offset is -1 where the group has committed nothing.
 */
export async function committedOffsets(
  cluster: Cluster,
  question: {
    readonly groupId: string
    readonly partitions: readonly TopicPartition[]
    readonly requireStable?: boolean
    readonly timeoutMs?: number
  },
): Promise<CommittedOffset[]> {
  const { groupId, partitions, requireStable = false, timeoutMs = TIMEOUT_MS } = question
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, members]) => ({
    name,
    partitionIndexes: members.map(({ partition }) => partition),
  }))
  const answer = await cluster.coordinator({
    type: 'group',
    key: groupId,
    api: apis.offsetFetch,
    body: { groupId, topics, groups: [{ groupId, topics }], requireStable },
    codeOf: firstError,
    timeoutMs,
    what: `the committed offsets of group ${groupId}`,
  })
  return inOrder(partitions, topicsOf(answer))
}

/** Every offset that the group has committed, sorted; it does not wait for open transactions that may change one. */
export async function groupOffsets(cluster: Cluster, groupId: string): Promise<CommittedOffset[]> {
  const answer = await cluster.coordinator({
    type: 'group',
    key: groupId,
    api: apis.offsetFetch,
    body: { groupId, topics: null, groups: [{ groupId, topics: null }], requireStable: false },
    codeOf: firstError,
    timeoutMs: TIMEOUT_MS,
    what: `the committed offsets of group ${groupId}`,
  })
  return topicsOf(answer)
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset, metadata }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        metadata: metadata ?? '',
      })),
    )
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

/** From version 8 on the answer is a list of groups. */
function topicsOf(answer: ResponseOf<typeof apis.offsetFetch>) {
  return answer.groups[0]?.topics ?? answer.topics
}

function firstError(answer: ResponseOf<typeof apis.offsetFetch>): number {
  const whole = answer.groups[0]?.errorCode ?? answer.errorCode
  if (whole !== errors.NONE) return whole
  const parts = topicsOf(answer).flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  return parts.find((code) => code !== errors.NONE) ?? errors.NONE
}

function inOrder(
  partitions: readonly TopicPartition[],
  topics: ResponseOf<typeof apis.offsetFetch>['topics'],
): CommittedOffset[] {
  return partitions.map(({ topic, partition }) => {
    const found = topics
      .find(({ name }) => name === topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    return { topic, partition, offset: found?.committedOffset ?? -1, metadata: found?.metadata ?? '' }
  })
}
