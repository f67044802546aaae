/**
 * Records of a period. The log's own index (ListOffsets by timestamp) returns its beginning and end in each partition; the gateway
 * stores nothing for it. The times of a partition may be a little out of order, because its records come from several tasks, each with
 * a log time of its own: so the log is asked with a margin, and the time of each record is checked.
 */
import type { Admin } from '@streampay/kafka'
import { LRUCache } from 'lru-cache'
import { LogUnavailableError } from './value-reader.ts'
import type { ViewRecord } from './view-record.ts'

/** Milliseconds since the epoch, the first inclusive, the second exclusive; without limits, all time. */
export type Period = { readonly from: number | undefined; readonly to: number | undefined }

/** Before the first record of a period, and at or behind the last one, by partition. */
export type PeriodBounds = { readonly from: readonly number[]; readonly before: readonly number[] }

export type LogPlace = {
  readonly topic: string
  /** The id of this topic: another topic with its name has another id. */
  readonly topicId: string
  /** Next offsets of the view. */
  readonly positions: readonly number[]
}

/** The log time of one task may be behind that of another by this much, in the same partition. */
const marginMs = 60 * 60 * 1000
/** The same months and days are requested repeatedly. */
const mostRemembered = 2_000

export function isWithin({ from, to }: Period, { timestamp }: ViewRecord): boolean {
  return (from === undefined || timestamp >= from) && (to === undefined || timestamp < to)
}

export class LogTimes {
  readonly #admin: Admin
  /** Offsets of the log that can't change any more, because each is below an existing record. */
  readonly #known = new LRUCache<string, readonly number[]>({ max: mostRemembered })

  constructor(admin: Admin) {
    this.#admin = admin
  }

  /** @throws LogUnavailableError */
  async boundsOf({ from, to }: Period, place: LogPlace): Promise<PeriodBounds> {
    const [first, behind] = await Promise.all([
      from === undefined ? place.positions.map(() => 0) : this.#offsetsAt(from, place),
      to === undefined ? place.positions : this.#offsetsAt(to + marginMs, place),
    ])
    return { from: first, before: behind }
  }

  /** By partition, the first record of this time or a later one: the position, if the view has read none. */
  async #offsetsAt(timestamp: number, place: LogPlace): Promise<readonly number[]> {
    const offsets = await this.#firstOffsets(timestamp, place)
    return place.positions.map((position, partition) => Math.min(offsets[partition] ?? position, position))
  }

  /** Infinity if there is none yet. */
  async #firstOffsets(timestamp: number, { topic, topicId, positions }: LogPlace): Promise<readonly number[]> {
    const key = `${topicId} ${timestamp}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const partitions = positions.map((_, partition) => ({ topic, partition }))
    const listed = await this.#admin
      .listOffsets(partitions, { timestamp }, 'read_committed')
      .catch((cause: unknown) => {
        throw new LogUnavailableError('The log does not say where this time is', { cause })
      })
    const offsets = positions.map(() => Number.POSITIVE_INFINITY)
    for (const { partition, offset } of listed) if (offset >= 0) offsets[partition] = offset
    if (offsets.every(Number.isFinite)) this.#known.set(key, offsets)
    return offsets
  }
}
