/**
 * One member of a consumer group, in the classic protocol: join, get partitions, heartbeat until the group rebalances,
 * give the partitions back, join again.
 *
 *     joining ──► stable ── REBALANCE_IN_PROGRESS ──► onRevoked ──► joining
 *                   ├── UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION ──► onLost ──► joining, as a newcomer
 *                   └── FENCED_INSTANCE_ID ──► onLost ──► done rejects with FencedError
 *
 * While the coordinator is away, heartbeats are repeated without a limit. The member keeps its partitions meanwhile,
 * because transactional commits carry the generation and are refused if the group continued without this member.
 */
import type { Logger } from 'pino'
import type { Group, GroupOptions } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { BrokerError, FencedError, KafkaError } from '../errors.ts'
import { backoffMs, delay, type Random } from '../retry.ts'
import type { GroupMetadata, TopicPartition } from '../types.ts'
import type { Assignment } from './consumer-protocol.ts'
import { Membership } from './membership.ts'

const SESSION_TIMEOUT_MS = 30_000
const REBALANCE_TIMEOUT_MS = 30_000
const HEARTBEAT_INTERVAL_MS = 3_000

type Interruption = 'rebalance' | 'lost' | 'closed'

/**
 * Joins at once, in the background.
 * @example
 * ```ts
 * import { openAdmin, openCluster, openGroup } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * await openAdmin(cluster).createTopics([{ name: 'parcels', partitions: 2 }])
 * const assigned = Promise.withResolvers<string>()
 * const group = openGroup(cluster, {
 *   groupId: 'couriers',
 *   topics: ['parcels'],
 *   onAssigned: (partitions) => assigned.resolve(partitions.map(({ partition }) => partition).join(', ')),
 *   onRevoked: () => {}, // commit what is done
 *   onLost: () => {}, // drop what is not committed
 * })
 * console.log(await assigned.promise) // → 0, 1
 * await group.close({ leave: true })
 * await cluster.close()
 * ```
 */
export function openGroup(cluster: Cluster, options: GroupOptions): Group {
  const { groupId, topics, instanceId = null } = options
  const { sessionTimeoutMs = SESSION_TIMEOUT_MS, rebalanceTimeoutMs = REBALANCE_TIMEOUT_MS } = options
  const membership = new Membership({ cluster, groupId, instanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs })
  const { logger } = cluster.options
  return new GroupMember({ membership, pause, random: cluster.random, ...(logger && { logger }) }, options)
}

/** The parts that a member uses to talk to its group and to wait. A simulation replaces them. */
export type GroupParts = {
  readonly membership: Pick<Membership, 'join' | 'heartbeat' | 'leave' | 'forget' | 'metadata' | 'close'>
  /** Ends early when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly random: Random
  readonly logger?: Pick<Logger, 'info' | 'warn'>
}

export class GroupMember implements Group {
  readonly done: Promise<void>
  readonly #parts: GroupParts
  readonly #options: GroupOptions
  readonly #membership: GroupParts['membership']
  readonly #heartbeatMs: number
  readonly #standbyReplicas: number
  readonly #closing = new AbortController()
  #assignment: readonly TopicPartition[] = []
  /** The partitions it had last, also if they are revoked: it asks for them when it joins. */
  #owned: readonly TopicPartition[] = []
  /** The partitions that it has the state of but does not own. */
  #followed: readonly number[] = []
  #hasAskedAgain = false
  /** An error that one of the caller's functions threw: joining again would not help. */
  #callbackFailure: { readonly error: unknown } | null = null

  constructor(parts: GroupParts, options: GroupOptions) {
    const sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS
    this.#parts = parts
    this.#membership = parts.membership
    this.#options = options
    this.#heartbeatMs = Math.min(options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS, sessionTimeoutMs / 3)
    this.#standbyReplicas = options.standbyReplicas ?? 0
    this.done = this.#run()
    // A caller that doesn't wait for `done` learns of a loss by onLost; an unhandled rejection would end the process.
    this.done.catch(() => undefined)
  }

  metadata(): GroupMetadata {
    return this.#membership.metadata()
  }

  assignment(): readonly TopicPartition[] {
    return this.#assignment
  }

  async close(options: { readonly leave?: boolean } = {}): Promise<void> {
    const first = !this.#closing.signal.aborted
    this.#closing.abort()
    if (first && options.leave === true) {
      await this.#membership.leave().catch((error: unknown) => {
        this.#parts.logger?.warn({ err: error }, 'the group was not left; the session will time out')
      })
    }
    await this.#membership.close()
    await this.done.catch(() => undefined)
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#isClosing(); ) {
      try {
        const standby = { replicas: this.#standbyReplicas, partitions: this.#followed }
        const assigned = await this.#membership.join({ owned: this.#owned, standby })
        if (this.#isClosing()) return
        attempt = 0
        this.#owned = assigned.partitions
        this.#followed = assigned.standby?.partitions ?? []
        if (!this.#wantsAnother(assigned)) await this.#serve(assigned)
      } catch (error) {
        if (this.#callbackFailure !== null) throw this.#callbackFailure.error
        if (this.#isClosing()) return
        await this.#recover(error, attempt)
        attempt++
      }
    }
  }

  /**
   * A static member that returns gets the assignment of its predecessor, whichever topics or standbys it asked for itself; they may
   * have changed by an update. A second join with that assignment makes the group compute a new one. The group may
   * keep the old one, because others ask for more.
   */
  #wantsAnother({ partitions, standby }: Assignment): boolean {
    if (this.#hasAskedAgain) return false
    const { topics } = this.#options
    this.#hasAskedAgain = (standby?.replicas ?? 0) !== this.#standbyReplicas || !isOfTopics(partitions, topics)
    return this.#hasAskedAgain
  }

  /** Runs from an assignment to its end. */
  async #serve({ partitions, standby }: Assignment): Promise<void> {
    this.#assignment = partitions
    const work = new AbortController()
    const beating = this.#heartbeats(work.signal)
    // It may fail while onAssigned still runs, before it is awaited; the error is thrown below.
    beating.catch(() => undefined)
    try {
      const followed = standby?.partitions ?? []
      await this.#tell(() => this.#options.onAssigned(partitions, this.#membership.metadata(), followed))
      const interruption = await beating
      if (interruption === 'rebalance') await this.#revoke()
      if (interruption === 'lost') await this.#lose()
    } finally {
      work.abort()
      await beating.catch(() => undefined)
    }
  }

  /**
   * The caller finishes its work while heartbeats keep the session alive. The group waits no longer than the rebalance
   * timeout.
   */
  async #revoke(): Promise<void> {
    const work = new AbortController()
    const keepingAlive = this.#keepAlive(work.signal)
    try {
      await this.#tell(() => this.#options.onRevoked(this.#assignment))
      this.#assignment = []
    } finally {
      work.abort()
      await keepingAlive
    }
  }

  async #lose(): Promise<void> {
    const lost = this.#assignment
    this.#assignment = []
    // Other members have the partitions now and must not lose them again to this one; but it still has their state.
    this.#followed = [...new Set([...this.#owned.map(({ partition }) => partition), ...this.#followed])]
    this.#owned = []
    this.#membership.forget()
    // Called also without partitions: the members that got them have taken this one for gone.
    await this.#tell(() => this.#options.onLost(lost))
  }

  async #tell(callback: () => void | Promise<void>): Promise<void> {
    try {
      await callback()
    } catch (error) {
      this.#callbackFailure = { error }
      throw error
    }
  }

  /** Runs until the answer to a heartbeat is not "continue". @throws errors that are neither a rebalance nor a loss */
  async #heartbeats(signal: AbortSignal): Promise<Interruption> {
    while (await this.#isTimeToBeat(signal)) {
      try {
        await this.#membership.heartbeat()
      } catch (error) {
        const interruption = interruptionBy(error)
        if (interruption !== null) return interruption
        if (!(error instanceof KafkaError) || !error.retriable) throw error
      }
    }
    return 'closed'
  }

  async #keepAlive(signal: AbortSignal): Promise<void> {
    while (await this.#isTimeToBeat(signal)) {
      // The rebalance is known already, and a worse error shows when the member joins.
      await this.#membership.heartbeat().catch(() => undefined)
    }
  }

  /** Waits until the next heartbeat is due. @returns false if the wait was cut short: then no heartbeat may follow, and no other wait */
  async #isTimeToBeat(signal: AbortSignal): Promise<boolean> {
    await this.#pause(this.#heartbeatMs, signal)
    return !signal.aborted && !this.#isClosing()
  }

  /** After any other error than an interruption of heartbeats: join again, with the member id that the group still knows, if any. */
  async #recover(error: unknown, attempt: number): Promise<void> {
    if (!(error instanceof KafkaError)) throw error
    this.#parts.logger?.info({ err: error, group: this.#options.groupId }, 'joining the group again')
    const name = error instanceof BrokerError ? error.brokerError : null
    if (name === 'FENCED_INSTANCE_ID') {
      await this.#lose()
      throw new FencedError(`${this.#options.instanceId} of group ${this.#options.groupId} was taken over`, error)
    }
    if (name === 'UNKNOWN_MEMBER_ID' || name === 'ILLEGAL_GENERATION') await this.#lose()
    else if (name !== 'REBALANCE_IN_PROGRESS' && !error.retriable) {
      await this.#lose()
      throw error
    }
    await this.#pause(backoffMs(attempt, this.#parts.random), this.#closing.signal)
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    await this.#parts.pause(ms, AbortSignal.any([signal, this.#closing.signal]))
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined)
}

/** Whether each partition number is there for exactly these topics. */
function isOfTopics(partitions: readonly TopicPartition[], topics: readonly string[]): boolean {
  const numbers = new Set(partitions.map(({ partition }) => partition))
  return partitions.length === numbers.size * topics.length && partitions.every(({ topic }) => topics.includes(topic))
}

function interruptionBy(error: unknown): Interruption | null {
  if (!(error instanceof BrokerError)) return null
  switch (error.brokerError) {
    case 'REBALANCE_IN_PROGRESS':
      return 'rebalance'
    case 'UNKNOWN_MEMBER_ID':
    case 'ILLEGAL_GENERATION':
      return 'lost'
    default:
      return null
  }
}
