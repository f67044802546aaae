/** Compares the topics of a topology with those of the log, before anything is read. */
import { StreamsError } from '../errors.ts'
import { changelogOf, positionsChangelog } from '../topology/names.ts'
import type { Topology } from '../topology/topology.ts'
import type { StreamLog } from './stream-log.ts'

/**
 * The number of tasks.
 * @throws StreamsError STREAMS_TOPICS_MISMATCH naming missing topics, and sources and changelogs that are not co-partitioned.
 */
export async function checkPartitions(log: StreamLog, topology: Topology): Promise<number> {
  const { applicationId, sources, stores, tables, sinks, deadLetterTopic } = topology
  const coPartitioned = [
    ...sources.map((source) => source.topic),
    ...stores.map((store) => changelogOf(applicationId, store)),
    positionsChangelog(applicationId),
  ]
  const others = [
    ...tables.map((table) => table.topic),
    ...sinks.map((sink) => sink.topic),
    ...(deadLetterTopic === undefined ? [] : [deadLetterTopic]),
  ]
  const topics = [...new Set([...coPartitioned, ...others])]
  const counts = await log.partitionCounts(topics)
  const missing = topics.filter((topic) => !counts.has(topic))
  if (missing.length > 0) {
    throw new StreamsError(
      'STREAMS_TOPICS_MISMATCH',
      `These topics of ${applicationId} do not exist: ${missing.join(', ')}.`,
    )
  }
  const different = new Set(coPartitioned.map((topic) => counts.get(topic)))
  if (different.size > 1) {
    const list = coPartitioned.map((topic) => `${topic} has ${counts.get(topic)}`).join(', ')
    throw new StreamsError(
      'STREAMS_TOPICS_MISMATCH',
      `Inputs and changelogs of ${applicationId} need equally many partitions: ${list}.`,
    )
  }
  return counts.get(coPartitioned[0] ?? '') ?? 0
}
