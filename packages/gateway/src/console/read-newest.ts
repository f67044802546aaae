/** The newest records of a topic, for an operator who opens it and wants to see its contents before new records come. */
import type { Reader } from '@streampay/kafka'
import { type ConsoleRecord, consoleRecordsOf } from './console-record.ts'
import { patienceMs, pollPast, pollTimeoutMs } from './read-records.ts'
import type { TopicPosition } from './topic-position.ts'

export type NewestQuery = {
  readonly topic: string
  /** `offsets` are the starts of the partitions, `ends` their ends. */
  readonly position: TopicPosition
  readonly count: number
  /** A size of values: from this size on, no earlier ones are read. */
  readonly mostBytes: number
}

/** A range of a partition, from `start`, inclusive, to `end`, exclusive. */
type Stretch = { readonly partition: number; readonly start: number; readonly end: number }

/**
 * How many offsets before the end are read, step by step. Markers of transactions take offsets, and compaction leaves gaps:
 * a number of offsets may have far fewer records.
 */
const looks = [2, 8, 32, 128, 512, 2_048, 8_192]

/**
 * At most `count` records, oldest first, those of one partition in the order of their offsets. Fewer if the last 8,192 offsets of the
 * partitions have fewer, if they are too large together, or if the log returns nothing for 3 s.
 */
export async function readNewest(
  reader: Reader,
  { topic, position, count, mostBytes }: NewestQuery,
): Promise<ConsoleRecord[]> {
  const found = new Map(position.partitions.map((partition): [number, ConsoleRecord[]] => [partition, []]))
  const begins = new Map(position.partitions.map((partition) => [partition, position.ends[partition] ?? 0]))
  let bytes = 0
  for (const look of looks) {
    const stretches = stretchesOf(position, look, begins, (partition) => (found.get(partition)?.length ?? 0) < count)
    if (stretches.length === 0 || bytes >= mostBytes) break
    const read = await readStretches(reader, topic, stretches, mostBytes - bytes)
    for (const { partition, start } of stretches) {
      const records = read.get(partition)
      // A range that was not read to its end does not show which records are the newest.
      if (records === undefined) continue
      found.set(partition, [...records, ...(found.get(partition) ?? [])])
      begins.set(partition, Math.min(start, records[0]?.offset ?? start))
      bytes += records.reduce((sum, { size }) => sum + size, 0)
    }
    if (read.size < stretches.length) break
  }
  return newestOf(found, count)
}

function stretchesOf(
  { partitions, offsets, ends }: TopicPosition,
  look: number,
  begins: ReadonlyMap<number, number>,
  lacks: (partition: number) => boolean,
): Stretch[] {
  return partitions.flatMap((partition) => {
    const end = begins.get(partition) ?? 0
    const start = Math.max(offsets[partition] ?? 0, (ends[partition] ?? 0) - look)
    return start < end && lacks(partition) ? [{ partition, start, end }] : []
  })
}

/** The records of the ranges that could be read to their ends. */
async function readStretches(
  reader: Reader,
  topic: string,
  stretches: readonly Stretch[],
  mostBytes: number,
): Promise<Map<number, ConsoleRecord[]>> {
  const open = new Map(stretches.map((stretch) => [stretch.partition, { ...stretch, records: [] as ConsoleRecord[] }]))
  const read = new Map<number, ConsoleRecord[]>()
  let bytes = 0
  reader.assign(stretches.map(({ partition, start }) => ({ topic, partition, offset: start })))
  for (let idleMs = 0; idleMs < patienceMs && open.size > 0 && bytes < mostBytes; ) {
    const fetches = await pollPast(reader)
    if (fetches.length === 0) idleMs += pollTimeoutMs
    for (const fetched of fetches) {
      const stretch = open.get(fetched.partition)
      if (stretch === undefined) continue
      for (const record of consoleRecordsOf(fetched)) {
        if (record.offset >= stretch.end) break
        stretch.records.push(record)
        bytes += record.size
      }
      if (fetched.position < stretch.end) continue
      read.set(fetched.partition, stretch.records)
      open.delete(fetched.partition)
      reader.remove([{ topic, partition: fetched.partition }])
    }
  }
  return read
}

/** Takes from the ends of the partitions, always the youngest: so the records of a partition are its last ones, in their order. */
function newestOf(found: ReadonlyMap<number, readonly ConsoleRecord[]>, count: number): ConsoleRecord[] {
  const queues = [...found.values()].map((records) => [...records])
  const newest: ConsoleRecord[] = []
  while (newest.length < count) {
    const queue = queues.reduce<ConsoleRecord[] | undefined>((best, candidate) => {
      const last = candidate.at(-1)
      if (last === undefined) return best
      return best === undefined || last.timestamp > (best.at(-1)?.timestamp ?? 0) ? candidate : best
    }, undefined)
    const record = queue?.pop()
    if (record === undefined) break
    newest.push(record)
  }
  return newest.reverse()
}
