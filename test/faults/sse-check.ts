/**
 * Compares the events that a stream's client got with what is committed on the log. Pure, so that invented histories can show that each
 * rule finds its violation.
 */
import type { LogRecord, TopicContents } from '../support/committed-log.ts'
import { digestOf, type SeenRecord } from './sse-client.ts'
import type { WatchedView } from './watched-views.ts'

export type Witness = {
  readonly name: string
  readonly view: WatchedView
  readonly identity: string
  /** In the order of arrival; each list after the first began with a reset. */
  readonly seen: readonly (readonly SeenRecord[])[]
  /** Of a compacted topic: the newest value of each key that is shown. */
  readonly state: ReadonlyMap<string, string>
}

/** This many faults of one client are reported in full. */
const maxTold = 5

/** The violations, in words; empty if there are none. */
export function checkWitness(witness: Witness, contents: TopicContents): string[] {
  const found: string[] = []
  for (const [index, seen] of witness.seen.entries()) {
    found.push(...checkOrder(seen), ...checkContents(witness, seen, contents))
    const isLast = index === witness.seen.length - 1
    if (witness.view.kind === 'delete') found.push(...checkCompleteness(witness, { seen, isLast }, contents))
  }
  if (witness.view.kind === 'compacted') found.push(...checkState(witness, contents))
  const told = found.slice(0, maxTold).map((fault) => `${witness.name}: ${fault}`)
  return found.length > maxTold ? [...told, `${witness.name}: and ${found.length - maxTold} more`] : told
}

/** A snapshot equals the stream: the same keys with the same values. */
export function checkSnapshot(witness: Witness, snapshot: readonly unknown[], from: string): string[] {
  const { view, state, name } = witness
  const wanted = new Map(snapshot.map((value) => [view.keyOf(value), JSON.stringify(value)]))
  const shown = new Map([...state].map(([key, value]) => [key, JSON.stringify(JSON.parse(value))]))
  return differencesOf(shown, wanted).map((difference) => `${name}: against the snapshot of ${from}, ${difference}`)
}

/** Within a partition, offsets only grow: no repetition, and no event out of order. */
function* checkOrder(seen: readonly SeenRecord[]): Iterable<string> {
  const last: number[] = []
  for (const { partition, offset } of seen) {
    const before = last[partition] ?? -1
    if (offset === before) yield `${partition}@${offset} came twice in a row`
    else if (offset < before) yield `${partition}@${offset} came after ${partition}@${before}`
    last[partition] = Math.max(before, offset)
  }
}

/** Each event had the record at the offset of its id; on compacted topics, that record may have been removed since. */
function* checkContents(witness: Witness, seen: readonly SeenRecord[], contents: TopicContents): Iterable<string> {
  const { view, identity } = witness
  const at = contents.records.map((records) => new Map(records.map((record) => [record.offset, record])))
  for (const { partition, offset, gone, digest } of seen) {
    const record = at[partition]?.get(offset)
    const place = `${partition}@${offset}`
    if (record === undefined) {
      if (view.kind === 'delete') yield `${place} was told, but no committed record stands there`
      else if (offset >= (contents.ends[partition] ?? 0)) yield `${place} was told, but the log ends before`
      continue
    }
    const shown = record.value !== null && view.shows(record, identity)
    if (gone === shown) yield `${place} was told as ${gone ? 'gone' : 'there'}, which it is not`
    else if (digest !== digestOf(gone ? record.key : (record.value ?? ''))) {
      yield `${place} was told with other contents than ${record.value}`
    }
  }
}

type Part = { readonly seen: readonly SeenRecord[]; readonly isLast: boolean }

/** Every matching record was sent; before a reset, those up to the last one sent. */
function* checkCompleteness(witness: Witness, { seen, isLast }: Part, contents: TopicContents): Iterable<string> {
  const told = new Set(seen.map(({ partition, offset }) => `${partition}@${offset}`))
  const lastTold: number[] = []
  for (const { partition, offset } of seen) lastTold[partition] = Math.max(lastTold[partition] ?? -1, offset)
  for (const record of contents.records.flat()) {
    if (!isLast && record.offset > (lastTold[record.partition] ?? -1)) continue
    if (!isMatch(witness, record) || told.has(`${record.partition}@${record.offset}`)) continue
    yield `${record.partition}@${record.offset} was never told: ${record.value}`
  }
}

/** The fold of the events is the fold of the log. */
function checkState(witness: Witness, contents: TopicContents): string[] {
  const newest = new Map<string, LogRecord>()
  for (const record of contents.records.flat()) newest.set(record.key, record)
  const wanted = new Map<string, string>()
  for (const [key, record] of newest) if (isMatch(witness, record)) wanted.set(key, record.value ?? '')
  return differencesOf(witness.state, wanted).map((difference) => `at the end, ${difference}`)
}

function isMatch({ view, identity }: Witness, record: LogRecord): boolean {
  return record.value !== null && view.shows(record, identity)
}

function differencesOf(shown: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] {
  const differences: string[] = []
  for (const [key, value] of wanted) {
    const actual = shown.get(key)
    if (actual === undefined) differences.push(`${key} is missing: ${value}`)
    else if (actual !== value) differences.push(`${key} is ${actual}, not ${value}`)
  }
  for (const [key, value] of shown) if (!wanted.has(key)) differences.push(`${key} should not be there: ${value}`)
  return differences
}
