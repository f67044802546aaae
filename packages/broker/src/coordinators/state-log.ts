/**
 * The storage of a coordinator: an internal, compacted topic of one partition, read as a whole at start.
 *
 * Keys and values are JSON (UTF-8), not Kafka's own binary formats: only this broker reads them as state, and
 * a console consumer can show them as text. A key is an array whose first item is the kind of the record; a
 * null value deletes it. Records of a transaction take effect with its commit marker.
 */
import { isDeepStrictEqual } from 'node:util'
import { batchesOf, decodeControlRecord, decodeRecords, encodeBatch } from '@streampay/kafka/wire'
import type { Clock, Partition, Storage } from '../log/types.ts'

export type StateKey = readonly [kind: string, ...rest: Array<string | number>]
export type StateEntry = { readonly key: StateKey; readonly value: object | null }

/** The producer whose transaction an entry belongs to. */
export type TransactionalProducer = { readonly producerId: number; readonly producerEpoch: number }

type StateLoader = {
  /** `writtenAt` in ms since the epoch. */
  entry(entry: StateEntry, producer: TransactionalProducer | null, writtenAt: number): void
  marker(producerId: number, commit: boolean): void
}

export type StateLog = {
  readonly topic: string
  readonly partition: Partition
  /** Replays everything, oldest first. */
  load(loader: StateLoader): Promise<void>
  /** Resolves when all entries are durable; they are one batch: all of them are written or none. */
  append(entries: readonly StateEntry[], options?: AppendOptions): Promise<void>
}

export type AppendOptions = {
  readonly producer?: TransactionalProducer
  /** Called once the log has taken the entries: entries that it writes to other partitions become durable together with them. */
  readonly together?: () => Promise<unknown>
}

const READ_BYTES = 4 * 1024 * 1024
/**
 * All of it is read at start: so it is compacted after each megabyte. Markers and tombstones, of which there are some hundreds
 * per second under load, are kept only as long as a start may take.
 */
const TOPIC_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(1024 * 1024),
  'delete.retention.ms': '60000',
}

export type StateLogParts = {
  readonly storage: Storage
  readonly topic: string
  readonly clock: Clock
  /** For tests: runs before the log, and may refuse an append, delay it or answer it late. */
  readonly wrap: ((log: StateLog) => StateLog) | null
}

/** Creates the topic if it doesn't exist, and sets its configuration if an older version created it. */
export async function openStateLog({ storage, topic, clock, wrap }: StateLogParts): Promise<StateLog> {
  const known = storage.topic(topic)
  if (known === undefined) await storage.createTopic({ name: topic, partitions: 1, config: TOPIC_CONFIG })
  else if (!isDeepStrictEqual(known.config, TOPIC_CONFIG)) await storage.setTopicConfig(topic, TOPIC_CONFIG)
  const partition = storage.partition(topic, 0)
  if (!partition) throw new Error(`the internal topic ${topic} has no partition 0`)
  const log: StateLog = {
    topic,
    partition,
    load: (loader) => load(partition, loader),
    async append(entries, { producer, together } = {}) {
      if (entries.length === 0) return
      const timestamp = clock.now()
      const records = entries.map(({ key, value }) => ({
        timestamp,
        key: Buffer.from(JSON.stringify(key)),
        value: value === null ? null : Buffer.from(JSON.stringify(value)),
      }))
      const batch = encodeBatch(producer ? { records, ...producer, isTransactional: true } : { records })
      await Promise.all([partition.take(batch, 'coordinator'), together?.()])
    },
  }
  return wrap ? wrap(log) : log
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
          loader.entry({ key, value }, header.isTransactional ? header : null, record.timestamp)
        }
      }
    }
    if (offset === before) throw new Error(`${partition.topic} can't be read past offset ${offset}`)
  }
}
