/** Whether anything is left to be done: open transactions, and records that a topology has not taken. */
import { topicNamed } from '@streampay/domain'
import { type Cluster, openAdmin, openReader, type TopicPartition } from '@streampay/kafka'
import { paymentsTopology, statisticsTopology } from '@streampay/payments'

const pollEveryMs = 500
/** The offsets of groups and the state of transactions have open ends, too. */
const internalTopics = ['__consumer_offsets', '__transaction_state']

/** Resolves with what is still unfinished after the time, in words; empty as soon as all is quiet. */
export async function untilQuiet(cluster: Cluster, timeoutMs: number): Promise<string[]> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const unfinished = await unfinishedWork(cluster)
    if (unfinished.length === 0 || Date.now() > deadline) return unfinished
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
  }
}

async function unfinishedWork(cluster: Cluster): Promise<string[]> {
  return [...(await openTransactions(cluster)), ...(await untakenRecords(cluster))]
}

/** Where the last stable offset is not the high watermark. */
async function openTransactions(cluster: Cluster): Promise<string[]> {
  const admin = openAdmin(cluster)
  const names = [...(await admin.listTopics()), ...internalTopics]
  const topics = await admin.describeTopics(names)
  const partitions = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  )
  const stable = offsetByKey(await admin.listOffsets(partitions, 'latest', 'read_committed'))
  const ends = await admin.listOffsets(partitions, 'latest', 'read_uncommitted')
  return ends
    .filter((end) => stable.get(keyOf(end)) !== end.offset)
    .map((end) => `${keyOf(end)} is stable to ${stable.get(keyOf(end))} of ${end.offset}`)
}

/** Committed records at or past what a topology has committed of its inputs; markers at the end are nobody's work. */
async function untakenRecords(cluster: Cluster): Promise<string[]> {
  const admin = openAdmin(cluster)
  const unfinished: string[] = []
  for (const { applicationId, sources } of [paymentsTopology(), statisticsTopology()]) {
    const inputs = sources.flatMap(({ topic }) => partitionsOf(topic))
    const committed = await admin.committedOffsets(applicationId, inputs, { requireStable: true })
    const ends = offsetByKey(await admin.listOffsets(inputs, 'latest', 'read_committed'))
    const behind = committed
      .map(({ topic, partition, offset }) => ({ topic, partition, offset: Math.max(offset, 0) }))
      .filter((at) => at.offset < (ends.get(keyOf(at)) ?? 0))
    for (const [key, count] of await countRecords(cluster, behind, ends)) {
      unfinished.push(`${applicationId} has ${count} records of ${key} to take`)
    }
  }
  return unfinished
}

async function countRecords(
  cluster: Cluster,
  starts: readonly (TopicPartition & { readonly offset: number })[],
  ends: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const waiting = new Set(starts.map(keyOf))
  const reader = openReader(cluster)
  try {
    reader.assign(starts)
    while (waiting.size > 0) {
      for (const fetched of await reader.poll()) {
        const key = keyOf(fetched)
        if (fetched.records.length > 0) counts.set(key, (counts.get(key) ?? 0) + fetched.records.length)
        if (fetched.position >= (ends.get(key) ?? 0)) waiting.delete(key)
      }
    }
  } finally {
    await reader.close()
  }
  return counts
}

function partitionsOf(topic: string): TopicPartition[] {
  return Array.from({ length: topicNamed(topic).partitions }, (_, partition) => ({ topic, partition }))
}

function offsetByKey(listed: readonly (TopicPartition & { readonly offset: number })[]): Map<string, number> {
  return new Map(listed.map((one) => [keyOf(one), one.offset]))
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
