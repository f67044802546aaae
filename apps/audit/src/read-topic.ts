/** Reads a topic from its start to given offsets, as read_committed: control batches and compacted gaps count as read. */
import { type Cluster, openReader, type ReceivedRecord, type TopicPartition } from '@streampay/kafka'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Located, Offsets } from './cut.ts'
import { UnreadableError } from './errors.ts'

export type TopicRange = { readonly topic: string; readonly starts: Offsets; readonly ends: Offsets }

/** How long the log may bring nothing new, for example because a transaction stays open, before reading is given up. */
const maxSilenceMs = 60_000

/**
 * Every committed record of the range, partition by partition in offset order.
 * @throws UnreadableError if the log brings nothing new for a minute
 */
export async function readTopic(cluster: Cluster, range: TopicRange, nowMs: () => number): Promise<ReceivedRecord[]> {
  const wanted = range.ends.map((end, partition) => ({ partition, end, start: range.starts[partition] ?? 0 }))
  const open = new Map(wanted.filter(({ start, end }) => start < end).map(({ partition, end }) => [partition, end]))
  const byPartition = new Map<number, ReceivedRecord[]>()
  const reader = openReader(cluster, { isolation: 'read_committed' })
  reader.assign(
    wanted
      .filter(({ partition }) => open.has(partition))
      .map(({ partition, start }) => ({ topic: range.topic, partition, offset: start })),
  )
  let lastProgressAt = nowMs()
  try {
    while (open.size > 0) {
      for (const fetched of await reader.poll()) {
        const end = open.get(fetched.partition)
        if (end === undefined) continue
        lastProgressAt = nowMs()
        const records = byPartition.get(fetched.partition) ?? []
        records.push(...fetched.records.filter((record) => record.offset < end))
        byPartition.set(fetched.partition, records)
        if (fetched.position >= end) {
          open.delete(fetched.partition)
          reader.remove([{ topic: range.topic, partition: fetched.partition }])
        }
      }
      if (nowMs() - lastProgressAt > maxSilenceMs) throw new UnreadableError(silence(range.topic, open))
    }
  } finally {
    await reader.close()
  }
  return wanted.flatMap(({ partition }) => byPartition.get(partition) ?? [])
}

function silence(topic: string, open: ReadonlyMap<number, number>): string {
  const waiting = [...open].map(([partition, end]) => `${topic}-${partition} up to ${end}`).join(', ')
  return `nothing new came for ${maxSilenceMs} ms while reading ${waiting}: is a transaction still open?`
}

/** @throws UnreadableError naming the record, if it isn't JSON of the schema */
export function decode<T>(record: ReceivedRecord, schema: TSchema): Located<T> {
  const { topic, partition, offset, timestamp } = record
  let value: unknown
  try {
    value = JSON.parse(record.value?.toString('utf8') ?? '')
  } catch (cause) {
    throw new UnreadableError(`${topic}-${partition}@${offset} is not JSON`, { cause })
  }
  if (!Value.Check(schema, value)) {
    const [problem] = Value.Errors(schema, value)
    throw new UnreadableError(
      `${topic}-${partition}@${offset} is no ${topic} record: ${problem?.instancePath ?? ''} ${problem?.message ?? ''}`,
    )
  }
  return { topic, partition, offset, timestamp, key: record.key?.toString('utf8') ?? '', value: value as T }
}

export function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}
