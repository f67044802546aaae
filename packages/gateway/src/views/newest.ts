/** A number of the newest records of a view, and the position of the older ones: read from the end, at any size of the view. */
import type { Hash } from 'node:crypto'
import { type Access, groupOf } from './access.ts'
import type { OffsetIndex, PartitionOffsets } from './offset-index.ts'
import type { Table } from './table.ts'
import type { ValueReader } from './value-reader.ts'
import { mergeByTime, type ViewRecord } from './view-record.ts'

export type NewestRecords = {
  /** In log order. */
  readonly records: readonly ViewRecord[]
  /** The offsets below which the older ones are, by partition; undefined if there are none. */
  readonly next: readonly number[] | undefined
}

/** Which records they are, before they are read. */
export type Newest = {
  /** Adds data to an entity tag that identifies exactly these records. */
  readonly sign: (hash: Hash) => void
  /** @throws LogUnavailableError */
  readonly read: () => Promise<NewestRecords>
}

type IndexQuery = {
  readonly channel: string
  readonly starts: readonly number[]
  readonly before: readonly number[]
  readonly limit: number
}

type TableQuery = {
  readonly access: Access
  readonly grouping: string | undefined
  readonly before: readonly number[]
  readonly limit: number
}

/** How many records of one partition are read to find those that an access shows or a period has; then the found ones are the result. */
const mostLookedByDefault = 5_000
const chunkRecords = 256

/**
 * The newest records of several partitions are known only by their times, which the index does not have: the wanted number of each
 * partition is read, and the surplus is left out.
 */
export function newestOfIndex(
  { index, values }: { readonly index: OffsetIndex; readonly values: ValueReader },
  { channel, starts, before, limit }: IndexQuery,
): Newest {
  // One more, which shows whether there are older ones.
  const candidates = before.map((end, partition): PartitionOffsets => {
    const range = { partition, from: starts[partition] ?? 0, before: end, limit: limit + 1 }
    return { partition, offsets: Float64Array.from(index.last(channel, range)) }
  })
  return {
    sign: (hash) => {
      for (const { partition, offsets } of candidates) hash.update(`${partition}:${offsets.join()};`)
    },
    read: async () => {
      const lists = await Promise.all(
        candidates.map(({ partition, offsets }) => {
          const newest = offsets.subarray(Math.max(0, offsets.length - limit))
          return newest.length === 0 ? [] : values.read(partition, newest)
        }),
      )
      const records = limit === 0 ? [] : mergeByTime(lists).slice(-limit)
      const next = nextBelow(records, before)
      const more = candidates.some(({ partition, offsets }) => (offsets[0] ?? Infinity) < (next[partition] ?? 0))
      return { records, next: more ? next : undefined }
    },
  }
}

type WantedQuery = IndexQuery & {
  readonly isWanted: (record: ViewRecord) => boolean
  /** How many records of one partition are read for it. */
  readonly mostLooked?: number
}

/**
 * The newest wanted records of an index. The number of read records that don't match is limited for each partition; so there may be
 * fewer than requested, with older ones behind them. @throws LogUnavailableError
 */
export async function newestWanted(
  { index, values }: { readonly index: OffsetIndex; readonly values: ValueReader },
  { channel, starts, before, limit, isWanted, mostLooked = mostLookedByDefault }: WantedQuery,
): Promise<NewestRecords> {
  const lookBackIn = async (partition: number) => {
    const from = starts[partition] ?? 0
    let shown: ViewRecord[] = []
    let below = before[partition] ?? 0
    for (let looked = 0; shown.length <= limit; ) {
      if (looked >= mostLooked) return { shown, reached: below }
      const offsets = index.last(channel, { partition, from, before: below, limit: Math.min(limit + 1, chunkRecords) })
      const [first] = offsets
      if (first === undefined) break
      looked += offsets.length
      below = first
      const records = await values.read(partition, Float64Array.from(offsets))
      shown = [...records.filter(isWanted), ...shown]
    }
    return { shown, reached: undefined }
  }
  const parts = await Promise.all(before.map((_, partition) => lookBackIn(partition)))
  return newestOfParts(parts, { before, limit })
}

export function newestOfTable(table: Table, query: TableQuery): Newest {
  const found = newestRecords(table, query)
  return {
    sign: (hash) => {
      for (const { partition, offset } of found.records) hash.update(`${partition}:${offset},`)
    },
    read: async () => found,
  }
}

export function newestRecords(table: Table, query: TableQuery): NewestRecords {
  const { before, limit } = query
  const parts = before.map((_, partition) => lookBack(table, partition, query))
  return newestOfParts(parts, { before, limit })
}

/** For a partition, ascending, one more than requested; and the offset at which the search ended, if it was limited. */
type Part = { readonly shown: readonly ViewRecord[]; readonly reached: number | undefined }

function newestOfParts(
  parts: readonly Part[],
  { before, limit }: { readonly before: readonly number[]; readonly limit: number },
): NewestRecords {
  const records = limit === 0 ? [] : mergeByTime(parts.map(({ shown }) => shown.slice(-limit))).slice(-limit)
  const next = nextBelow(records, before)
  const isMore = parts.map(({ shown, reached }, partition) => {
    const bound = next[partition] ?? 0
    if (shown.some(({ offset }) => offset < bound)) return true
    if (reached === undefined) return false
    next[partition] = reached
    return true
  })
  return { records, next: isMore.includes(true) ? next : undefined }
}

/** The shown records of a partition, ascending, one more than requested; `reached` if the search was limited there. */
function lookBack(table: Table, partition: number, { access, grouping, before, limit }: TableQuery) {
  const group = groupOf(access, grouping)
  let shown: ViewRecord[] = []
  let below = before[partition] ?? 0
  for (let looked = 0; shown.length <= limit; ) {
    if (looked >= mostLookedByDefault) return { shown, reached: below }
    const chunk = table.last({ grouping, group, partition, from: 0, before: below, limit: chunkRecords })
    const [first] = chunk
    if (first === undefined) break
    looked += chunk.length
    below = first.offset
    shown = [...chunk.filter(access.shows), ...shown]
  }
  return { shown, reached: undefined }
}

/** Records of a partition keep their order, so the offset of the first returned one limits all older ones. */
function nextBelow(records: readonly ViewRecord[], before: readonly number[]): number[] {
  const next = [...before]
  for (const { partition, offset } of records.toReversed()) next[partition] = offset
  return next
}
