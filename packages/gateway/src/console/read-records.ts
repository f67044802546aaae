/** A bounded page of a topic's records, oldest first. */
import type { Reader, ReceivedRecord } from '@streampay/kafka'
import { formatEventId } from '../sse/event-id.ts'
import { type ConsoleRecord, consoleRecordOf } from './console-record.ts'
import { consoleView, type TopicPosition } from './topic-position.ts'

export type RecordsPage = {
  readonly items: readonly ConsoleRecord[]
  /** Goes on after the last item; null if the page reached the end. */
  readonly next: string | null
}

export type RecordsQuery = {
  readonly topic: string
  readonly position: TopicPosition
  readonly limit: number
  readonly now: number
}

const pollTimeoutMs = 500
const patienceMs = 3_000

/** Reads to the end as it was when it was asked, to the limit, or until the log gives nothing for 3 s. */
export async function readRecords(reader: Reader, { topic, position, limit, now }: RecordsQuery): Promise<RecordsPage> {
  const { partitions, ends } = position
  const reached = [...position.offsets]
  const byPartition = new Map(partitions.map((partition): [number, ReceivedRecord[]] => [partition, []]))
  // As many of each partition as the page could hold: only then is it known which are the oldest.
  const open = () =>
    partitions.filter((partition) => {
      const isShort = (byPartition.get(partition)?.length ?? 0) < limit
      return isShort && (reached[partition] ?? 0) < (ends[partition] ?? 0)
    })
  reader.assign(open().map((partition) => ({ topic, partition, offset: reached[partition] ?? 0 })))
  for (let idleMs = 0; idleMs < patienceMs && open().length > 0; ) {
    const fetches = await reader.poll({ timeoutMs: pollTimeoutMs })
    if (fetches.length === 0) idleMs += pollTimeoutMs
    for (const { partition, records, position: after } of fetches) {
      byPartition.get(partition)?.push(...records)
      reached[partition] = after
    }
  }
  const all = [...byPartition.values()].flat().sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition)
  return pageOf(inPartitionOrder(all).slice(0, limit), { position, reached, byPartition, now })
}

type Read = {
  readonly position: TopicPosition
  readonly reached: readonly number[]
  readonly byPartition: ReadonlyMap<number, readonly ReceivedRecord[]>
  readonly now: number
}

function pageOf(taken: readonly ReceivedRecord[], { position, reached, byPartition, now }: Read): RecordsPage {
  const offsets = [...reached]
  let complete = position.partitions.every((partition) => (reached[partition] ?? 0) >= (position.ends[partition] ?? 0))
  for (const [partition, records] of byPartition) {
    const left = records[taken.filter((record) => record.partition === partition).length]
    if (left === undefined) continue
    offsets[partition] = left.offset
    complete = false
  }
  const next = formatEventId({ view: consoleView, topicId: position.topicId, time: now, offsets })
  return { items: taken.map(consoleRecordOf), next: complete ? null : next }
}

/** Producers set times, so a partition's times may go back; its order must not. */
function inPartitionOrder(records: readonly ReceivedRecord[]): ReceivedRecord[] {
  const queues = new Map<number, ReceivedRecord[]>()
  for (const record of records) {
    const queue = queues.get(record.partition) ?? []
    queues.set(record.partition, queue)
    queue.push(record)
  }
  for (const queue of queues.values()) queue.sort((a, b) => b.offset - a.offset)
  return records.flatMap(({ partition }) => queues.get(partition)?.pop() ?? [])
}
