/** What a view holds at one moment, between two positions, in log order, without loading it all at once. */
import type { Hash } from 'node:crypto'
import type { PartitionOffsets } from './offset-index.ts'
import type { ValueReader } from './value-reader.ts'
import { type Change, earliest, type ViewRecord } from './view-record.ts'

export type History = {
  /** The position before its first record: where a client that got nothing of it goes on. */
  readonly from: readonly number[]
  /** The position after its last. */
  readonly upTo: readonly number[]
  /** Feeds what identifies exactly these records to an entity tag. */
  readonly sign: (hash: Hash) => void
  /** @throws LogUnavailableError */
  readonly batches: () => AsyncIterable<readonly Change[]>
}

const chunkRecords = 256

/** Records that are in memory already. */
export function historyOfChanges(
  changes: readonly Change[],
  bounds: { readonly from: readonly number[] | undefined; readonly upTo: readonly number[] },
): History {
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

/** Records of which only the offsets are known; their values are fetched a chunk at a time. */
export function historyOfOffsets(
  selected: readonly PartitionOffsets[],
  bounds: { readonly from: readonly number[] | undefined; readonly upTo: readonly number[] },
  values: ValueReader,
): History {
  const from = [...(bounds.from ?? bounds.upTo)]
  if (bounds.from === undefined) for (const { partition, offsets } of selected) from[partition] = offsets[0] ?? 0
  return {
    from,
    upTo: bounds.upTo,
    sign: (hash) => {
      for (const { partition, offsets } of selected) {
        hash.update(`${partition}:`).update(Buffer.from(offsets.buffer, offsets.byteOffset, offsets.byteLength))
      }
    },
    batches: () => mergedBatches(selected, values),
  }
}

async function* mergedBatches(selected: readonly PartitionOffsets[], values: ValueReader): AsyncIterable<Change[]> {
  const sources = selected.map(({ partition, offsets }) => ({ partition, offsets, next: 0 }))
  const loaded: ViewRecord[][] = sources.map(() => [])
  for (;;) {
    // The earliest head is only known while every source that has more shows one.
    await Promise.all(
      sources.map(async (source, index) => {
        while (loaded[index]?.length === 0 && source.next < source.offsets.length) {
          const chunk = source.offsets.subarray(source.next, source.next + chunkRecords)
          source.next += chunk.length
          loaded[index] = await values.read(source.partition, chunk)
        }
      }),
    )
    const batch = takeMerged(loaded, (index) => {
      const source = sources[index]
      return source !== undefined && source.next < source.offsets.length
    })
    if (batch.length === 0) return
    yield batch
  }
}

/** Takes records in log order until one of the lists that have more to come is empty. */
function takeMerged(lists: ViewRecord[][], hasMore: (list: number) => boolean): Change[] {
  const heads = lists.map(() => 0)
  const batch: Change[] = []
  for (;;) {
    const next = earliest(lists, heads)
    if (next === undefined) break
    batch.push({ record: next.record, gone: false })
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
