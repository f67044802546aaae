import type { TopicRecord } from '../api/types.ts'
import { rawText, valueText } from './raw-text.ts'
import type { ReadPage } from './trace.ts'

/** Earlier records of the same key, and the differences between two of them. */

/** The result of a search backwards: versions, newest first, and the first offset that was read. */
export type EarlierVersions = { readonly versions: readonly TopicRecord[]; readonly from: number }

const pageLimit = 1_000
/** The most pages of one search. */
const maxPages = 10

/**
 * Records of one key are in one partition. Searches back from `before` until it finds one, reaches the beginning, or has read 10,000
 * offsets.
 */
export async function earlierVersions(record: TopicRecord, before: number, read: ReadPage): Promise<EarlierVersions> {
  const { topic, partition } = record
  const key = rawText(record.raw.key)
  let end = before
  for (let page = 0; page < maxPages && end > 0; page++) {
    const start = Math.max(0, end - pageLimit)
    const found = await recordsBetween({ topic, partition, start, end }, read)
    end = start
    const versions = found.filter(({ raw }) => rawText(raw.key) === key)
    if (versions.length > 0) return { versions: versions.reverse(), from: end }
  }
  return { versions: [], from: end }
}

type Stretch = {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly end: number
}

/** A page may end early, if its records are large. */
async function recordsBetween({ topic, partition, start, end }: Stretch, read: ReadPage): Promise<TopicRecord[]> {
  const found: TopicRecord[] = []
  let after: string | undefined
  do {
    const { items, next } = await read(topic, { from: `offset:${start}`, after, partition, limit: pageLimit })
    found.push(...items.filter(({ offset }) => offset < end))
    after = items.length > 0 && (items.at(-1)?.offset ?? end) < end - 1 ? next : undefined
  } while (after !== undefined)
  return found
}

export type Difference = {
  readonly path: string
  readonly before: string | undefined
  readonly after: string | undefined
}

export const maxDifferences = 200
const maxLeaves = 5_000

/** Member by member, in the order of the later version; undefined stands for a missing value. */
export function differencesOf(earlier: TopicRecord, later: TopicRecord): readonly Difference[] {
  const [before, after] = [leavesOf(earlier), leavesOf(later)]
  const paths = new Set([...after.keys(), ...before.keys()])
  return [...paths]
    .map((path) => ({ path, before: before.get(path), after: after.get(path) }))
    .filter((difference) => difference.before !== difference.after)
    .slice(0, maxDifferences)
}

/** The leaves of a value (no object or list), by path; a value that is no JSON, or has too many members, is one leaf. */
function leavesOf(record: TopicRecord): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>()
  const { value } = record
  if (record.raw.value === null && record.undecodable === undefined) return leaves
  if (typeof value === 'object' && value !== null && collect(value, '', leaves)) return leaves
  return new Map([['value', valueText(record)]])
}

/** @returns whether all leaves were within the limit */
function collect(value: unknown, path: string, leaves: Map<string, string>): boolean {
  if (leaves.size >= maxLeaves) return false
  const isWhole = typeof value !== 'object' || value === null || Object.keys(value).length === 0
  if (isWhole) {
    leaves.set(path === '' ? 'value' : path, JSON.stringify(value) ?? 'null')
    return true
  }
  const isList = Array.isArray(value)
  return Object.entries(value).every(([name, member]) =>
    collect(member, isList ? `${path}[${name}]` : joined(path, name), leaves),
  )
}

function joined(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}
