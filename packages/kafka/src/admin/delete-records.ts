/** Deletes records that are no longer needed from the start of partitions (DeleteRecords, KIP-107). */
import type { Cluster } from '../cluster.ts'
import { BrokerError, KafkaError } from '../errors.ts'
import { byLeader } from '../reader/offset-range.ts'
import { retry } from '../retry.ts'
import { keyOf, type TopicPartition } from '../types.ts'
import { apis, errors } from '../wire/index.ts'

/** The time limit of all attempts together. */
const TIMEOUT_MS = 15_000
/** The time limit inside the request: the log answers before the connection times out. */
const BROKER_TIMEOUT_MS = 8_000

export type RecordsToDelete = TopicPartition & { readonly beforeOffset: number }
export type LogStart = TopicPartition & { readonly logStart: number }

/**
 * Each leader deletes the records of its own partitions. A repeated request has no further effect, so passing errors are retried;
 * a partition that is refused for good doesn't stop the others. @throws KafkaError KAFKA_TIMEOUT, KAFKA_BROKER_ERROR
 */
export async function deleteRecords(cluster: Cluster, wanted: readonly RecordsToDelete[]): Promise<LogStart[]> {
  for (const { topic, partition, beforeOffset } of wanted) {
    if (Number.isSafeInteger(beforeOffset) && beforeOffset >= 0) continue
    // -1 would mean "everything": an unset variable must not delete a whole partition.
    throw new KafkaError('KAFKA_INVALID_ARGUMENT', `${topic}-${partition} has no records before offset ${beforeOffset}`)
  }
  const done = new Map<string, LogStart>()
  await retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what: 'deleting records' }, async () => {
    const missing = wanted.filter((one) => !done.has(keyOf(one)))
    const perLeader = await byLeader(cluster, missing)
    const answers = await Promise.allSettled([...perLeader].map(([nodeId, asked]) => askLeader(cluster, nodeId, asked)))
    const failures: unknown[] = []
    for (const answer of answers) {
      if (answer.status === 'rejected') failures.push(answer.reason)
      else {
        for (const one of answer.value.deleted) done.set(keyOf(one), one)
        failures.push(...answer.value.refused)
      }
    }
    if (failures.length === 0) return
    await cluster.refresh([...new Set(missing.map(({ topic }) => topic))]).catch(() => undefined)
    throw failures.find((failure) => !(failure instanceof KafkaError && failure.retriable)) ?? failures[0]
  })
  return wanted.map((one) => done.get(keyOf(one)) ?? { ...placeOf(one), logStart: -1 })
}

async function askLeader(cluster: Cluster, nodeId: number, asked: readonly RecordsToDelete[]) {
  const topics = [...Map.groupBy(asked, ({ topic }) => topic)].map(([name, members]) => ({
    name,
    partitions: members.map(({ partition, beforeOffset }) => ({ partitionIndex: partition, offset: beforeOffset })),
  }))
  const answer = await cluster.broker(nodeId, apis.deleteRecords, { topics, timeoutMs: BROKER_TIMEOUT_MS })
  const deleted: LogStart[] = []
  const refused: BrokerError[] = []
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, lowWatermark, errorCode } of partitions) {
      if (errorCode !== errors.NONE) refused.push(new BrokerError(errorCode, `deleting of ${name}-${partitionIndex}`))
      else deleted.push({ topic: name, partition: partitionIndex, logStart: lowWatermark })
    }
  }
  return { deleted, refused }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
