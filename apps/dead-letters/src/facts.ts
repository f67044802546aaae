/** Reads from the log what decides whether letters may be put back: earlier attempts, and newer versions. */
import { headerNames, idempotencyKeptMs, topicNames } from '@streampay/domain'
import {
  type Cluster,
  type OffsetRange,
  openAdmin,
  partitionForKey,
  type ReadBetweenOptions,
  type ReceivedRecord,
  readBetween,
} from '@streampay/kafka'
import type { Progress } from '@streampay/process'
import { headerText } from '@streampay/streams'
import { type Facts, refusalOfLetter } from './judge.ts'
import { type Letter, partitionsOf } from './letters.ts'

export type Looking = {
  /** The machine's clock; the log's newest record counts if it is younger. */
  readonly nowMs: number
  readonly told: Progress
  /** The most records of each topic to read; by default all. */
  readonly mostOffsets?: number
}

/** More records would have to be read than the bound allows. */
export class TooMuchToReadError extends Error {
  readonly code = 'too-much-to-read'
  readonly offsets: number

  constructor(topic: string, offsets: number) {
    super(`${offsets} offsets of ${topic} would have to be searched`)
    this.name = 'TooMuchToReadError'
    this.offsets = offsets
  }
}

/**
 * Reads `commands` once, from 24 hours before the oldest letter, and `users` once; neither if no letter needs it.
 * @throws TooMuchToReadError
 */
export async function factsAbout(
  cluster: Cluster,
  letters: readonly Letter[],
  looking: Looking,
): Promise<ReadonlyMap<Letter, Facts>> {
  const { nowMs } = looking
  const open = letters.filter((letter) => refusalOfLetter(letter) === undefined)
  const commands = open.filter(({ origin }) => origin.topic === topicNames.commands)
  const users = open.filter(({ origin }) => origin.topic === topicNames.users)
  const attempts = await attemptsOf(cluster, commands, looking)
  const versions = await newerVersionsOf(cluster, users, looking)
  const now = Math.max(nowMs, attempts.newestAt)
  return new Map(
    letters.map((letter): [Letter, Facts] => [
      letter,
      {
        now,
        firstAttemptAt: attempts.firstAt.get(letter),
        holdsAllAttempts: !attempts.incomplete.has(letter),
        newerVersion: versions.get(letter),
      },
    ]),
  )
}

type Attempts = {
  readonly firstAt: ReadonlyMap<Letter, number>
  readonly incomplete: ReadonlySet<Letter>
  readonly newestAt: number
}

/** An attempt counts if it came within the 24 hours before the letter's: an older key had expired by then. */
async function attemptsOf(cluster: Cluster, letters: readonly Letter[], looking: Looking): Promise<Attempts> {
  const firstAt = new Map<Letter, number>()
  const incomplete = new Set<Letter>()
  let newestAt = 0
  if (letters.length === 0) return { firstAt, incomplete, newestAt }
  const topic = topicNames.commands
  const ranges = await rangesSince(cluster, Math.min(...letters.map(countedFrom)))
  for (const letter of letters) {
    const range = ranges[partitionForKey(letter.record.key ?? '', ranges.length)]
    if (range?.begins === 'with the log') incomplete.add(letter)
  }
  const wanted = Map.groupBy(letters, ({ record, headers }) => intentOf(record, headers[headerNames.idempotencyKey]))
  for await (const records of readBetween(cluster, ranges, readingOf(topic, ranges, looking))) {
    for (const record of records) {
      newestAt = Math.max(newestAt, record.timestamp)
      const key = headerText(record.headers, headerNames.idempotencyKey)
      if (key === undefined) continue
      for (const letter of wanted.get(intentOf(record, key)) ?? []) {
        if (record.timestamp < countedFrom(letter)) continue
        firstAt.set(letter, Math.min(record.timestamp, firstAt.get(letter) ?? record.timestamp))
      }
    }
  }
  return { firstAt, incomplete, newestAt }
}

function countedFrom({ record }: Letter): number {
  return record.timestamp - idempotencyKeptMs
}

function intentOf({ key }: ReceivedRecord, idempotencyKey: Buffer | string | undefined): string {
  return JSON.stringify([key?.toString('utf8'), idempotencyKey?.toString('utf8')])
}

/**
 * Offsets by partition: from the first record that is not older than `since`. If that is the oldest one, earlier ones may have been
 * removed.
 */
async function rangesSince(cluster: Cluster, since: number) {
  const topic = topicNames.commands
  const admin = openAdmin(cluster)
  const partitions = await partitionsOf(cluster, topic)
  const earliest = await admin.listOffsets(partitions, 'earliest')
  const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
  const found = await admin.listOffsets(partitions, { timestamp: since })
  return partitions.map(({ partition }) => {
    const offsetIn = (list: typeof ends) => list.find((one) => one.partition === partition)?.offset ?? 0
    const [first, start, end] = [offsetIn(earliest), offsetIn(found), offsetIn(ends)]
    // -1: every record is older.
    const from = start < 0 ? end : start
    const begins = first > 0 && from <= first ? ('with the log' as const) : ('within the log' as const)
    return { topic, partition, start: from, end, begins }
  })
}

/** Of each letter, the newest record of its key that came after it. */
async function newerVersionsOf(
  cluster: Cluster,
  letters: readonly Letter[],
  looking: Looking,
): Promise<ReadonlyMap<Letter, string>> {
  const newer = new Map<Letter, string>()
  if (letters.length === 0) return newer
  const topic = topicNames.users
  const admin = openAdmin(cluster)
  const partitions = await partitionsOf(cluster, topic)
  const starts = await admin.listOffsets(partitions, 'earliest')
  const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
  const ranges = ends.map(({ partition, offset: end }) => ({
    topic,
    partition,
    start: starts.find((one) => one.partition === partition)?.offset ?? 0,
    end,
  }))
  const wanted = Map.groupBy(letters, ({ record }) => record.key?.toString('hex'))
  for await (const records of readBetween(cluster, ranges, readingOf(topic, ranges, looking))) {
    for (const record of records) {
      for (const letter of wanted.get(record.key?.toString('hex')) ?? []) {
        if (cameAfter(record, letter)) newer.set(letter, `${topic}/${record.partition}/${record.offset}`)
      }
    }
  }
  return newer
}

function readingOf(
  topic: string,
  ranges: readonly OffsetRange[],
  { told, mostOffsets = Number.POSITIVE_INFINITY }: Looking,
): ReadBetweenOptions {
  const offsets = ranges.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0)
  if (offsets > mostOffsets) throw new TooMuchToReadError(topic, offsets)
  return { onUndecodable: 'skip', onProgress: (done, all) => told(`reading ${topic}`, done, all) }
}

function cameAfter({ partition, offset, timestamp }: ReceivedRecord, { origin, record }: Letter): boolean {
  return partition === origin.partition ? offset > origin.offset : timestamp >= record.timestamp
}
