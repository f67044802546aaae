/** The records of a view between two positions, in log order, read one chunk at a time: they are never all in memory. */
import type { Hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { ValueReader } from './value-reader.ts'
import { type Change, earliest, type ViewRecord } from './view-record.ts'

export type History = {
  /** The position before its first record: a client that got none of it continues there. */
  readonly from: readonly number[]
  /** The position after its last. */
  readonly upTo: readonly number[]
  /** @throws LogUnavailableError */
  readonly batches: () => AsyncIterable<readonly Change[]>
}

/** A history for which an entity tag can be made. */
export type SignedHistory = History & {
  /** Adds data to the tag that identifies exactly these records. */
  readonly sign: (hash: Hash) => void
}

/** Records of one partition, in offset order. */
export type PartitionSource = {
  /** The next records; possibly none, if those that were read don't match; undefined at the end. @throws LogUnavailableError */
  readonly next: () => Promise<readonly ViewRecord[] | undefined>
}

export const chunkRecords = 256

/** Records that are in memory already. */
export function historyOfChanges(
  changes: readonly Change[],
  bounds: { readonly from: readonly number[] | undefined; readonly upTo: readonly number[] },
): SignedHistory {
  const records = changes.map(({ record }) => record)
  return {
    from: bounds.from ?? firstOffsets(records, bounds.upTo),
    upTo: bounds.upTo,
    sign: (hash) => {
      for (const { partition, offset } of records) hash.update(`${partition}:${offset},`)
    },
    batches: async function* () {
      for (let i = 0; i < changes.length; i += chunkRecords) yield changes.slice(i, i + chunkRecords)
    },
  }
}

/** The records of a partition at these offsets, or at those that a function returns from an offset on, fetched from the log. */
export function sourceOfOffsets(
  partition: number,
  take: (from: number, limit: number) => ArrayLike<number>,
  values: ValueReader,
): PartitionSource {
  let from = 0
  return {
    next: async () => {
      const offsets = Float64Array.from(take(from, chunkRecords))
      const last = offsets.at(-1)
      if (last === undefined) return undefined
      from = last + 1
      return values.read(partition, offsets)
    },
  }
}

/** The records that a function returns from an offset on: they are in memory, and other work runs after each chunk. */
export function sourceOfRecords(take: (from: number, limit: number) => readonly ViewRecord[]): PartitionSource {
  let from = 0
  return {
    next: async () => {
      await setImmediate()
      const records = take(from, chunkRecords)
      const last = records.at(-1)
      if (last === undefined) return undefined
      from = last.offset + 1
      return records
    },
  }
}

/** The records of all partitions in log order. */
export async function* mergedBatches(sources: readonly PartitionSource[]): AsyncIterable<ViewRecord[]> {
  const loaded: ViewRecord[][] = sources.map(() => [])
  const ended = sources.map(() => false)
  for (;;) {
    // The earliest record is only known when every source that has more shows its first one.
    await Promise.all(
      sources.map(async (source, index) => {
        while (loaded[index]?.length === 0 && ended[index] === false) {
          const records = await source.next()
          if (records === undefined) ended[index] = true
          else loaded[index] = [...records]
        }
      }),
    )
    const batch = takeMerged(loaded, (index) => ended[index] === false)
    if (batch.length === 0) return
    yield batch
  }
}

/** Takes records in log order until one of the lists that will have more is empty. */
function takeMerged(lists: ViewRecord[][], hasMore: (list: number) => boolean): ViewRecord[] {
  const heads = lists.map(() => 0)
  const batch: ViewRecord[] = []
  for (;;) {
    const next = earliest(lists, heads)
    if (next === undefined) break
    batch.push(next.record)
    const head = (heads[next.list] ?? 0) + 1
    heads[next.list] = head
    if (head === lists[next.list]?.length && hasMore(next.list)) break
  }
  for (const [list, records] of lists.entries()) records.splice(0, heads[list])
  return batch
}

function firstOffsets(records: readonly ViewRecord[], upTo: readonly number[]): number[] {
  const first = [...upTo]
  for (const { partition, offset } of records) first[partition] = Math.min(first[partition] ?? offset, offset)
  return first
}
