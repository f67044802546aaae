/** Bodies of requests: any value that a layout allows, more often one with a meaning for the broker. */
import { type Field, type Layout, NO_UUID } from '@streampay/kafka/wire'
import type { SeededRandom } from '../support/seeded-random.ts'
import { fuzzedBatch } from './batches.ts'
import { groups, transactionalIds } from './names.ts'

export type Version = {
  readonly version: number
  readonly flexible: boolean
  readonly topics: readonly string[]
}

const partitions = [0, 0, 0, 1, 2, -1, 3, 99, 0x7fff_ffff]
const times = [0, 1, 20, -1]
const counts = [-1, 0, 1, 2, 3]
const sessions = [1000, 6000, 10_000, 0, -1, 0x7fff_ffff]
const offsets = [0, 0, 1, 5, -1, -2, 100, 1_000_000, Number.MAX_SAFE_INTEGER]

/**
 * Numbers by the names of their fields; other fields get any number. Waits and counts are small, so that a run is
 * bounded.
 */
const numbersByName: Readonly<Record<string, readonly number[]>> = {
  maxWaitMs: times,
  timeoutMs: times,
  sessionTimeoutMs: sessions,
  rebalanceTimeoutMs: sessions,
  transactionTimeoutMs: [0, 1000, 10_000, 60_000, -1, 0x7fff_ffff],
  numPartitions: counts,
  count: counts,
  replicationFactor: [1, -1, 1, 2, 0],
  partitionIndex: partitions,
  partition: partitions,
  index: partitions,
  acks: [-1, -1, 1, 0, 2],
  fetchOffset: offsets,
  offset: offsets,
  committedOffset: offsets,
  minBytes: [0, 1, -1, 0x7fff_ffff],
  maxBytes: [0, 1, 1000, 1_000_000, 0x7fff_ffff, -1],
  partitionMaxBytes: [0, 1, 1000, 1_000_000, 0x7fff_ffff, -1],
  sessionId: [0, 0, 0, 1, -1],
  generationId: [-1, 0, 1, 2, 3],
  resourceType: [2, 4, 0, -1],
  isolationLevel: [0, 1, 2, -1],
}

const edges: Readonly<Partial<Record<Field['type'], readonly number[]>>> = {
  int8: [0, 1, -1, 127, -128],
  int16: [0, 1, -1, 32_767, -32_768],
  int32: [0, 1, -1, 0x7fff_ffff, -0x8000_0000],
  int64: [0, 1, -1, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 1_760_000_000_000],
  float64: [0, 1, -1, 0.5, Number.MAX_VALUE],
}

export function bodyOf(random: SeededRandom, layout: Layout, at: Version): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(layout)
      .filter(
        ([, field]) => at.version >= field.since && at.version <= field.until && (field.tag === null || at.flexible),
      )
      .map(([name, field]) => [name, oneOf(random, { name, field }, at)]),
  )
}

function oneOf(random: SeededRandom, { name, field }: { name: string; field: Field }, at: Version): unknown {
  if (field.nullable && random.chance(0.15)) return null
  switch (field.type) {
    case 'bool':
      return random.chance(0.5)
    case 'uuid':
      return random.chance(0.5) ? NO_UUID : `${'0'.repeat(7)}1-0000-4000-8000-00000000000${random.below(10)}`
    case 'string':
      return textOf(random, name, at.topics)
    case 'bytes':
      return name === 'records' ? fuzzedBatch(random) : bytesOf(random, 24)
    case 'struct':
      return bodyOf(random, field.layout ?? {}, at)
    case 'array':
      return Array.from({ length: random.below(4) }, () => bodyOf(random, field.layout ?? {}, at))
    case 'list': {
      const { item } = field
      return item === null
        ? []
        : Array.from({ length: random.below(4) }, () => oneOf(random, { name, field: item }, at))
    }
    default:
      return random.pick(numbersByName[name] ?? edges[field.type] ?? [0])
  }
}

function textOf(random: SeededRandom, name: string, topics: readonly string[]): string {
  if (random.chance(0.05)) return bytesOf(random, 300).toString('latin1')
  if (/transactional/i.test(name)) return random.pick(transactionalIds)
  if (/group/i.test(name)) return random.pick(groups)
  if (/topic|^name|resourceName/i.test(name)) return random.pick(topics)
  return random.pick(['', 'a', 'range', 'consumer', 'cleanup.policy', 'compact', '1', '-1', 'text', '\u0000', 'é'])
}

export function bytesOf(random: SeededRandom, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)))
}
