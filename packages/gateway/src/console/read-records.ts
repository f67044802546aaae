/** A bounded page of a topic's records, oldest first. */
import { type FetchedRecords, OffsetOutOfRangeError, type Reader } from '@streampay/kafka'
import { formatEventId } from '../shared/event-id.ts'
import { type ConsoleRecord, consoleRecordsOf } from './console-record.ts'
import { consoleView, type TopicPosition } from './topic-position.ts'

export type RecordsPage = {
  readonly items: readonly ConsoleRecord[]
  /** Continues after the last item; null if the page reached the end. */
  readonly next: string | null
}

export type RecordsQuery = {
  readonly topic: string
  readonly position: TopicPosition
  readonly limit: number
  /** A size of values: from this size on, a page with a record is complete. */
  readonly mostBytes: number
  readonly now: number
}

/** The number of polls without records, and the time of each. */
export const pollTimeoutMs = 500
export const patienceMs = 3_000

/** Reads to the end at the time of the request, to the limit or the bytes, or until the log returns nothing for 3 s. */
export async function readRecords(
  reader: Reader,
  { topic, position, limit, mostBytes, now }: RecordsQuery,
): Promise<RecordsPage> {
  const { partitions, ends } = position
  const reached = [...position.offsets]
  const byPartition = new Map(partitions.map((partition): [number, ConsoleRecord[]] => [partition, []]))
  const held = (partition: number) => byPartition.get(partition)?.length ?? 0
  // As many of each partition as the page can have: only then the oldest ones are known.
  const open = () =>
    partitions.filter((partition) => {
      const isShort = held(partition) < limit
      return isShort && (reached[partition] ?? 0) < (ends[partition] ?? 0)
    })
  let bytes = 0
  const isLarge = () => bytes >= mostBytes && open().every((partition) => held(partition) > 0)
  reader.assign(open().map((partition) => ({ topic, partition, offset: reached[partition] ?? 0 })))
  for (let idleMs = 0; idleMs < patienceMs && open().length > 0 && !isLarge(); ) {
    const fetches = await pollPast(reader)
    if (fetches.length === 0) idleMs += pollTimeoutMs
    for (const fetched of fetches) {
      const records = consoleRecordsOf(fetched)
      const known = byPartition.get(fetched.partition)
      // A compressed batch may have more records than a call can have arguments.
      for (const record of records) {
        known?.push(record)
        bytes += record.size
      }
      reached[fetched.partition] = fetched.position
    }
  }
  const all = [...byPartition.values()].flat().sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition)
  // This number of oldest records has surely been read.
  const most = isLarge() ? Math.min(limit, ...open().map(held)) : limit
  return pageOf(inPartitionOrder(all).slice(0, most), { position, reached, byPartition, now })
}

/** Records that retention removed since the request are skipped: reading continues at the new start of the log. */
export async function pollPast(reader: Reader, timeoutMs = pollTimeoutMs): Promise<readonly FetchedRecords[]> {
  try {
    return await reader.poll({ timeoutMs })
  } catch (error) {
    if (!(error instanceof OffsetOutOfRangeError)) throw error
    reader.seek({ topic: error.topic, partition: error.partition, offset: error.earliest })
    return []
  }
}

type Read = {
  readonly position: TopicPosition
  readonly reached: readonly number[]
  readonly byPartition: ReadonlyMap<number, readonly ConsoleRecord[]>
  readonly now: number
}

function pageOf(taken: readonly ConsoleRecord[], { position, reached, byPartition, now }: Read): RecordsPage {
  const offsets = [...reached]
  let complete = position.partitions.every((partition) => (reached[partition] ?? 0) >= (position.ends[partition] ?? 0))
  for (const [partition, records] of byPartition) {
    const left = records[taken.filter((record) => record.partition === partition).length]
    if (left === undefined) continue
    offsets[partition] = left.offset
    complete = false
  }
  const next = formatEventId({ view: consoleView, topicId: position.topicId, time: now, offsets })
  return { items: taken, next: complete ? null : next }
}

/** Producers set times, so a partition's times may go back; the order of its records must not change. */
function inPartitionOrder(records: readonly ConsoleRecord[]): ConsoleRecord[] {
  const queues = new Map<number, ConsoleRecord[]>()
  for (const record of records) {
    const queue = queues.get(record.partition) ?? []
    queues.set(record.partition, queue)
    queue.push(record)
  }
  for (const queue of queues.values()) queue.sort((a, b) => b.offset - a.offset)
  return records.flatMap(({ partition }) => queues.get(partition)?.pop() ?? [])
}
