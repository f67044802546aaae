/**
 * The messages between the members of a group and its leader: opaque to the broker, but in the layout of Kafka's own
 * consumers, so that Kafka's tools can show subscriptions and assignments. Standbys are in the user data, whose layout each
 * assignor defines.
 *
 *     subscription => version i16, topics [string], user data bytes, (v1) owned [topic [partition i32]]
 *     assignment   => version i16, assigned [topic [partition i32]], user data bytes
 *     user data    => version i16, replicas i16, followed [partition i32]
 *
 * Source: ConsumerProtocolSubscription.json, ConsumerProtocolAssignment.json
 */
import type { TopicPartition } from '../types.ts'
import { ByteReader } from '../wire/byte-reader.ts'
import { ByteWriter } from '../wire/byte-writer.ts'

const VERSION = 1
const USER_DATA_VERSION = 1

export type Standby = {
  /** How many members should follow each partition beside its owner: one member's wish, or the value that the leader decided. */
  readonly replicas: number
  /** Partition numbers, of all topics: those that a member has the state of, or those that it has to follow. */
  readonly partitions: readonly number[]
}

export type Subscription = {
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  /** Absent from members that don't support standbys. */
  readonly standby: Standby | undefined
}

export type Assignment = {
  readonly partitions: readonly TopicPartition[]
  /** Absent if the leader doesn't support standbys. */
  readonly standby: Standby | undefined
}

export function encodeSubscription({ topics, owned, standby }: Subscription): Buffer {
  const writer = new ByteWriter()
  writer.int16(VERSION)
  writer.arrayLength(topics.length)
  for (const topic of topics) writer.string(topic)
  writer.nullableBytes(encodeStandby(standby))
  writePartitions(writer, owned)
  return writer.finish()
}

/** Decodes any version: newer versions add their fields at the end. @throws MalformedError */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new ByteReader(bytes)
  const version = reader.int16()
  const topics: string[] = []
  for (let left = reader.arrayLength(); left > 0; left--) topics.push(reader.string())
  const standby = decodeStandby(reader.nullableBytes())
  return { topics, owned: version >= 1 ? readPartitions(reader) : [], standby }
}

export function encodeAssignment({ partitions, standby }: Assignment): Buffer {
  const writer = new ByteWriter()
  writer.int16(VERSION)
  writePartitions(writer, partitions)
  writer.nullableBytes(encodeStandby(standby))
  return writer.finish()
}

/** Decodes assignments of this assignor. Empty bytes mean no partitions: a group in a rebalance sends them. @throws MalformedError */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { partitions: [], standby: undefined }
  const reader = new ByteReader(bytes)
  reader.int16()
  const partitions = readPartitions(reader)
  return { partitions, standby: decodeStandby(reader.nullableBytes()) }
}

/** The partitions of an assignment by any assignor; the user data is ignored. @throws MalformedError */
export function assignedPartitions(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new ByteReader(bytes)
  reader.int16()
  return readPartitions(reader)
}

function encodeStandby(standby: Standby | undefined): Buffer | null {
  if (standby === undefined) return null
  const writer = new ByteWriter()
  writer.int16(USER_DATA_VERSION)
  writer.int16(standby.replicas)
  writer.arrayLength(standby.partitions.length)
  for (const partition of standby.partitions) writer.int32(partition)
  return writer.finish()
}

/** Decodes any version: newer versions add their fields at the end. */
function decodeStandby(bytes: Buffer | null): Standby | undefined {
  if (bytes === null || bytes.length === 0) return undefined
  const reader = new ByteReader(bytes)
  reader.int16()
  const replicas = reader.int16()
  const partitions: number[] = []
  for (let left = reader.arrayLength(); left > 0; left--) partitions.push(reader.int32())
  return { replicas, partitions }
}

function writePartitions(writer: ByteWriter, partitions: readonly TopicPartition[]): void {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  writer.arrayLength(topics.size)
  for (const [topic, members] of topics) {
    writer.string(topic)
    writer.arrayLength(members.length)
    for (const { partition } of members) writer.int32(partition)
  }
}

function readPartitions(reader: ByteReader): TopicPartition[] {
  const partitions: TopicPartition[] = []
  for (let topics = reader.arrayLength(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.arrayLength(); left > 0; left--) partitions.push({ topic, partition: reader.int32() })
  }
  return partitions
}
