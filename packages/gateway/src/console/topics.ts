/** Every topic of the log: partitions with their leaders, replicas, offsets and sizes, and the configuration. */
import type { Admin, ReplicaSize } from '@streampay/kafka'
import { byPartition } from '../shared/by-partition.ts'
import { ifOffered, type Missing } from './if-offered.ts'

export type ConsolePartition = {
  readonly partition: number
  readonly earliest: number
  readonly latest: number
  /** Node id, -1 if there is none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
  /** The size of the leader's replica on its disk; null if the log does not report it. */
  readonly bytes: number | null
}

export type ConsoleTopic = {
  readonly name: string
  readonly id: string
  readonly partitions: readonly ConsolePartition[]
  readonly config: Readonly<Record<string, string>>
  /** The offsets between earliest and latest: records, and everything else that takes an offset. */
  readonly offsets: number
  readonly bytes: number | null
}

export const mostTopics = 500

/** At most 500, by name. */
export async function listTopics(admin: Admin): Promise<ConsoleTopic[]> {
  const names = (await admin.listTopics()).sort().slice(0, mostTopics)
  const described = await admin.describeTopics(names)
  // The offsets of a partition without a leader can't be read.
  const led = described.flatMap(({ name, partitions }) =>
    partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  )
  const missing: Missing = []
  const [earliest, latest, sizes] = await Promise.all([
    admin.listOffsets(led, 'earliest'),
    admin.listOffsets(led, 'latest'),
    ifOffered('DescribeLogDirs', missing, () => admin.replicaSizes()),
  ])
  const starts = Map.groupBy(earliest, ({ topic }) => topic)
  const ends = Map.groupBy(latest, ({ topic }) => topic)
  const bytesOf = sizes === undefined ? () => null : sizesBy(sizes)
  return described.map(({ name, topicId, configs, partitions }) => {
    const [from, to] = [byPartition(starts.get(name) ?? []), byPartition(ends.get(name) ?? [])]
    const rows = partitions.map(({ partition, leader, replicas, inSyncReplicas }) => {
      const bytes = bytesOf({ topic: name, partition, node: leader })
      const [first = 0, last = 0] = [from[partition], to[partition]]
      return { partition, earliest: first, latest: last, leader, replicas, inSyncReplicas, bytes }
    })
    const offsets = rows.reduce((sum, row) => sum + row.latest - row.earliest, 0)
    const bytes = rows.some((row) => row.bytes === null) ? null : rows.reduce((sum, row) => sum + (row.bytes ?? 0), 0)
    return { name, id: topicId, partitions: rows, config: configs, offsets, bytes }
  })
}

type Replica = Omit<ReplicaSize, 'bytes'>

function sizesBy(sizes: readonly ReplicaSize[]): (replica: Replica) => number | null {
  const keyOf = ({ topic, partition, node }: Replica) => `${topic}/${partition}/${node}`
  const bytes = new Map(sizes.map((size) => [keyOf(size), size.bytes]))
  return (replica) => bytes.get(keyOf(replica)) ?? null
}
