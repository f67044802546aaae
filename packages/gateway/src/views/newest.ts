/** The newest records of a view, so many of them, and where the older ones are: read from the end, whatever the view holds. */
import type { Hash } from 'node:crypto'
import { groupOf, type Lens } from './lens.ts'
import type { OffsetIndex, PartitionOffsets } from './offset-index.ts'
import type { Table } from './table.ts'
import type { ValueReader } from './value-reader.ts'
import { mergeByTime, type ViewRecord } from './view-record.ts'

export type NewestRecords = {
  /** In log order. */
  readonly records: readonly ViewRecord[]
  /** Below which older ones are, by partition; undefined if there are none. */
  readonly next: readonly number[] | undefined
}

/** Which records they are, before they are read. */
export type Newest = {
  /** Feeds what identifies exactly these records to an entity tag. */
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
  readonly lens: Lens
  readonly grouping: string | undefined
  readonly before: readonly number[]
  readonly limit: number
}

/** Records of one partition that are looked at for what a lens shows or a period holds; then they are as many as were found. */
const mostLookedByDefault = 5_000
const chunkRecords = 256

/**
 * The newest of several partitions are known by their times alone, which the index does not hold: so many of each are
 * read, and what is too many is left out.
 */
export function newestOfIndex(
  { index, values }: { readonly index: OffsetIndex; readonly values: ValueReader },
  { channel, starts, before, limit }: IndexQuery,
): Newest {
  // One more, which tells whether there are older ones.
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
  /** Records of one partition that are looked at for it. */
  readonly mostLooked?: number
}

/**
 * The newest of an index that are wanted. What is looked at in vain is bounded for each partition; then there may be fewer than
 * asked for, and older ones behind them. @throws LogUnavailableError
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

/** Of a partition, ascending, one more than asked for; where it was given up, if it was. */
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

/** What the lens shows of a partition, ascending, one more than asked for; `reached` if it was given up there. */
function lookBack(table: Table, partition: number, { lens, grouping, before, limit }: TableQuery) {
  const group = groupOf(lens, grouping)
  let shown: ViewRecord[] = []
  let below = before[partition] ?? 0
  for (let looked = 0; shown.length <= limit; ) {
    if (looked >= mostLookedByDefault) return { shown, reached: below }
    const chunk = table.last({ grouping, group, partition, from: 0, before: below, limit: chunkRecords })
    const [first] = chunk
    if (first === undefined) break
    looked += chunk.length
    below = first.offset
    shown = [...chunk.filter(lens.shows), ...shown]
  }
  return { shown, reached: undefined }
}

/** Records of a partition keep their order, so the first one that is given bounds all older ones of it. */
function nextBelow(records: readonly ViewRecord[], before: readonly number[]): number[] {
  const next = [...before]
  for (const { partition, offset } of records.toReversed()) next[partition] = offset
  return next
}
