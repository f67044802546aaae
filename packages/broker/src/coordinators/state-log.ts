/**
 * The memory of a coordinator: an internal, compacted topic of one partition, read as a whole at start.
 *
 * Keys and values are JSON (UTF-8), not Kafka's own binary formats: nobody but this broker reads them as state, and
 * anybody with a console can read them as text. A key is an array whose first item says what the record is about; a
 * null value deletes it. Records of a transaction count from its commit marker on.
 */
import { batchesOf, decodeControlRecord, decodeRecords, encodeBatch } from '@streampay/kafka/wire'
import type { Clock, Partition, Storage } from '../log/types.ts'

export type StateKey = readonly [kind: string, ...rest: Array<string | number>]
export type StateEntry = { readonly key: StateKey; readonly value: object | null }

/** The producer whose transaction an entry belongs to. */
export type TransactionalProducer = { readonly producerId: number; readonly producerEpoch: number }

type StateLoader = {
  entry(entry: StateEntry, producer: TransactionalProducer | null): void
  marker(producerId: number, commit: boolean): void
}

export type StateLog = {
  readonly topic: string
  readonly partition: Partition
  /** Replays everything, oldest first. */
  load(loader: StateLoader): Promise<void>
  /** Resolves when all entries are durable; they are one batch, all or nothing. */
  append(entries: readonly StateEntry[], producer?: TransactionalProducer): Promise<void>
}

const READ_BYTES = 4 * 1024 * 1024
const TOPIC_CONFIG = { 'cleanup.policy': 'compact', 'segment.bytes': String(8 * 1024 * 1024) }

/** Makes the topic if it isn't there. */
export async function openStateLog(storage: Storage, topic: string, clock: Clock): Promise<StateLog> {
  if (!storage.topic(topic)) await storage.createTopic({ name: topic, partitions: 1, config: TOPIC_CONFIG })
  const partition = storage.partition(topic, 0)
  if (!partition) throw new Error(`the internal topic ${topic} has no partition 0`)
  return {
    topic,
    partition,
    load: (loader) => load(partition, loader),
    async append(entries, producer) {
      const timestamp = clock.now()
      const records = entries.map(({ key, value }) => ({
        timestamp,
        key: Buffer.from(JSON.stringify(key)),
        value: value === null ? null : Buffer.from(JSON.stringify(value)),
      }))
      const batch = encodeBatch(producer ? { records, ...producer, isTransactional: true } : { records })
      await partition.append(batch, 'coordinator')
    },
  }
}

async function load(partition: Partition, loader: StateLoader): Promise<void> {
  let offset = partition.logStartOffset
  while (offset < partition.highWatermark) {
    const read = await partition.read({
      offset,
      maxBytes: READ_BYTES,
      isolation: 'read_uncommitted',
      minOneBatch: true,
    })
    const before = offset
    for (const { header, bytes } of batchesOf(read.records)) {
      offset = header.lastOffset + 1
      for (const record of decodeRecords(bytes)) {
        if (header.isControl) {
          const { type } = decodeControlRecord(record)
          if (type !== 'other') loader.marker(header.producerId, type === 'commit')
        } else if (record.key) {
          const key = JSON.parse(record.key.toString()) as StateKey
          const value = record.value ? (JSON.parse(record.value.toString()) as object) : null
          loader.entry({ key, value }, header.isTransactional ? header : null)
        }
      }
    }
    if (offset === before) throw new Error(`${partition.topic} can't be read past offset ${offset}`)
  }
}
