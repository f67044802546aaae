/**
 * Records that an operator has set aside: a topic that only the application writes has a record that stops it, and an operator
 * has looked at it and decided to skip it. Each decision is a note on the log, in a compacted topic of its own, so that
 * all readers skip the same records. The notes are read once, at the start: a process that meets such a record earlier ends, and
 * its successor reads the note.
 */
import { keyOf, type TopicPartition, type UndecodableBatch } from '@streampay/kafka'
import { StreamsError } from '../errors.ts'
import { moment, msSince, type StreamClock } from './stream-clock.ts'
import type { StreamLog } from './stream-log.ts'

/** One note: the offsets from `offset` to `lastOffset`, which differ only for a batch that cannot be decoded. */
export type SetAside = TopicPartition & {
  /** The first offset that is skipped. */
  readonly offset: number
  /** The last offset that is skipped, inclusive. */
  readonly lastOffset: number
}

/** The key of a note. */
export function setAsideKey({ topic, partition, offset }: TopicPartition & { readonly offset: number }): string {
  return `${topic}/${partition}/${offset}`
}

export class SetAsideRecords {
  readonly #byPartition: ReadonlyMap<string, readonly SetAside[]>

  constructor(notes: readonly SetAside[] = []) {
    this.#byPartition = Map.groupBy(notes, keyOf)
  }

  has(record: TopicPartition & { readonly offset: number }): boolean {
    // Nearly always there are none, and this is called for every record.
    if (this.#byPartition.size === 0) return false
    const { offset } = record
    const notes = this.#byPartition.get(keyOf(record)) ?? []
    return notes.some((note) => note.offset <= offset && offset <= note.lastOffset)
  }

  hasBatch({ topic, partition, baseOffset, lastOffset }: UndecodableBatch): boolean {
    const notes = this.#byPartition.get(keyOf({ topic, partition })) ?? []
    return notes.some((note) => note.offset <= baseOffset && lastOffset <= note.lastOffset)
  }
}

/** The policy of a reader that must not skip any other batch. */
export function policyOf(setAside: SetAsideRecords): (batch: UndecodableBatch) => 'stop' | 'skip' {
  return (batch) => (setAside.hasBatch(batch) ? 'skip' : 'stop')
}

/** @throws Error if the bytes are not a note. */
export function decodeSetAside(bytes: Buffer): SetAside {
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  if (typeof value === 'object' && value !== null && 'topic' in value && 'partition' in value && 'offset' in value) {
    const { topic, partition, offset } = value
    const lastOffset = 'lastOffset' in value ? value.lastOffset : offset
    if (typeof topic === 'string' && isCount(partition) && isCount(offset) && isCount(lastOffset)) {
      return { topic, partition, offset, lastOffset }
    }
  }
  throw new Error('it names no topic, partition and offsets')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

export type SetAsideOptions = {
  /** Undefined if the application has no such topic. */
  readonly topic: string | undefined
  readonly log: Pick<StreamLog, 'partitionCounts' | 'offsets' | 'openReader'>
  readonly stallTimeoutMs: number
  readonly clock: StreamClock
}

/**
 * All notes, the newest of each key; a tombstone deletes one.
 * @throws StreamsError STREAMS_SET_ASIDE_UNREADABLE for an undecodable note that was not deleted, STREAMS_RESTORE_STALLED
 */
export async function readSetAside({ topic, log, stallTimeoutMs, clock }: SetAsideOptions): Promise<SetAsideRecords> {
  const count = topic === undefined ? 0 : ((await log.partitionCounts([topic])).get(topic) ?? 0)
  if (topic === undefined || count === 0) return new SetAsideRecords()
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  const [starts, ends] = await Promise.all([log.offsets(partitions, 'start'), log.offsets(partitions, 'end')])
  const startOf = (at: TopicPartition) => starts.get(keyOf(at)) ?? 0
  const behind = new Map(partitions.map((at) => [keyOf(at), ends.get(keyOf(at)) ?? 0]))
  for (const at of partitions) if (startOf(at) >= (behind.get(keyOf(at)) ?? 0)) behind.delete(keyOf(at))
  const newest = new Map<string, NoteRecord>()
  const reader = log.openReader()
  let progress = moment(clock)
  try {
    reader.assign(partitions.filter((at) => behind.has(keyOf(at))).map((at) => ({ ...at, offset: startOf(at) })))
    while (behind.size > 0) {
      for (const fetched of await reader.poll()) {
        progress = moment(clock)
        for (const record of fetched.records) newest.set(record.key?.toString('utf8') ?? '', record)
        if (fetched.position >= (behind.get(keyOf(fetched)) ?? 0)) behind.delete(keyOf(fetched))
      }
      if (msSince(clock, progress) <= stallTimeoutMs) continue
      const message = `"${topic}" brought nothing new for ${stallTimeoutMs} ms while it was read.`
      throw new StreamsError('STREAMS_RESTORE_STALLED', message)
    }
  } finally {
    await reader.close()
  }
  // Not earlier: an undecodable note may have been deleted later, and stays on the log until it is compacted.
  return new SetAsideRecords([...newest.values()].flatMap(noteOf))
}

type NoteRecord = TopicPartition & {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** No note for a tombstone. */
function noteOf(record: NoteRecord): SetAside[] {
  if (record.value === null) return []
  try {
    return [decodeSetAside(record.value)]
  } catch (cause) {
    const message = `The note at ${keyOf(record)}/${record.offset}, about a set-aside record, cannot be read.`
    throw new StreamsError('STREAMS_SET_ASIDE_UNREADABLE', message, cause)
  }
}
