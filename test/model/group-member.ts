/**
 * The client's side of a consumer group, as packages/kafka does it: join, get partitions, heartbeat until the group rebalances, give the
 * partitions back, join again. It is a second implementation because the real one uses sockets and timers; the runtime must see the same
 * behaviour.
 *
 *     joining ──► stable ── REBALANCE_IN_PROGRESS ──► onRevoked ──► joining
 *                   ├── UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION ──► onLost ──► joining, as a newcomer
 *                   └── FENCED_INSTANCE_ID ──► onLost, onFailed
 */
import { BrokerError, FencedError, type GroupMetadata, KafkaError, type TopicPartition } from '@streampay/kafka'
import type { Assignment } from '../../packages/kafka/src/group/consumer-protocol.ts'
import type { LogGroup, LogGroupOptions } from '../../packages/streams/src/log/stream-log.ts'
import type { App, Point } from './faults.ts'
import type { GroupCoordinator, Joined, Ticket } from './group-coordinator.ts'
import type { SimulatedProcess } from './simulated-process.ts'

type Interruption = 'rebalance' | 'lost' | 'closed'

const retryMs = 100
/** Less often than the real one, whose heartbeats every 300 ms would be most of the steps. */
const heartbeatMs = 1_000

export class GroupMember implements LogGroup {
  readonly #process: SimulatedProcess
  readonly #app: App
  readonly #options: LogGroupOptions & { onJoining(): void }
  readonly #coordinator: GroupCoordinator
  readonly #closing = Promise.withResolvers<never>()
  #closed = false
  #memberId = ''
  #generationId = -1
  /** The partitions that it had last, revoked or not, and those whose state it has without owning them: it joins with these. */
  #owned: readonly TopicPartition[] = []
  #followed: readonly number[] = []
  #hasAskedForStandbys = false
  /** Thrown by one of the caller's functions: an error that joining again would not solve. */
  #callbackFailure: { readonly error: unknown } | null = null
  readonly #done: Promise<void>

  /** @param onJoining Called before every join: all work for an earlier generation has ended by then. */
  constructor(process: SimulatedProcess, app: App, options: LogGroupOptions & { onJoining(): void }) {
    this.#process = process
    this.#app = app
    this.#options = options
    this.#coordinator = process.cluster.group(options.groupId)
    this.#closing.promise.catch(() => undefined)
    this.#done = this.#run().catch((error: unknown) => {
      if (!this.#closed) options.onFailed(error)
    })
  }

  /** Whether the group still has it as a member; a zombie does not know that it is one. */
  get isCurrent(): boolean {
    return this.#coordinator.isCurrent(this.#metadata())
  }

  async close({ leave }: { leave: boolean }): Promise<void> {
    const first = !this.#closed
    this.#closed = true
    this.#closing.reject(new KafkaError('KAFKA_CLOSED', 'the member was closed'))
    if (first && leave && this.#memberId !== '') {
      const metadata = this.#metadata()
      const left = this.#process.call(this.#wire('leave'), () => this.#coordinator.leave(metadata))
      // The session ends by itself if the group could not be reached.
      await left.catch(() => undefined)
    }
    await this.#done
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const joined = await this.#join()
        this.#memberId = joined.memberId
        this.#generationId = joined.generationId
        const { partitions, standby } = joined.assignment
        this.#owned = partitions
        this.#followed = standby?.partitions ?? []
        if (!this.#wantsOtherStandbys(joined.assignment)) await this.#serve(joined.assignment)
      } catch (error) {
        if (this.#callbackFailure !== null) throw this.#callbackFailure.error
        if (this.#closed) return
        await this.#recover(error)
      }
    }
  }

  async #join(): Promise<Joined> {
    const { instanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs, standbyReplicas } = this.#options
    this.#options.onJoining()
    const standby = { replicas: standbyReplicas, partitions: this.#followed }
    const subscription = { topics, owned: this.#owned, standby }
    const request = { instanceId, memberId: this.#memberId, subscription, sessionTimeoutMs, rebalanceTimeoutMs }
    const ticket: Ticket = await this.#call('join', () => this.#coordinator.join(request))
    const { scheduler } = this.#process.cluster
    const answered = () => {
      if (ticket.outcome instanceof Error) throw ticket.outcome
      if (ticket.outcome === undefined) throw new KafkaError('KAFKA_TIMEOUT', 'joining took too long')
      return ticket.outcome
    }
    const dueAt = scheduler.elapsed + rebalanceTimeoutMs + 5_000
    return await this.#call('join', answered, { ready: () => ticket.outcome !== undefined, dueAt })
  }

  /** A static member that returns gets its predecessor's assignment; a second join makes the group check it. */
  #wantsOtherStandbys({ standby }: Assignment): boolean {
    if (this.#hasAskedForStandbys || (standby?.replicas ?? 0) === this.#options.standbyReplicas) return false
    this.#hasAskedForStandbys = true
    return true
  }

  async #serve({ partitions, standby }: Assignment): Promise<void> {
    const work = new AbortController()
    const beating = this.#heartbeats(work.signal)
    beating.catch(() => undefined)
    try {
      await this.#tell(() => this.#options.onAssigned(partitions, this.#metadata(), standby?.partitions ?? []))
      const interruption = await beating
      if (interruption === 'rebalance') await this.#revoke()
      if (interruption === 'lost') await this.#lose()
    } finally {
      work.abort()
    }
  }

  /** Heartbeats keep the session while the caller finishes its work. */
  async #revoke(): Promise<void> {
    const work = new AbortController()
    const beating = this.#keepAlive(work.signal)
    try {
      await this.#tell(() => this.#options.onRevoked(this.#owned))
    } finally {
      work.abort()
      await beating
    }
  }

  async #lose(): Promise<void> {
    this.#memberId = ''
    this.#generationId = -1
    this.#followed = [...new Set([...this.#owned.map(({ partition }) => partition), ...this.#followed])]
    const lost = this.#owned
    this.#owned = []
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

  async #heartbeats(signal: AbortSignal): Promise<Interruption> {
    while (!signal.aborted && !this.#closed) {
      await this.#pause(heartbeatMs, signal)
      if (signal.aborted || this.#closed) break
      try {
        await this.#heartbeat()
      } catch (error) {
        const interruption = interruptionBy(error)
        if (interruption !== null) return interruption
        if (!(error instanceof KafkaError) || !error.retriable) throw error
      }
    }
    return 'closed'
  }

  async #keepAlive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#closed) {
      await this.#pause(heartbeatMs, signal)
      // The rebalance is known already, and joining returns any other error.
      if (!signal.aborted) await this.#heartbeat().catch(() => undefined)
    }
  }

  async #heartbeat(): Promise<void> {
    const metadata = this.#metadata()
    await this.#call('heartbeat', () => this.#coordinator.heartbeat(metadata))
  }

  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof KafkaError)) throw error
    const name = error instanceof BrokerError ? error.brokerError : null
    if (name === 'FENCED_INSTANCE_ID') {
      await this.#lose()
      throw new FencedError(`${this.#options.instanceId} was taken over`, error)
    }
    if (name === 'UNKNOWN_MEMBER_ID' || name === 'ILLEGAL_GENERATION') await this.#lose()
    else if (name !== 'REBALANCE_IN_PROGRESS' && !error.retriable) {
      await this.#lose()
      throw error
    }
    await this.#pause(retryMs, undefined)
  }

  #call<T>(point: Point, effect: () => T, options?: { ready: () => boolean; dueAt: number }): Promise<T> {
    return Promise.race([this.#process.call(this.#wire(point), effect, options), this.#closing.promise])
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#process.clock.after(ms, resolve)
    signal?.addEventListener('abort', () => resolve(), { once: true })
    await Promise.race([promise, this.#closing.promise]).catch(() => undefined)
    cancel()
  }

  #metadata(): GroupMetadata {
    const { groupId, instanceId } = this.#options
    return { groupId, generationId: this.#generationId, memberId: this.#memberId, groupInstanceId: instanceId }
  }

  #wire(point: Point) {
    return { app: this.#app, point }
  }
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
