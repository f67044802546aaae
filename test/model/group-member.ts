/**
 * A member of a simulated group: the real one of packages/kafka. Its requests go to a simulated coordinator, and its waits use the clock of
 * its simulated process.
 */
import { type GroupMetadata, KafkaError } from '@streampay/kafka'
import type { Assignment } from '../../packages/kafka/src/group/consumer-protocol.ts'
import { GroupMember, type GroupParts } from '../../packages/kafka/src/group/group.ts'
import type { Brought } from '../../packages/kafka/src/group/membership.ts'
import { pause } from '../../packages/streams/src/log/stream-clock.ts'
import type { LogGroup, LogGroupOptions } from '../../packages/streams/src/log/stream-log.ts'
import type { App, Point } from './faults.ts'
import type { GroupCoordinator, Ticket } from './group-coordinator.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** Less often than the runtime asks for: heartbeats every 300 ms would be most of the steps. */
const heartbeatIntervalMs = 1_000

type Options = LogGroupOptions & {
  /** Called before every join: all work for an earlier generation has ended by then. */
  onJoining(): void
}

export type SimulatedMember = LogGroup & {
  /** Whether the group still has it as a member; a zombie does not know that it is one. */
  readonly isCurrent: boolean
}

export function joinSimulatedGroup(process: SimulatedProcess, app: App, options: Options): SimulatedMember {
  const coordinator = process.cluster.group(options.groupId)
  const membership = new SimulatedMembership(process, app, { ...options, coordinator })
  const parts: GroupParts = {
    membership,
    pause: (ms, signal) => pause(process.clock, ms, signal),
    random: () => process.cluster.random.fraction(),
  }
  const member = new GroupMember(parts, { ...options, heartbeatIntervalMs })
  member.done.catch(options.onFailed)
  return {
    close: (how) => member.close(how),
    get isCurrent() {
      return coordinator.isCurrent(membership.metadata())
    },
  }
}

class SimulatedMembership {
  readonly #process: SimulatedProcess
  readonly #app: App
  readonly #options: Options & { readonly coordinator: GroupCoordinator }
  readonly #closing = Promise.withResolvers<never>()
  #memberId = ''
  #generationId = -1

  constructor(process: SimulatedProcess, app: App, options: Options & { readonly coordinator: GroupCoordinator }) {
    this.#process = process
    this.#app = app
    this.#options = options
    this.#closing.promise.catch(() => undefined)
  }

  metadata(): GroupMetadata {
    const { groupId, instanceId } = this.#options
    return { groupId, generationId: this.#generationId, memberId: this.#memberId, groupInstanceId: instanceId }
  }

  forget(): void {
    this.#memberId = ''
    this.#generationId = -1
  }

  async close(): Promise<void> {
    this.#closing.reject(new KafkaError('KAFKA_CLOSED', 'the member was closed'))
  }

  async join({ owned, standby }: Brought): Promise<Assignment> {
    const { coordinator, instanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    this.#options.onJoining()
    const subscription = { topics, owned, standby }
    const request = { instanceId, memberId: this.#memberId, subscription, sessionTimeoutMs, rebalanceTimeoutMs }
    const ticket: Ticket = await this.#call('join', () => coordinator.join(request))
    const answered = () => {
      if (ticket.outcome instanceof Error) throw ticket.outcome
      if (ticket.outcome === undefined) throw new KafkaError('KAFKA_TIMEOUT', 'joining took too long')
      return ticket.outcome
    }
    const dueAt = this.#process.cluster.scheduler.elapsed + rebalanceTimeoutMs + 5_000
    const joined = await this.#call('join', answered, { ready: () => ticket.outcome !== undefined, dueAt })
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    return joined.assignment
  }

  async heartbeat(): Promise<void> {
    const metadata = this.metadata()
    await this.#call('heartbeat', () => this.#options.coordinator.heartbeat(metadata))
  }

  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const metadata = this.metadata()
    await this.#call('leave', () => this.#options.coordinator.leave(metadata))
    this.forget()
  }

  #call<T>(point: Point, effect: () => T, options?: { ready: () => boolean; dueAt: number }): Promise<T> {
    const answer = this.#process.call({ app: this.#app, point }, effect, options)
    // A process that is over gets no answer, and no error because its member is closed.
    return this.#process.over ? answer : Promise.race([answer, this.#closing.promise])
  }
}
