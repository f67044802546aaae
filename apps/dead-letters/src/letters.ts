/** Reads dead letters from the log, and chooses among them. */
import { topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, type ReceivedRecord, readBetween } from '@streampay/kafka'
import type { Progress } from '@streampay/process'
import { type DeadLetter, readDeadLetter } from '@streampay/streams'

/** `id` is its place on the topic of dead letters, partition/offset: operators use it as its name. */
export type Letter = DeadLetter & { readonly id: string; readonly record: ReceivedRecord }

export type LetterFilter = {
  /** topic, topic/partition or topic/partition/offset. */
  readonly origin: string | undefined
  /** A part of the reason, in any case. */
  readonly reason: string | undefined
  /** The whole key. */
  readonly key: string | undefined
  /** Of the record's own time, in ms since the epoch; from `since`, before `until`. */
  readonly since: number | undefined
  readonly until: number | undefined
}

export function matchesFilter({ origin, reason, record }: Letter, filter: LetterFilter): boolean {
  const place = `${origin.topic}/${origin.partition}/${origin.offset}/`
  if (filter.origin !== undefined && !place.startsWith(`${filter.origin}/`)) return false
  if (filter.reason !== undefined && !reason.toLowerCase().includes(filter.reason.toLowerCase())) return false
  if (filter.key !== undefined && record.key?.toString('utf8') !== filter.key) return false
  return record.timestamp >= (filter.since ?? 0) && record.timestamp < (filter.until ?? Number.POSITIVE_INFINITY)
}

/** All matching letters, in the order of arrival: each partition in order, the partitions mixed. */
export async function* lettersOf(
  cluster: Cluster,
  filter: LetterFilter,
  told: Progress,
): AsyncGenerator<Letter, void, undefined> {
  const admin = openAdmin(cluster)
  const topic = topicNames.deadLetters
  const partitions = await partitionsOf(cluster, topic)
  const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
  const starts = await admin.listOffsets(
    partitions,
    filter.since === undefined ? 'earliest' : { timestamp: filter.since },
  )
  const ranges = ends.map(({ partition, offset: end }) => {
    const start = starts.find((one) => one.partition === partition)?.offset ?? 0
    // -1: every record is older.
    return { topic, partition, start: start < 0 ? end : start, end }
  })
  for await (const records of readBetween(cluster, ranges, {
    onProgress: (done, all) => told(`reading ${topic}`, done, all),
  })) {
    for (const record of records) {
      const letter = letterFrom(record)
      if (letter !== undefined && matchesFilter(letter, filter)) yield letter
    }
  }
}

export type LetterId = { readonly partition: number; readonly offset: number }

/** The letters at these places, in the order of their ids; ids without a dead letter are left out. */
export async function lettersAt(cluster: Cluster, ids: readonly LetterId[]): Promise<Letter[]> {
  const topic = topicNames.deadLetters
  const admin = openAdmin(cluster)
  const partitions = await partitionsOf(cluster, topic)
  const starts = await admin.listOffsets(partitions, 'earliest')
  const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
  const found: Letter[] = []
  for (const { partition, offset } of ids) {
    const start = starts.find((one) => one.partition === partition)?.offset ?? 0
    const end = ends.find((one) => one.partition === partition)?.offset ?? 0
    if (offset < start || offset >= end) continue
    for await (const records of readBetween(cluster, [{ topic, partition, start: offset, end: offset + 1 }])) {
      found.push(...records.flatMap((record) => letterFrom(record) ?? []))
    }
  }
  return found
}

function letterFrom(record: ReceivedRecord): Letter | undefined {
  const letter = readDeadLetter(record)
  return letter === undefined ? undefined : { ...letter, record, id: `${record.partition}/${record.offset}` }
}

export async function partitionsOf(cluster: Cluster, topic: string) {
  const { partitions } = await cluster.topic(topic)
  return partitions.map(({ partition }) => ({ topic, partition }))
}

/** Oldest first, by the time of the records, so that one sender's commands keep their order. */
export function byTime(left: Letter, right: Letter): number {
  return left.record.timestamp - right.record.timestamp || left.origin.offset - right.origin.offset
}
