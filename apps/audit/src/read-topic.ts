/** Reads a topic from its start to given offsets, as read_committed: control batches and compacted gaps count as read. */
import { type Cluster, KafkaError, type ReceivedRecord, readBetween, type TopicPartition } from '@streampay/kafka'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Located, Offsets } from './cut.ts'
import { UnreadableError } from './errors.ts'

export type TopicRange = { readonly topic: string; readonly starts: Offsets; readonly ends: Offsets }

/**
 * Every committed record of the range, partition by partition in offset order.
 * @throws UnreadableError if the log brings nothing new for a minute
 */
export async function readTopic(cluster: Cluster, { topic, starts, ends }: TopicRange): Promise<ReceivedRecord[]> {
  const ranges = ends.map((end, partition) => ({ topic, partition, start: starts[partition] ?? 0, end }))
  const byPartition = new Map<number, ReceivedRecord[]>()
  try {
    for await (const records of readBetween(cluster, ranges)) {
      for (const record of records) {
        const sofar = byPartition.get(record.partition)
        if (sofar === undefined) byPartition.set(record.partition, [record])
        else sofar.push(record)
      }
    }
  } catch (cause) {
    if (!(cause instanceof KafkaError) || cause.code !== 'KAFKA_TIMEOUT') throw cause
    throw new UnreadableError(cause.message, { cause })
  }
  return ranges.flatMap(({ partition }) => byPartition.get(partition) ?? [])
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
