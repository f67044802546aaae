/**
 * Decides which commands are accepted. Each partition of the command topic has a limit of its own, because each has a task of its
 * own: a slow partition, or one that moves to another process, takes no capacity from the others. Within a partition an identity may
 * have as many waiting commands as there are free places (dynamic thresholds, Choudhury and Hahne 1998): a single identity gets half
 * of the limit, a new one always finds free places, and the number of identities need not be known.
 *
 *     too many of one identity ──► 429      no place ──► 503      no replies ──► 503, except for a few that test the service
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../shared/clock.ts'
import { ProblemError } from '../shared/problem.ts'
import { ConcurrencyLimit, type WaitingCommand } from './concurrency-limit.ts'

export type AdmissionOptions = {
  readonly ofOne: number
  readonly ofAll: number
  /** For one partition: the number that is always accepted, the limit at the start, and the highest limit. */
  readonly least: number
  readonly first: number
  readonly targetMs: number
  readonly silenceMs: number
  readonly clock: Pick<Clock, 'elapsed'>
  readonly partitionOf: (identity: string) => number
  readonly onRefused: (reason: RefusalReason) => void
}

export type RefusalReason = 'identity' | 'overload' | 'silence'

export type Admission = {
  /** The command waits until one of the functions of the result is called. @throws ProblemError 429, 503 */
  readonly enter: (identity: string) => WaitingCommand
  /** For a record without a reply: refused under the same conditions as a command, but it takes no place. @throws ProblemError 429, 503 */
  readonly pass: (identity: string) => void
  readonly waiting: () => number
  /** Whether commands wait, and none in any partition has been answered for a while. */
  readonly isSilent: () => boolean
  /** The state of each partition. */
  readonly limits: () => ReadonlyMap<number, number>
  /** Resolves when no command waits, or after this time. */
  readonly idle: (timeoutMs: number) => Promise<void>
}

/** The longest Retry-After: the load may be gone by then. */
const longestRetryMs = 10_000
/** Retry-After while there are no replies: they may begin again at any moment, and other commands test that. */
const silentRetryMs = 2_000
/** Beyond this number, a refused identity gets the longest Retry-After. */
const mostTurns = 100_000

export function openAdmission(options: AdmissionOptions): Admission {
  const { clock, ofOne, ofAll } = options
  const partitions = new Map<number, Partition>()
  let all = 0
  let onIdle: () => void = () => undefined

  function partitionFor(identity: string): Partition {
    const number = options.partitionOf(identity)
    const known = partitions.get(number)
    if (known !== undefined) return known
    const opened = openPartition({ ...options, most: ofAll, elapsed: clock.elapsed })
    partitions.set(number, opened)
    return opened
  }

  function refuse(reason: RefusalReason, detail: string, retryMs: number): ProblemError {
    options.onRefused(reason)
    const seconds = Math.ceil(Math.min(longestRetryMs, Math.max(1, retryMs)) / 1000)
    const headers = { 'retry-after': String(seconds) }
    return new ProblemError(reason === 'identity' ? 'too-many-requests' : 'try-again', detail, { headers })
  }

  function pass(identity: string): Partition {
    const partition = partitionFor(identity)
    const { limit } = partition
    const own = partition.byIdentity.get(identity) ?? 0
    const room = Math.min(limit.allow() - limit.waiting, ofAll - all)
    if (room <= 0) {
      const isSilent = limit.silenceMs > 0
      const detail = isSilent
        ? 'Nothing was done: commands are not being answered at the moment. Try again with the same idempotency key.'
        : 'Nothing was done: more commands wait than can be answered soon. Try again with the same idempotency key.'
      const retryMs = isSilent ? silentRetryMs : waitForTurn(partition, identity, clock.elapsed())
      throw refuse(isSilent ? 'silence' : 'overload', detail, retryMs)
    }
    if (own >= Math.min(ofOne, room)) {
      const detail = `${own} of your commands wait for an answer already.`
      throw refuse('identity', detail, limit.silenceMs > 0 ? silentRetryMs : (own * 1000) / limit.ratePerSecond)
    }
    return partition
  }

  function enter(identity: string): WaitingCommand {
    const { limit, byIdentity, turns } = pass(identity)
    all++
    turns.delete(identity)
    byIdentity.set(identity, (byIdentity.get(identity) ?? 0) + 1)
    return once(limit.enter(), () => {
      all--
      if (all === 0) onIdle()
      const left = (byIdentity.get(identity) ?? 1) - 1
      if (left === 0) byIdentity.delete(identity)
      else byIdentity.set(identity, left)
    })
  }

  async function idle(timeoutMs: number): Promise<void> {
    if (all === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    onIdle = resolve
    await promise
    clearTimeout(timer)
  }

  function isSilent(): boolean {
    const waited = [...partitions.values()].filter(({ limit }) => limit.waiting > 0)
    return waited.length > 0 && waited.every(({ limit }) => limit.silenceMs > 0)
  }

  return {
    enter,
    idle,
    isSilent,
    pass: (identity) => void pass(identity),
    waiting: () => all,
    limits: () => new Map([...partitions].map(([number, { limit }]) => [number, limit.allow()])),
  }
}

type Partition = {
  readonly limit: ConcurrencyLimit
  readonly byIdentity: Map<string, number>
  /** For refused identities: the time at which there should be a place for them, oldest first. */
  readonly turns: LRUCache<string, number>
  lastTurnAt: number
}

function openPartition(options: ConstructorParameters<typeof ConcurrencyLimit>[0]): Partition {
  return { limit: new ConcurrencyLimit(options), byIdentity: new Map(), turns: openTurns(), lastTurnAt: 0 }
}

/** LRUCache: with a limit by size it allocates as it is used, with a limit by number at once; the front of a Map is slow to find. */
function openTurns(): LRUCache<string, number> {
  return new LRUCache({ maxSize: mostTurns, sizeCalculation: () => 1 })
}

/**
 * The time until there should be a place for the identity that is being refused: after those that wait, and those that were refused
 * before. So refused clients return spread over time. An identity that asks again before its
 * turn gets the same turn.
 */
function waitForTurn(partition: Partition, identity: string, now: number): number {
  const { limit, turns } = partition
  for (const earliest of turns.rkeys()) {
    if ((turns.peek(earliest) ?? 0) > now) break
    turns.delete(earliest)
  }
  const known = turns.peek(identity)
  if (known !== undefined) return known - now
  const afterThose = now + (limit.waiting * 1000) / limit.ratePerSecond
  const afterOthers = partition.lastTurnAt + 1000 / limit.ratePerSecond
  const turnAt = Math.min(Math.max(afterThose, afterOthers), now + longestRetryMs)
  if (turns.size < mostTurns) turns.set(identity, turnAt)
  partition.lastTurnAt = turnAt
  return turnAt - now
}

/** Ends only once, by any of the ways. */
function once(waiting: WaitingCommand, onEnd: () => void): WaitingCommand {
  let ended = false
  const ending = (end: () => void) => () => {
    if (ended) return
    ended = true
    end()
    onEnd()
  }
  return { answered: ending(waiting.answered), left: ending(waiting.left) }
}
