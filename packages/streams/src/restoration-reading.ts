/**
 * The reading part of restoration: from the replicas' positions to the end of their changelogs, as fast as it goes, telling
 * every second how far it is.
 */
import type { Logger } from 'pino'
import { StreamsError } from './errors.ts'
import type { Replica } from './replica.ts'
import { moment, type StreamClock } from './stream-clock.ts'
import { keyOf, type LogReader, type StreamLog } from './stream-log.ts'
import { unlessAborted } from './unless-aborted.ts'

export type ReadingOptions = {
  readonly replicas: readonly Replica[]
  readonly log: StreamLog
  readonly logger: Pick<Logger, 'info' | 'warn'>
  readonly stallTimeoutMs: number
  readonly maxReplicaAgeMs: number
  readonly signal: AbortSignal
  readonly clock: StreamClock
  onProgress(records: number, remaining: number): void
}

const reportEveryMs = 1_000

/**
 * Reads every changelog to where it ended at the call, open transactions included: those are waited for.
 * @throws StreamsError STREAMS_RESTORE_STALLED, STREAMS_CHANGELOG_CORRUPT
 */
export async function readChangelogs(options: ReadingOptions): Promise<void> {
  const { replicas, log, logger, signal, clock, maxReplicaAgeMs: maxAgeMs } = options
  const began = moment(clock)
  const partitions = replicas.flatMap((replica) => replica.partitions())
  const bounds = Promise.all([log.offsets(partitions, 'end'), log.offsets(partitions, 'start')])
  const [ends, starts] = await unlessAborted(signal, bounds)
  const positions = replicas.flatMap((replica) => replica.resume({ starts, ends, maxAgeMs, clock }))
  const startsOver = positions.filter((at) => at.startsOver).map(keyOf)
  if (startsOver.length > 0) logger.warn({ changelogs: startsOver }, 'kept state cannot be read on; it starts over')
  const behind = positions.filter((at) => at.offset < (ends.get(keyOf(at)) ?? 0))
  const restoration = new Restoration(options, new Map(behind.map((at) => [keyOf(at), ends.get(keyOf(at)) ?? 0])))
  const reader = log.openReader({ maxBytes: restorationBytes, lent: true })
  const report = () => {
    restoration.report()
    cancel = clock.after(reportEveryMs, report, { background: true })
  }
  let cancel = clock.after(reportEveryMs, report, { background: true })
  try {
    reader.assign(behind)
    await restoration.read(reader)
  } finally {
    cancel()
    await reader.close()
  }
  for (const replica of replicas) replica.confirm(began)
}

/** Enough that the next response is there when one has been applied; more would only live longer than the young generation. */
const restorationBytes = 2 * 1024 * 1024

class Restoration {
  readonly #options: ReadingOptions
  readonly #replicas: ReadonlyMap<number, Replica>
  /** The target of each partition that has not reached it. */
  readonly #behind: Map<string, number>
  /** By key as well, the position. */
  readonly #positions = new Map<string, number>()
  readonly #startedAt: number
  #records = 0

  constructor(options: ReadingOptions, behind: Map<string, number>) {
    this.#options = options
    this.#behind = behind
    this.#replicas = new Map(options.replicas.map((replica) => [replica.number, replica]))
    for (const replica of options.replicas) {
      for (const at of replica.partitions()) this.#positions.set(keyOf(at), replica.positionIn(at.topic))
    }
    this.#startedAt = options.clock.elapsed()
  }

  async read(reader: LogReader): Promise<void> {
    const { signal, clock, stallTimeoutMs, logger, replicas, onProgress } = this.#options
    const tasks = replicas.map(({ number }) => number)
    logger.info({ tasks, partitions: this.#behind.size, remaining: this.#remaining() }, 'restoring')
    let progressAt = clock.elapsed()
    while (this.#behind.size > 0) {
      for (const fetched of await unlessAborted(signal, reader.poll())) {
        this.#replicas.get(fetched.partition)?.apply(fetched)
        const key = keyOf(fetched)
        this.#positions.set(key, fetched.position)
        this.#records += fetched.records.length
        const isThere = fetched.position >= (this.#behind.get(key) ?? Number.POSITIVE_INFINITY)
        if (isThere) this.#behind.delete(key)
        if (isThere || fetched.records.length > 0) progressAt = clock.elapsed()
        onProgress(fetched.records.length, this.#remaining())
      }
      if (clock.elapsed() - progressAt > stallTimeoutMs) throw stalled(this.#behind, stallTimeoutMs)
    }
    onProgress(0, 0)
    logger.info({ tasks, ...this.#progress() }, 'restored')
  }

  report(): void {
    const { logger, replicas } = this.#options
    const behind = Object.fromEntries(this.#behind)
    logger.info({ tasks: replicas.map(({ number }) => number), ...this.#progress(), behind }, 'restoring')
  }

  #progress(): { records: number; remaining: number; perSecond: number } {
    const seconds = (this.#options.clock.elapsed() - this.#startedAt) / 1_000
    const perSecond = seconds === 0 ? 0 : Math.round(this.#records / seconds)
    return { records: this.#records, remaining: this.#remaining(), perSecond }
  }

  /** Offsets, of which some are markers or were compacted away. */
  #remaining(): number {
    let remaining = 0
    for (const [key, target] of this.#behind) remaining += Math.max(0, target - (this.#positions.get(key) ?? 0))
    return remaining
  }
}

function stalled(behind: ReadonlyMap<string, number>, stallTimeoutMs: number): StreamsError {
  const where = [...behind].map(([key, target]) => `${key} (to ${target})`).join(', ')
  const message = `Restoration made no progress for ${stallTimeoutMs} ms at ${where}; an open transaction may pin it.`
  return new StreamsError('STREAMS_RESTORE_STALLED', message)
}
