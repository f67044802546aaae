/**
 * The reading part of restoration: reads from the replicas' positions to the end of their changelogs, as fast as possible, and
 * reports its progress every second.
 */
import { type FetchedRecords, keyOf } from '@streampay/kafka'
import type { Logger } from 'pino'
import { StreamsError } from '../errors.ts'
import { policyOf, type SetAsideRecords } from '../log/set-aside.ts'
import { moment, type StreamClock } from '../log/stream-clock.ts'
import type { LogReader, StreamLog } from '../log/stream-log.ts'
import { unlessAborted } from '../log/unless-aborted.ts'
import type { ChangelogStart, Replica } from '../task/replica.ts'
import { doubtsOf, type ProofOptions } from './proof.ts'

export type ReadingOptions = {
  readonly replicas: readonly Replica[]
  readonly log: StreamLog
  readonly logger: Pick<Logger, 'info' | 'warn'>
  readonly stallTimeoutMs: number
  readonly maxReplicaAgeMs: number
  readonly setAside: SetAsideRecords
  /** Restoration ends with a rejection when this aborts. */
  readonly signal: AbortSignal
  readonly clock: StreamClock
  /** Called during reading, with the records read since the last call, and the offsets that are left. */
  onProgress(records: number, remaining: number): void
  /** Called with the number of stores that are read again from the beginning of their changelogs. */
  onStartsOver(stores: number): void
}

const reportEveryMs = 1_000

/**
 * Reads every changelog to its end at the time of the call, including open transactions: it waits for their end.
 * @throws StreamsError STREAMS_RESTORE_STALLED, STREAMS_CHANGELOG_CORRUPT
 */
export async function readChangelogs(options: ReadingOptions): Promise<void> {
  const { replicas, log, signal, clock, setAside, maxReplicaAgeMs: maxAgeMs } = options
  const began = moment(clock)
  const partitions = replicas.flatMap((replica) => replica.partitions())
  const bounds = Promise.all([log.offsets(partitions, 'end'), log.offsets(partitions, 'start')])
  const [ends, starts] = await unlessAborted(signal, bounds)
  await proveReplicas(replicas, { ...options, starts, ends })
  const positions = replicas.flatMap((replica) => replica.resume({ starts, ends, maxAgeMs, clock }))
  tellStartsOver(positions, options)
  const behind = positions.filter((at) => at.offset < (ends.get(keyOf(at)) ?? 0))
  const restoration = new Restoration(options, new Map(behind.map((at) => [keyOf(at), ends.get(keyOf(at)) ?? 0])))
  const reader = log.openReader({ maxBytes: restorationBytes, lent: true, onUndecodable: policyOf(setAside) })
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
  for (const replica of replicas) {
    replica.confirm(began)
    replica.flush()
  }
}

/**
 * The number of entries that are written to the disk in one step. More would delay everything else for longer, and would live so
 * long that V8 copies them out of its young generation.
 */
const flushedAtOnce = 2_000

/** Compares the state that replicas have from the disk, if any, with the log. @throws StreamsError STREAMS_RESTORE_STALLED */
export async function proveReplicas(replicas: readonly Replica[], options: ProofOptions): Promise<void> {
  const doubts = await doubtsOf(
    replicas.flatMap((replica) => replica.claims()),
    options,
  )
  for (const replica of replicas) {
    for (const claim of replica.claims()) {
      const doubt = doubts.get(keyOf(claim))
      if (doubt === undefined) replica.prove(claim.topic)
      else replica.doubt(claim.topic, doubt)
    }
  }
}

/** Logs a start over: it costs time, and may mean that the log or the disk was replaced or damaged. */
export function tellStartsOver(
  starts: readonly ChangelogStart[],
  { logger, onStartsOver }: Pick<ReadingOptions, 'onStartsOver'> & { readonly logger: Pick<Logger, 'warn'> },
): void {
  const over = starts.flatMap((at) => (at.startsOver === undefined ? [] : [[keyOf(at), at.startsOver] as const]))
  if (over.length === 0) return
  logger.warn({ changelogs: Object.fromEntries(over) }, 'kept state cannot continue; it is restored from the beginning')
  onStartsOver(over.length)
}

/** Enough that the next response has arrived when one has been applied; more would outlive V8's young generation. */
const restorationBytes = 2 * 1024 * 1024

class Restoration {
  readonly #options: ReadingOptions
  readonly #replicas: ReadonlyMap<number, Replica>
  /** The target of each partition that has not reached it. */
  readonly #behind: Map<string, number>
  /** Also by key: the position. */
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
        const replica = this.#replicas.get(fetched.partition)
        for (const part of partsOf(fetched, flushedAtOnce)) {
          replica?.apply(part)
          if (replica !== undefined && replica.unflushed >= flushedAtOnce) replica.flush()
        }
        const key = keyOf(fetched)
        const target = this.#behind.get(key)
        // Records of a partition that has reached its target are no progress of the others; a fetch without records
        // (markers, aborted transactions) is progress.
        if (target !== undefined && fetched.position > (this.#positions.get(key) ?? -1)) progressAt = clock.elapsed()
        this.#positions.set(key, fetched.position)
        this.#records += fetched.records.length
        if (target !== undefined && fetched.position >= target) this.#behind.delete(key)
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

  /** A number of offsets; some of them are markers or were compacted away. */
  #remaining(): number {
    let remaining = 0
    for (const [key, target] of this.#behind) remaining += Math.max(0, target - (this.#positions.get(key) ?? 0))
    return remaining
  }
}

/** Splits records into parts of at most this many, in order: a part ends at the start of the next one. */
function* partsOf(fetched: FetchedRecords, limit: number): Generator<FetchedRecords> {
  const { records, position } = fetched
  for (let from = 0; from === 0 || from < records.length; from += limit) {
    const end = from + limit
    yield { ...fetched, records: records.slice(from, end), position: records[end]?.offset ?? position }
  }
}

function stalled(behind: ReadonlyMap<string, number>, stallTimeoutMs: number): StreamsError {
  const where = [...behind].map(([key, target]) => `${key} (to ${target})`).join(', ')
  const message = `Restoration made no progress for ${stallTimeoutMs} ms at ${where}; an open transaction may hold it back.`
  return new StreamsError('STREAMS_RESTORE_STALLED', message)
}
