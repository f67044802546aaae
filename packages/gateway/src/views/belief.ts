/** Whether the rows of a topic that a gateway finds at its start match the log; topic-store.ts has a table of the conditions. */
import {
  type Cluster,
  KafkaError,
  OffsetOutOfRangeError,
  openReader,
  type RecordWitness,
  recordChecksum,
} from '@streampay/kafka'
import type { Note } from './topic-store.ts'

/** The state of the log, and this gateway's definition, at the start. */
export type Surroundings = {
  readonly topic: string
  readonly definition: string
  readonly topicId: string
  readonly setAside: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How long tombstones are kept; undefined for a topic that keeps every record. */
  readonly deleteRetentionMs: number | undefined
  /** The first offset of each partition, and the one behind its last (high watermark). */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

const pollTimeoutMs = 500
/** Reads the last record of each partition. */
const patienceMs = 10_000

/** Why the rows are not used; undefined if they are. @throws KafkaError KAFKA_TIMEOUT if the log does not return the records */
export async function doubtOf(note: Note, found: Surroundings, cluster: Cluster): Promise<string | undefined> {
  const { starts, ends, deleteRetentionMs, now } = found
  if (note.definition !== found.definition) return 'they were made by another definition of views'
  if (note.topicId !== found.topicId) return 'they are of another topic of this name'
  if (note.partitions.length !== ends.length) return 'the topic has another number of partitions'
  if (note.setAside !== found.setAside) return 'since then an operator has set a record aside, or taken that back'
  if (deleteRetentionMs !== undefined && now - note.asOf > deleteRetentionMs) {
    return `they are older than ${deleteRetentionMs} ms: the log may no longer have the tombstones of what was deleted since`
  }
  for (const [partition, { position }] of note.partitions.entries()) {
    const start = starts[partition] ?? 0
    const end = ends[partition] ?? 0
    if (position > end) return `partition ${partition} ends at ${end}, before their position ${position}`
    if (position < start) return `partition ${partition} begins at ${start}, behind their position ${position}`
  }
  return doubtOfRecords(note, found.topic, cluster)
}

async function doubtOfRecords(note: Note, topic: string, cluster: Cluster): Promise<string | undefined> {
  const wanted = new Map<number, RecordWitness>()
  for (const [partition, { last }] of note.partitions.entries()) if (last !== undefined) wanted.set(partition, last)
  if (wanted.size === 0) return undefined
  // A batch that can't be decoded differs from the record that was read.
  const reader = openReader(cluster, { partitionMaxBytes: 64 * 1024, onUndecodable: 'skip' })
  try {
    reader.assign([...wanted].map(([partition, { offset }]) => ({ topic, partition, offset })))
    for (let waitedMs = 0; wanted.size > 0; ) {
      if (waitedMs >= patienceMs)
        throw new KafkaError('KAFKA_TIMEOUT', `The log did not give the last records of "${topic}".`)
      const fetches = await reader.poll({ timeoutMs: pollTimeoutMs })
      if (fetches.length === 0) waitedMs += pollTimeoutMs
      for (const { partition, records, position } of fetches) {
        const last = wanted.get(partition)
        if (last === undefined || (records.length === 0 && position <= last.offset)) continue
        const [first] = records
        if (first?.offset !== last.offset)
          return `the record at ${last.offset} of partition ${partition} is gone from the log`
        if (recordChecksum(first) !== last.checksum)
          return `the record at ${last.offset} of partition ${partition} is another`
        wanted.delete(partition)
        reader.pause([{ topic, partition }])
      }
    }
    return undefined
  } catch (error) {
    if (error instanceof OffsetOutOfRangeError)
      return `partition ${error.partition} has nothing at ${error.offset} any more`
    throw error
  } finally {
    await reader.close()
  }
}
