/** Finds offsets by meaning: the start of a partition, its end, the first at or after a time. */
import type { ListedOffset, OffsetSpec } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { BrokerError, KafkaError } from '../errors.ts'
import { retry } from '../retry.ts'
import { type Isolation, keyOf, type TopicPartition } from '../types.ts'
import { apis, errors } from '../wire/index.ts'

const LATEST = -1
const EARLIEST = -2
const TIMEOUT_MS = 15_000

/** The result has the order of the request. @throws KafkaError KAFKA_TIMEOUT, KAFKA_BROKER_ERROR */
export async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  { spec, isolation }: { readonly spec: OffsetSpec; readonly isolation: Isolation },
): Promise<ListedOffset[]> {
  const found = new Map<string, ListedOffset>()
  const what = 'listing offsets'
  await retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what }, async () => {
    const missing = partitions.filter((one) => !found.has(keyOf(one)))
    const perLeader = await byLeader(cluster, missing)
    const answers = await Promise.allSettled(
      [...perLeader].map(([nodeId, asked]) => askLeader(cluster, nodeId, { asked, spec, isolation })),
    )
    let failure: unknown
    for (const answer of answers) {
      if (answer.status === 'rejected') failure ??= answer.reason
      else {
        for (const one of answer.value.found) found.set(keyOf(one), one)
        failure ??= answer.value.failure
      }
    }
    if (failure === undefined) return
    // A final error is reported first; for passing errors, all topics are looked up again.
    await cluster.refresh([...new Set(missing.map(({ topic }) => topic))]).catch(() => undefined)
    throw failure
  })
  return partitions.map((one) => found.get(keyOf(one)) ?? { ...one, offset: -1, timestamp: -1 })
}

/** The start and end (high watermark) of partitions. */
export async function offsetRange(
  cluster: Cluster,
  partition: TopicPartition,
): Promise<{ earliest: number; latest: number }> {
  const isolation = 'read_uncommitted'
  const [[earliest], [latest]] = await Promise.all([
    listOffsets(cluster, [partition], { spec: 'earliest', isolation }),
    listOffsets(cluster, [partition], { spec: 'latest', isolation }),
  ])
  return { earliest: earliest?.offset ?? -1, latest: latest?.offset ?? -1 }
}

/** @throws KafkaError KAFKA_INVALID_ARGUMENT for a partition that its topic doesn't have */
export async function byLeader<P extends TopicPartition>(
  cluster: Cluster,
  partitions: readonly P[],
): Promise<Map<number, P[]>> {
  const perLeader = new Map<number, P[]>()
  for (const one of partitions) {
    const topic = await cluster.topic(one.topic)
    const leader = topic.partitions[one.partition]?.leader
    if (leader === undefined) {
      const message = `topic ${one.topic} has partitions 0 to ${topic.partitions.length - 1}, not ${one.partition}`
      throw new KafkaError('KAFKA_INVALID_ARGUMENT', message)
    }
    perLeader.set(leader, [...(perLeader.get(leader) ?? []), one])
  }
  return perLeader
}

type Question = { readonly asked: readonly TopicPartition[]; readonly spec: OffsetSpec; readonly isolation: Isolation }

async function askLeader(cluster: Cluster, nodeId: number, { asked, spec, isolation }: Question) {
  const timestamp = spec === 'latest' ? LATEST : spec === 'earliest' ? EARLIEST : spec.timestamp
  const topics = [...Map.groupBy(asked, ({ topic }) => topic)].map(([name, members]) => ({
    name,
    partitions: members.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
  }))
  const isolationLevel = isolation === 'read_committed' ? 1 : 0
  const answer = await cluster.broker(nodeId, apis.listOffsets, { isolationLevel, topics })
  const found: ListedOffset[] = []
  let failure: BrokerError | undefined
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode, offset, timestamp: at } of partitions) {
      if (errorCode === errors.NONE) found.push({ topic: name, partition: partitionIndex, offset, timestamp: at })
      else failure ??= new BrokerError(errorCode, `listing offsets of ${name}-${partitionIndex}`)
    }
  }
  return { found, failure }
}
