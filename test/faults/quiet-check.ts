/** Whether any work is left: open transactions, and records that a topology has not consumed. */
import { topicNamed } from '@streampay/domain'
import { type Cluster, type OffsetRange, openAdmin, readBetween, type TopicPartition } from '@streampay/kafka'
import { paymentsTopology, statisticsTopology } from '@streampay/payments'

const pollEveryMs = 500
/** The offsets of groups and the state of transactions have open ends, too. */
const internalTopics = ['__consumer_offsets', '__transaction_state']

/** Resolves with the unfinished work after the time, in words; empty as soon as all is quiet. */
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

/** Committed records at or after the committed offset of a topology's inputs; markers at the end are no work. */
async function untakenRecords(cluster: Cluster): Promise<string[]> {
  const admin = openAdmin(cluster)
  const unfinished: string[] = []
  for (const { applicationId, sources } of [paymentsTopology(), statisticsTopology()]) {
    const inputs = sources.flatMap(({ topic }) => partitionsOf(topic))
    const committed = await admin.committedOffsets(applicationId, inputs, { requireStable: true })
    const ends = offsetByKey(await admin.listOffsets(inputs, 'latest', 'read_committed'))
    const behind = committed.map(({ topic, partition, offset }) => {
      return { topic, partition, start: Math.max(offset, 0), end: ends.get(keyOf({ topic, partition })) ?? 0 }
    })
    for (const [key, count] of await countRecords(cluster, behind)) {
      unfinished.push(`${applicationId} has ${count} records of ${key} to take`)
    }
  }
  return unfinished
}

/** @throws KafkaError if the log gives nothing for a minute: a node is lost, or a transaction stays open */
async function countRecords(cluster: Cluster, ranges: readonly OffsetRange[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for await (const records of readBetween(cluster, ranges)) {
    for (const record of records) counts.set(keyOf(record), (counts.get(keyOf(record)) ?? 0) + 1)
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
