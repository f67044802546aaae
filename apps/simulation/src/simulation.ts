import { randomBytes } from 'node:crypto'
import { topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, openProducer } from '@streampay/kafka'
import { newTraceparent, openSampler } from '@streampay/process'
import type { Logger } from 'pino'
import { type CrowdOptions, observeAnswer, observeBalance, observeRequest, observeUser, openCrowd } from './crowd.ts'
import { CrowdClock } from './crowd-clock.ts'
import { decide } from './decide.ts'
import { Dispatcher } from './dispatcher.ts'
import { openLogReader } from './log-reader.ts'

export type SimulationOptions = {
  readonly cluster: Cluster
  readonly crowd: Omit<CrowdOptions, 'clock'>
  /** How many times as fast as the world's clock the crowd's clock runs at first. */
  readonly speed: number
  readonly keyPrefix: string
  readonly newId: () => string
  /** `elapsed` is in milliseconds and never goes back. */
  readonly clock: { elapsed(): number; delay(ms: number, signal: AbortSignal): Promise<void> }
  readonly logger: Logger
  /** How long a command took from its first attempt to its answer, in ms. */
  readonly onAnswered?: (tookMs: number) => void
}

export type RunningSimulation = {
  /** How many virtual users were found on the log at the start. */
  readonly knownUsers: number
  status(): { readonly people: number; readonly inFlight: number; readonly speed: number }
  /** Changes how many times as fast as the world's clock the crowd's clock runs. */
  setSpeed(speed: number): void
  /** Rejects when it can't continue. */
  readonly done: Promise<void>
  close(): Promise<void>
}

const needed = [
  topicNames.commands,
  topicNames.replies,
  topicNames.users,
  topicNames.balances,
  topicNames.paymentRequests,
]
const topicsTimeoutMs = 60_000
const topicsEveryMs = 500
const tickMs = 25
const drainTimeoutMs = 1_000
/** Sampled as a gateway samples the commands that it receives. */
const sampled = { perSecond: 20, perSecondOfOne: 5 }

/**
 * Starts the virtual users. They use only `commands` and `users` of the log, as any client could.
 * @throws Error when the topics don't exist within a minute: the payments service makes them
 */
export async function startSimulation(options: SimulationOptions): Promise<RunningSimulation> {
  const { cluster, clock, speed, logger } = options
  const closing = new AbortController()
  const admin = openAdmin(cluster)
  await waitForTopics(options, closing.signal)

  const crowdClock = new CrowdClock(speed, clock.elapsed())
  const crowd = openCrowd({ ...options.crowd, clock: crowdClock })
  const crowdNow = () => crowdClock.crowdTime(clock.elapsed())
  const producer = openProducer(cluster)
  const sampler = openSampler({ ...sampled, elapsed: clock.elapsed })
  const dispatcher = new Dispatcher({
    producer,
    newId: options.newId,
    newTraceparent: (identity) => newTraceparent(randomBytes(24), { isSampled: sampler.take(identity) }),
    keyPrefix: options.keyPrefix,
    onAnswer: (intent, answer, tookMs) => {
      if (answer !== 'none') options.onAnswered?.(tookMs)
      if (answer === 'none') logger.warn({ intent: intent.type }, 'no answer')
      else logger.debug({ intent: intent.type, status: answer.status }, 'answered')
      observeAnswer(crowd, intent, answer, crowdNow())
    },
  })
  const reader = await openLogReader(cluster, admin, {
    onUser: (id) => observeUser(crowd, id, crowdNow()),
    onBalance: (account, balance) => observeBalance(crowd, account, balance, crowdNow()),
    onRequest: (id, request) => observeRequest(crowd, id, request, crowdNow()),
    onReply: (correlationId, reply) => dispatcher.onReply(correlationId, reply, clock.elapsed()),
  })
  await Promise.race([reader.caughtUp, reader.done])
  const knownUsers = crowd.virtual.size

  const live = async () => {
    while (!closing.signal.aborted) {
      const now = clock.elapsed()
      dispatcher.tick(now)
      for (const intent of decide(crowd, crowdNow(), dispatcher.capacity(now))) dispatcher.send(intent, now)
      await clock.delay(tickMs, closing.signal)
    }
  }
  const living = live()
  return {
    knownUsers,
    status: () => ({ people: crowd.virtual.size, inFlight: dispatcher.inFlight, speed: crowdClock.speed }),
    setSpeed: (next) => crowdClock.setSpeed(next, clock.elapsed()),
    done: Promise.all([living, reader.done]).then(() => {}),
    close: async () => {
      closing.abort()
      await living
      await drained(dispatcher, clock)
      await reader.close()
      await producer.close()
    },
  }
}

async function waitForTopics({ cluster, clock }: SimulationOptions, signal: AbortSignal): Promise<void> {
  const admin = openAdmin(cluster)
  const startedAt = clock.elapsed()
  for (;;) {
    const found = await admin.describeTopics(needed)
    const missing = needed.filter((name) => !found.some((topic) => topic.name === name))
    if (missing.length === 0) return
    if (clock.elapsed() - startedAt > topicsTimeoutMs) {
      throw new Error(`The log has no topic ${missing.join(', ')}: is the payments service running?`)
    }
    await clock.delay(topicsEveryMs, signal)
  }
}

/** Waits for the last replies, so that a stop leaves few commands unobserved; they are on the log in any case. */
async function drained(dispatcher: Dispatcher, clock: SimulationOptions['clock']): Promise<void> {
  const startedAt = clock.elapsed()
  const never = new AbortController().signal
  while (dispatcher.inFlight > 0 && clock.elapsed() - startedAt < drainTimeoutMs) await clock.delay(tickMs, never)
}
