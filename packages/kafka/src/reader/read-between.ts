/** Reads the records between given offsets, once: for tools that inspect a log and end. */
import type { Reader, ReaderOptions } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaError, OffsetOutOfRangeError } from '../errors.ts'
import type { FetchedRecords, ReceivedRecord, TopicPartition } from '../types.ts'
import { openReader } from './reader.ts'

/** From `start`, inclusive, to `end`, exclusive. */
export type OffsetRange = TopicPartition & {
  /** The first offset to read. */
  readonly start: number
  /** The offset behind the last one to read. */
  readonly end: number
}

/** How the ranges are read, and when reading fails. */
export type ReadBetweenOptions = Pick<ReaderOptions, 'isolation' | 'onUndecodable' | 'maxBytes'> & {
  /**
   * Applies if retention removes records that were not read yet: `stop` (the default) throws an OffsetOutOfRangeError, `skip` continues
   * at the new start of the log.
   */
  readonly onGone?: 'stop' | 'skip'
  /** How long the log may bring nothing new, for example because a transaction stays open. Default 60,000. */
  readonly maxSilenceMs?: number
  /** Called after each fetch with the number of offsets read, and of all. */
  readonly onProgress?: (done: number, all: number) => void
}

const MAX_SILENCE_MS = 60_000

/**
 * Every visible record of the ranges, one fetch at a time, each partition in offset order; ends when all ends are reached.
 * Control batches and offsets that compaction removed count as read.
 * @throws KafkaError KAFKA_TIMEOUT if the log brings nothing new for too long, and what Reader.poll throws
 * @example
 * ```ts
 * import { openAdmin, openCluster, openProducer, readBetween } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * await openAdmin(cluster).createTopics([{ name: 'letters', partitions: 1 }])
 * const producer = openProducer(cluster)
 * await producer.send(['a', 'b', 'c'].map((value) => ({ topic: 'letters', key: null, value })))
 * for await (const records of readBetween(cluster, [{ topic: 'letters', partition: 0, start: 1, end: 3 }])) {
 *   console.log(records.map(({ value }) => String(value)).join(' ')) // → b c
 * }
 * await producer.close()
 * await cluster.close()
 * ```
 */
export async function* readBetween(
  cluster: Cluster,
  ranges: readonly OffsetRange[],
  options: ReadBetweenOptions = {},
): AsyncGenerator<ReceivedRecord[], void, undefined> {
  const { maxSilenceMs = MAX_SILENCE_MS, onProgress, onGone = 'stop', ...readerOptions } = options
  const open = new Map(ranges.filter(({ start, end }) => start < end).map((range) => [nameOf(range), range]))
  if (open.size === 0) return
  const left = new Map([...open].map(([name, { start, end }]) => [name, end - start]))
  const all = sumOf(left.values())
  const reader = openReader(cluster, { isolation: 'read_committed', onUndecodable: 'stop', ...readerOptions })
  reader.assign([...open.values()].map(({ topic, partition, start }) => ({ topic, partition, offset: start })))
  let lastProgressAt = cluster.clock.elapsed()
  try {
    while (open.size > 0) {
      for (const fetched of await polled(reader, onGone)) {
        const range = open.get(nameOf(fetched))
        if (range === undefined) continue
        lastProgressAt = cluster.clock.elapsed()
        left.set(nameOf(range), Math.max(0, range.end - fetched.position))
        if (fetched.position >= range.end) {
          open.delete(nameOf(range))
          reader.remove([range])
        }
        yield fetched.records.filter(({ offset }) => offset < range.end)
      }
      onProgress?.(all - sumOf(left.values()), all)
      if (cluster.clock.elapsed() - lastProgressAt > maxSilenceMs) throw silence(open.values(), maxSilenceMs)
    }
  } finally {
    await reader.close()
  }
}

type Read = TopicPartition & Pick<FetchedRecords, 'records' | 'position'>

/** Records that have arrived. Removed offsets count as read, without records. */
async function polled(reader: Reader, onGone: 'stop' | 'skip'): Promise<readonly Read[]> {
  try {
    return await reader.poll()
  } catch (error) {
    if (onGone === 'stop' || !(error instanceof OffsetOutOfRangeError) || error.offset >= error.earliest) throw error
    const { topic, partition, earliest } = error
    reader.seek({ topic, partition, offset: earliest })
    return [{ topic, partition, records: [], position: earliest }]
  }
}

function silence(open: Iterable<OffsetRange>, maxSilenceMs: number): KafkaError {
  const waiting = [...open].map((range) => `${nameOf(range)} up to ${range.end}`).join(', ')
  const message = `nothing new came for ${maxSilenceMs} ms while reading ${waiting}: is a transaction still open?`
  return new KafkaError('KAFKA_TIMEOUT', message)
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
