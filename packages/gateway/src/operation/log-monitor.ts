/**
 * Asks the log at intervals for the ends of its topics. The answer shows that the log is reachable, how far each feed lags
 * behind, and since when its positions are known to be the newest; at longer intervals it also shows whether a topic was created anew.
 */
import type { Admin } from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import { byPartition } from '../shared/by-partition.ts'
import type { Clock } from '../shared/clock.ts'
import type { TopicFeed } from '../views/topic-feed.ts'

export type LogMonitorOptions = {
  readonly admin: Admin
  readonly feeds: readonly TopicFeed[]
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
  readonly everyMs: number
  /** The consumer group whose members answer commands; undefined if it is not known. */
  readonly commandGroup?: string | undefined
}

/** The log counts as reachable for this number of rounds after its last answer, and never for less than this time. */
const patientRounds = 4
const leastPatienceMs = 2_000
/** Topic ids are compared once in this number of rounds. */
const roundsPerIdentityCheck = 15

export class LogMonitor {
  readonly #options: LogMonitorOptions
  #timer: NodeJS.Timeout | undefined
  /** Compared with `Clock.elapsed`: a change of the wall clock has nothing to do with the log. */
  #answeredAt = Number.NEGATIVE_INFINITY
  #members: number | undefined
  #isAskingMembers = false
  #toldUnknown = false
  #round = 0
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: LogMonitorOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#ask()
  }

  isReachable(): boolean {
    const { clock, everyMs } = this.#options
    return clock.elapsed() - this.#answeredAt <= Math.max(leastPatienceMs, everyMs * patientRounds)
  }

  /** Whether the group that answers commands has members, as last known; true until it is known. */
  hasAnswerers(): boolean {
    return this.#members !== 0
  }

  /** The log has answered another request: on a busy machine, this may be known before a round ends. */
  heard(): void {
    this.#answeredAt = this.#options.clock.elapsed()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #ask(): Promise<void> {
    const { logger, everyMs, feeds } = this.#options
    try {
      await this.#askEnds()
      this.#askMembers()
      if (this.#round++ % roundsPerIdentityCheck === roundsPerIdentityCheck - 1) await this.#askIds()
    } catch (error) {
      if (!this.#closed) logger.warn({ err: error }, 'the log does not answer')
    }
    if (this.#closed) return
    // Until the views are complete for the first time, requests wait for this answer.
    const soon = feeds.some((feed) => !feed.caughtUp) ? Math.min(everyMs, 100) : everyMs
    this.#timer = setTimeout(() => {
      this.#running = this.#ask()
    }, soon)
  }

  async #askEnds(): Promise<void> {
    const { admin, feeds, clock } = this.#options
    // Since the epoch: it becomes part of event ids, which other gateways read.
    const askedAt = clock.now()
    const partitions = feeds.flatMap((feed) =>
      feed.positions.map((_, partition) => ({ topic: feed.topic.name, partition })),
    )
    const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
    this.heard()
    const byTopic = Map.groupBy(ends, ({ topic }) => topic)
    for (const feed of feeds) feed.noteEnds(byPartition(byTopic.get(feed.topic.name) ?? []), askedAt)
  }

  /** Runs beside the rounds: if the group's coordinator is away, it takes longer than a round may. */
  #askMembers(): void {
    const { admin, commandGroup, logger } = this.#options
    if (commandGroup === undefined || this.#isAskingMembers) return
    this.#isAskingMembers = true
    admin
      .describeGroups([commandGroup])
      .then(
        ([group]) => {
          this.#members = group?.members.length
        },
        (error: unknown) => {
          // Without the permission to ask, the answer stays the same: one attempt is enough.
          this.#members = undefined
          if (!this.#closed && !this.#toldUnknown) {
            logger.warn({ err: error, group: commandGroup }, 'it is not known whether a service answers commands')
          }
          this.#toldUnknown = true
        },
      )
      .finally(() => {
        this.#isAskingMembers = false
      })
  }

  async #askIds(): Promise<void> {
    const { admin, feeds } = this.#options
    const topics = await admin.describeTopics(feeds.map((feed) => feed.topic.name))
    for (const feed of feeds) {
      const topic = topics.find(({ name }) => name === feed.topic.name)
      if (topic !== undefined) feed.noteTopicId(topic.topicId)
    }
  }
}
