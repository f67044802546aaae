/**
 * What members tell their group's leader and what it tells them: opaque to the broker, but in the layout of Kafka's own
 * consumers, so that its tools can show subscriptions and assignments.
 *
 *     subscription => version i16, topics [string], user data bytes, (v1) owned [topic [partition i32]]
 *     assignment   => version i16, assigned [topic [partition i32]], user data bytes
 *
 * Source: ConsumerProtocolSubscription.json, ConsumerProtocolAssignment.json
 */
import type { TopicPartition } from '../types.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'

const VERSION = 1

export type Subscription = { readonly topics: readonly string[]; readonly owned: readonly TopicPartition[] }

export function encodeSubscription({ topics, owned }: Subscription): Buffer {
  const writer = new Writer()
  writer.int16(VERSION)
  writer.arrayLength(topics.length)
  for (const topic of topics) writer.string(topic)
  writer.nullableBytes(null)
  writePartitions(writer, owned)
  return writer.finish()
}

/** Of any version: what a newer one adds comes after. @throws MalformedError */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new Reader(bytes)
  const version = reader.int16()
  const topics: string[] = []
  for (let left = reader.arrayLength(); left > 0; left--) topics.push(reader.string())
  reader.nullableBytes()
  return { topics, owned: version >= 1 ? readPartitions(reader) : [] }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new Writer()
  writer.int16(VERSION)
  writePartitions(writer, partitions)
  writer.nullableBytes(null)
  return writer.finish()
}

/** Empty bytes are no partitions: what a group in the middle of a rebalance has. @throws MalformedError */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new Reader(bytes)
  reader.int16()
  return readPartitions(reader)
}

function writePartitions(writer: Writer, partitions: readonly TopicPartition[]): void {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  writer.arrayLength(topics.size)
  for (const [topic, members] of topics) {
    writer.string(topic)
    writer.arrayLength(members.length)
    for (const { partition } of members) writer.int32(partition)
  }
}

function readPartitions(reader: Reader): TopicPartition[] {
  const partitions: TopicPartition[] = []
  for (let topics = reader.arrayLength(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.arrayLength(); left > 0; left--) partitions.push({ topic, partition: reader.int32() })
  }
  return partitions
}
