/** Reads a topic from its start to given offsets, as read_committed: control batches and compacted gaps count as read. */
import { matches } from '@streampay/domain'
import {
  type Cluster,
  KafkaError,
  type ReceivedRecord,
  readBetween,
  type TopicPartition,
  type UndecodableBatch,
} from '@streampay/kafka'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Located, Offsets } from './cut.ts'
import { UnreadableError } from './errors.ts'

/** Bytes of one fetch: a few thousand records, which are decoded at once. */
const maxBytes = 1024 * 1024

export type TopicRange = {
  readonly topic: string
  readonly starts: Offsets
  readonly ends: Offsets
  /** Whether a record counts as not being on the log. A batch that can't be decoded is skipped if all of its records do. */
  readonly isSetAside?: (at: TopicPartition & { readonly offset: number }) => boolean
  readonly onProgress?: (done: number, all: number) => void
  /** For a topic of which only the present records are compared: retention may remove others while it is read. */
  readonly mayShrink?: boolean
}

/**
 * Every committed record of the range, a fetch at a time, each partition in offset order.
 * @throws UnreadableError if the log brings nothing new for a minute, or a batch that can't be decoded
 */
export async function* readTopic(
  cluster: Cluster,
  { topic, starts, ends, isSetAside, onProgress = () => undefined, mayShrink = false }: TopicRange,
): AsyncIterable<readonly ReceivedRecord[]> {
  const isGone = isSetAside ?? (() => false)
  const ranges = ends.map((end, partition) => ({ topic, partition, start: starts[partition] ?? 0, end }))
  const onUndecodable = (batch: UndecodableBatch) => (isGone({ ...batch, offset: batch.baseOffset }) ? 'skip' : 'stop')
  const options = { onUndecodable, maxBytes, onProgress, onGone: mayShrink ? 'skip' : 'stop' } as const
  try {
    for await (const records of readBetween(cluster, ranges, options)) {
      yield records.filter((record) => !isGone(record))
    }
  } catch (cause) {
    const isUnreadable = cause instanceof KafkaError && ['KAFKA_TIMEOUT', 'KAFKA_CORRUPT_BATCH'].includes(cause.code)
    if (!isUnreadable) throw cause
    throw new UnreadableError(cause.message, { cause })
  }
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
  if (!matches(schema, value)) {
    const [problem] = Value.Errors(schema, value)
    throw new UnreadableError(
      `${topic}-${partition}@${offset} is not a ${topic} record: ${problem?.instancePath ?? ''} ${problem?.message ?? ''}`,
    )
  }
  return { topic, partition, offset, timestamp, key: record.key?.toString('utf8') ?? '', value: value as T }
}

export function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}
