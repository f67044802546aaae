/**
 * Follows the changelogs of tasks that other processes own, so that this process can take them over without a long restoration.
 * It reads committed records; each replica keeps its own position, from which restoration continues.
 *
 * It has a lower priority than the tasks that the process owns: it reads small pieces, and rests as long as each one took.
 * An error here at most ends this following, of one task if the error belongs to one: it does not affect the owner, or the
 * tasks that this process owns; a process that takes over restores.
 */
import { type FetchedRecords, KafkaError, keyOf, type TopicPartition } from '@streampay/kafka'
import type { Logger } from 'pino'
import { StreamsError } from '../errors.ts'
import { policyOf, type SetAsideRecords } from '../log/set-aside.ts'
import { type Moment, moment, pause, type StreamClock } from '../log/stream-clock.ts'
import type { LogReader, StreamLog } from '../log/stream-log.ts'
import { unlessAborted } from '../log/unless-aborted.ts'
import type { Replica } from '../task/replica.ts'
import type { Limits } from './limits.ts'
import type { StreamsMetrics } from './metrics.ts'
import { proveReplicas, tellStartsOver } from './restoration-reading.ts'

export type StandbyFollowerOptions = {
  readonly replicas: readonly Replica[]
  readonly log: StreamLog
  readonly logger: Logger
  readonly metrics: StreamsMetrics
  readonly limits: Limits
  readonly clock: StreamClock
  readonly setAside: SetAsideRecords
  /** Called with a replica from which reading can't continue: it must not be kept. */
  onBroken(replica: Replica): void
}

/** A check that has not ended yet: at that moment the log had all records up to these ends. */
type Check = { readonly at: Moment; readonly behind: Map<string, number> }

const retryAfterMs = 1_000

export class StandbyFollower {
  readonly #options: StandbyFollowerOptions
  readonly #replicas: Map<number, Replica>
  readonly #abort = new AbortController()
  /** The check under way, by task. */
  readonly #checks = new Map<number, Check>()
  readonly #caughtUp = new Set<number>()
  #following: Promise<void> = Promise.resolve()
  #cancelCheck: () => void = () => undefined

  constructor(options: StandbyFollowerOptions) {
    this.#options = options
    this.#replicas = new Map(options.replicas.map((replica) => [replica.number, replica]))
  }

  get taskNumbers(): readonly number[] {
    return [...this.#replicas.keys()]
  }

  start(): void {
    if (this.#stopped || this.#replicas.size === 0) return
    this.#options.logger.info({ standbys: this.taskNumbers }, 'standing by')
    this.#following = this.#follow().catch((error: unknown) => this.#giveUp(error))
    this.#checkLater()
  }

  /** After this call the replicas are not used any more. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#cancelCheck()
    await this.#following
    for (const replica of this.#replicas.values()) replica.flush()
    this.#options.metrics.forgetStandbyLag()
  }

  get #stopped(): boolean {
    return this.#abort.signal.aborted
  }

  async #follow(): Promise<void> {
    const { logger, clock } = this.#options
    while (!this.#stopped && this.#replicas.size > 0) {
      try {
        await this.#readOn()
      } catch (error) {
        if (this.#stopped) return
        if (!passes(error)) throw error
        logger.warn({ err: error }, 'the standby was interrupted; it continues')
        await pause(clock, retryAfterMs, this.#abort.signal)
      }
    }
  }

  /** The records read so far may be a part of a transaction. */
  #giveUp(error: unknown): void {
    if (this.#stopped) return
    this.#options.logger.error({ err: error, tasks: this.taskNumbers }, 'the standby has ended')
    for (const replica of this.#replicas.values()) this.#options.onBroken(replica)
    this.#replicas.clear()
    this.#checks.clear()
  }

  /** Follows from the replicas' positions, until one of them has to start over or is broken. */
  async #readOn(): Promise<void> {
    const { log, limits, clock, logger, metrics, setAside } = this.#options
    const partitions = this.#partitions()
    const bounds = Promise.all([log.offsets(partitions, 'start'), log.offsets(partitions, 'end')])
    const [starts, ends] = await unlessAborted(this.#abort.signal, bounds)
    const { maxReplicaAgeMs: maxAgeMs, stallTimeoutMs } = limits
    const replicas = [...this.#replicas.values()]
    const { signal } = this.#abort
    await proveReplicas(replicas, { log, starts, ends, stallTimeoutMs, signal, clock, setAside })
    const positions = replicas.flatMap((one) => one.resume({ starts, ends, maxAgeMs, clock }))
    tellStartsOver(positions, { logger, onStartsOver: (stores) => metrics.startedOver(stores) })
    this.#checks.clear()
    await this.#check()
    const reader = log.openReader({
      maxBytes: limits.maxStandbyFetchBytes,
      lent: true,
      onUndecodable: policyOf(setAside),
    })
    try {
      reader.assign(positions)
      while (!this.#stopped && (await this.#readSome(reader)));
    } finally {
      await reader.close()
    }
  }

  /** False if reading has to begin anew. */
  async #readSome(reader: LogReader): Promise<boolean> {
    const { limits, clock } = this.#options
    const fetched = await unlessAborted(this.#abort.signal, reader.poll())
    const startedAt = clock.elapsed()
    for (const part of fetched) {
      const replica = this.#replicas.get(part.partition)
      if (replica === undefined) continue
      // The process may have been stopped for a day between two polls: records of that time may have been compacted away.
      if (replica.isOlderThan(limits.maxReplicaAgeMs, clock)) return false
      if (!this.#apply(replica, part)) return false
    }
    for (const replica of this.#replicas.values()) replica.flush()
    if (fetched.length > 0) await pause(clock, Math.max(1, clock.elapsed() - startedAt), this.#abort.signal)
    return true
  }

  #apply(replica: Replica, fetched: FetchedRecords): boolean {
    const { metrics, logger, onBroken } = this.#options
    try {
      replica.apply(fetched)
    } catch (error) {
      logger.error({ err: error, task: replica.number }, 'the standby of a task cannot continue')
      this.#replicas.delete(replica.number)
      this.#checks.delete(replica.number)
      onBroken(replica)
      return false
    }
    metrics.standbyLag(fetched, Math.max(0, fetched.lastStableOffset - fetched.position))
    this.#conclude(replica)
    return true
  }

  /** Asks for the present ends of the changelogs. A replica that reaches them knows all records that were on the log at the request. */
  async #check(): Promise<void> {
    const { log, clock, metrics } = this.#options
    const at = moment(clock)
    const ends = await unlessAborted(this.#abort.signal, log.offsets(this.#partitions(), 'stable-end'))
    for (const replica of this.#replicas.values()) {
      const partitions = replica.partitions()
      for (const one of partitions) {
        metrics.standbyLag(one, Math.max(0, (ends.get(keyOf(one)) ?? 0) - replica.positionIn(one.topic)))
      }
      if (this.#checks.has(replica.number)) continue
      const behind = new Map(partitions.map((one) => [one.topic, ends.get(keyOf(one)) ?? 0]))
      this.#checks.set(replica.number, { at, behind })
      this.#conclude(replica)
    }
  }

  #conclude(replica: Replica): void {
    const check = this.#checks.get(replica.number)
    if (check === undefined) return
    for (const [topic, end] of check.behind) if (replica.positionIn(topic) >= end) check.behind.delete(topic)
    if (check.behind.size > 0) return
    this.#checks.delete(replica.number)
    replica.confirm(check.at)
    if (this.#caughtUp.has(replica.number)) return
    this.#caughtUp.add(replica.number)
    this.#options.logger.info({ task: replica.number }, 'the standby has caught up')
  }

  #checkLater(): void {
    const { clock, limits, logger } = this.#options
    const check = () => {
      this.#check()
        .catch((error: unknown) => {
          if (!this.#stopped) logger.warn({ err: error }, 'the end offsets of the changelogs could not be read')
        })
        .finally(() => {
          if (!this.#stopped) this.#checkLater()
        })
    }
    this.#cancelCheck = clock.after(limits.standbyCheckEveryMs, check, { background: true })
  }

  #partitions(): TopicPartition[] {
    return [...this.#replicas.values()].flatMap((replica) => replica.partitions())
  }
}

/** The log is away, or the start of a changelog was deleted. */
function passes(error: unknown): boolean {
  if (error instanceof StreamsError) return error.code === 'STREAMS_INPUT_GAP'
  return error instanceof KafkaError && error.retriable
}
