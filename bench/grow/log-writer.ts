/**
 * Writes the log of a data folder directly, in one process: records get their final offsets, and go to the broker's own storage in large
 * batches.
 */
import { topics } from '@streampay/domain'
import { type Headers, partitionForKey, type ReceivedRecord, type RecordToSend } from '@streampay/kafka'
import { encodeBatch } from '@streampay/kafka/wire'
import { openStorage, type Storage } from '../../packages/broker/src/log/index.ts'

export type LogWriter = {
  /** Log time, in ms: topics with LogAppendTime get it. Moving it flushes what came before. */
  moveTo(time: number): Promise<void>
  /** Gives the record its offset. It is on the log after the next `moveTo` or `close`. */
  append(record: RecordToSend): ReceivedRecord
  close(): Promise<void>
}

type Pending = { readonly topic: string; readonly partition: number; records: ReceivedRecord[]; next: number }

const bytesOfBatch = 512 * 1024
/** Of a record, about. */
const headerBytes = 200

/** Makes the topics of the list in an empty folder. */
export async function openLogWriter(dataDir: string, startTime: number): Promise<LogWriter> {
  let now = startTime
  const none = () => undefined
  const logger = { debug: none, info: none, warn: console.error, error: console.error }
  const storage = await openStorage({ dataDir, logger, clock: { now: () => now }, maintenanceIntervalMs: 0 })
  await Promise.all(topics.map(({ name, partitions, config }) => storage.createTopic({ name, partitions, config })))
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions]))
  const places = new Map<string, Pending>()

  const flush = async () => {
    await Promise.all(
      [...places.values()].flatMap((place) => batchesOf(place).map((batch) => appendTo(storage, place, batch))),
    )
  }
  return {
    async moveTo(time) {
      await flush()
      now = time
    },
    append(record) {
      const { topic, timestamp = now } = record
      const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
      const value = typeof record.value === 'string' ? Buffer.from(record.value) : record.value
      const count = counts.get(topic)
      if (count === undefined) throw new Error(`there is no topic ${topic}`)
      const partition = record.partition ?? (key === null ? 0 : partitionForKey(key, count))
      const at = `${topic}/${partition}`
      const place = places.get(at) ?? { topic, partition, records: [], next: 0 }
      places.set(at, place)
      const headers: Headers = Object.entries(record.headers ?? {}).map(([name, content]) => [
        name,
        Buffer.from(content),
      ])
      const received = { topic, partition, offset: place.next++, timestamp, key, value, headers }
      place.records.push(received)
      return received
    },
    async close() {
      await flush()
      await storage.close()
    },
  }
}

type Batch = { readonly offset: number; readonly bytes: Buffer }

function batchesOf(place: Pending): Batch[] {
  const batches: Batch[] = []
  let records: ReceivedRecord[] = []
  let size = 0
  const end = () => {
    const [first] = records
    // A producer counts from 0; the log gives the offsets.
    const bytes = encodeBatch({ records: records.map(({ offset: _, ...record }) => record) })
    if (first !== undefined) batches.push({ offset: first.offset, bytes })
    records = []
    size = 0
  }
  for (const record of place.records) {
    records.push(record)
    size += (record.key?.length ?? 0) + (record.value?.length ?? 0) + headerBytes
    if (size > bytesOfBatch) end()
  }
  if (records.length > 0) end()
  place.records = []
  return batches
}

async function appendTo(storage: Storage, { topic, partition }: Pending, { offset, bytes }: Batch): Promise<void> {
  const result = await storage.partition(topic, partition)?.append(bytes, 'client')
  if (result?.baseOffset === offset) return
  throw new Error(`a batch of ${topic}/${partition} is at ${result?.baseOffset} instead of ${offset}`)
}
