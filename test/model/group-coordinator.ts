/**
 * The log's side of a consumer group with static members, as Apache Kafka does it (classic protocol, eager): a generation is made when
 * every member has joined, or when the time for the missing ones is over. Then static members keep their place, and their partitions, until
 * their session ends. A member that comes back under a known instance id while the group is stable takes its predecessor's place at once,
 * and fences it.
 *
 *     empty ──join──► preparing ──all joined, or time over──► stable ──join of another, leave, session over──► preparing
 *
 * The assignment is made by the members' own assignor. Not simulated: that the leader runs it, and may crash meanwhile.
 */
import { BrokerError, type GroupMetadata } from '@streampay/kafka'
import { assignCoPartitioned } from '../../packages/kafka/src/group/co-partition-assignor.ts'
import type { Assignment, Subscription } from '../../packages/kafka/src/group/consumer-protocol.ts'
import type { Actor, Parked, Scheduler } from './scheduler.ts'

export type Joined = { readonly memberId: string; readonly generationId: number; readonly assignment: Assignment }
export type JoinRequest = {
  readonly instanceId: string
  /** Empty for a new member, or one that starts again. */
  readonly memberId: string
  readonly subscription: Subscription
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}
/** Set when the generation is made, or when the member has lost its place to another. */
export type Ticket = { outcome?: Joined | Error }

type Member = {
  readonly instanceId: string
  memberId: string
  subscription: Subscription
  assignment: Assignment
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Waits for the next generation. */
  joining: Ticket | undefined
  readonly session: Parked
}

type CoordinatorOptions = {
  readonly groupId: string
  readonly partitionCount: number
  readonly scheduler: Scheduler
  readonly actor: Actor
}

/** The error codes of the protocol that a member gets. */
const codes = { ILLEGAL_GENERATION: 22, UNKNOWN_MEMBER_ID: 25, REBALANCE_IN_PROGRESS: 27, FENCED_INSTANCE_ID: 82 }

export class GroupCoordinator {
  readonly #options: CoordinatorOptions
  readonly #members = new Map<string, Member>()
  #generationId = 0
  #madeAt = 0
  #deadline: Parked | undefined
  #joins = 0

  constructor(options: CoordinatorOptions) {
    this.#options = options
  }

  get instances(): Set<string> {
    return new Set(this.#members.keys())
  }

  /** How long there has been a generation without the member, in ms; 0 if it is one. */
  withoutMs(instanceId: string): number {
    const isMember = this.#members.has(instanceId) || this.#deadline !== undefined
    return isMember ? 0 : this.#options.scheduler.elapsed - this.#madeAt
  }

  join(request: JoinRequest): Ticket {
    const { instanceId, memberId, subscription, sessionTimeoutMs, rebalanceTimeoutMs } = request
    const ticket: Ticket = {}
    const known = this.#members.get(instanceId)
    if (known === undefined) {
      if (memberId !== '') return { outcome: refusal('UNKNOWN_MEMBER_ID') }
      const member: Member = {
        instanceId,
        memberId: this.#newId(instanceId),
        subscription,
        assignment: { partitions: [], standby: undefined },
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        joining: ticket,
        session: this.#session(instanceId),
      }
      this.#members.set(instanceId, member)
      this.#note(`${instanceId} joins`)
      this.#prepare()
      this.#completeIfAll()
      return ticket
    }
    if (memberId !== '' && memberId !== known.memberId) return { outcome: refusal('FENCED_INSTANCE_ID') }
    if (memberId === '') {
      if (known.joining !== undefined) known.joining.outcome = refusal('FENCED_INSTANCE_ID')
      known.memberId = this.#newId(instanceId)
      known.joining = undefined
      this.#note(`${instanceId} comes back`)
    }
    const hasChanged = JSON.stringify(known.subscription) !== JSON.stringify(subscription)
    known.subscription = subscription
    // A member that returns under a known instance id gets its predecessor's assignment, even with other metadata.
    if (this.#deadline === undefined && (memberId === '' || !hasChanged)) {
      this.#touch(known)
      ticket.outcome = this.#joined(known)
      return ticket
    }
    this.#prepare()
    known.joining = ticket
    known.session.dueAt = Number.POSITIVE_INFINITY
    this.#completeIfAll()
    return ticket
  }

  /** @throws BrokerError */
  heartbeat({ memberId, generationId, groupInstanceId }: GroupMetadata): void {
    const member = this.#check({ memberId, generationId, groupInstanceId })
    this.#touch(member)
    if (this.#deadline !== undefined) throw refusal('REBALANCE_IN_PROGRESS')
  }

  /**
   * As for transactional offsets (KIP-447): accepts a member of the present generation, or, without metadata, any client.
   * @throws BrokerError
   */
  checkOffsets(metadata: GroupMetadata): void {
    if (metadata.generationId < 0 && metadata.memberId === '' && metadata.groupInstanceId === null) return
    this.#check(metadata)
  }

  /** Whether the member is of the present generation. */
  isCurrent(metadata: Omit<GroupMetadata, 'groupId'>): boolean {
    const { memberId, generationId, groupInstanceId } = metadata
    return this.#members.get(groupInstanceId ?? '')?.memberId === memberId && generationId === this.#generationId
  }

  leave({ memberId, groupInstanceId }: Pick<GroupMetadata, 'memberId' | 'groupInstanceId'>): void {
    const member = this.#members.get(groupInstanceId ?? '')
    if (member?.memberId === memberId) this.#remove(member)
  }

  /** Ends a session before its time, as after lost heartbeats. */
  expire(instanceId: string): void {
    const member = this.#members.get(instanceId)
    if (member !== undefined && member.joining === undefined) this.#remove(member)
  }

  #check({ memberId, generationId, groupInstanceId }: Omit<GroupMetadata, 'groupId'>): Member {
    const member = this.#members.get(groupInstanceId ?? '')
    if (member === undefined) throw refusal('UNKNOWN_MEMBER_ID')
    if (member.memberId !== memberId) throw refusal('FENCED_INSTANCE_ID')
    if (generationId !== this.#generationId) throw refusal('ILLEGAL_GENERATION')
    return member
  }

  #prepare(): void {
    if (this.#deadline !== undefined) return
    const { scheduler, actor } = this.#options
    const timeoutMs = Math.max(...[...this.#members.values()].map((member) => member.rebalanceTimeoutMs))
    const run = () => {
      this.#complete()
      return false
    }
    this.#deadline = scheduler.park({ actor, name: 'rebalance is over', notBefore: scheduler.elapsed + timeoutMs, run })
  }

  #completeIfAll(): void {
    if ([...this.#members.values()].every((member) => member.joining !== undefined)) this.#complete()
  }

  #complete(): void {
    if (this.#deadline !== undefined) this.#deadline.cancelled = true
    this.#deadline = undefined
    this.#generationId++
    this.#madeAt = this.#options.scheduler.elapsed
    this.#assign()
    const shares = [...this.#members.values()].map(
      ({ instanceId, assignment }) => `${instanceId} ${numbersOf(assignment)} (${assignment.standby?.partitions})`,
    )
    this.#note(`generation ${this.#generationId}: ${shares.join('; ')}`)
    for (const member of this.#members.values()) {
      if (member.joining === undefined) continue
      member.joining.outcome = this.#joined(member)
      member.joining = undefined
      this.#touch(member)
    }
  }

  #remove(member: Member): void {
    this.#note(`${member.instanceId} is gone`)
    if (member.joining !== undefined) member.joining.outcome = refusal('UNKNOWN_MEMBER_ID')
    member.session.cancelled = true
    this.#members.delete(member.instanceId)
    if (this.#members.size === 0) {
      if (this.#deadline !== undefined) this.#deadline.cancelled = true
      this.#deadline = undefined
      return
    }
    this.#prepare()
    this.#completeIfAll()
  }

  #assign(): void {
    const members = [...this.#members.values()].map(({ instanceId, memberId, subscription }) => {
      return { name: instanceId, memberId, ...subscription }
    })
    const assignments = assignCoPartitioned(members, this.#options.partitionCount)
    for (const member of this.#members.values()) {
      member.assignment = assignments.get(member.memberId) ?? { partitions: [], standby: undefined }
    }
  }

  #joined({ memberId, assignment }: Member): Joined {
    return { memberId, generationId: this.#generationId, assignment }
  }

  #touch(member: Member): void {
    member.session.dueAt = this.#options.scheduler.elapsed + member.sessionTimeoutMs
  }

  #session(instanceId: string): Parked {
    const { scheduler, actor } = this.#options
    const run = () => {
      const member = this.#members.get(instanceId)
      if (member !== undefined) this.#remove(member)
      return false
    }
    const dueAt = Number.POSITIVE_INFINITY
    return scheduler.park({ actor, name: `session of ${instanceId}`, ready: () => false, dueAt, run })
  }

  #newId(instanceId: string): string {
    return `${instanceId}-${this.#joins++}`
  }

  #note(text: string): void {
    this.#options.scheduler.note(this.#options.actor, text)
  }
}

function numbersOf({ partitions }: Assignment): string {
  return [...new Set(partitions.map(({ partition }) => partition))].join(',') || '–'
}

function refusal(name: keyof typeof codes): BrokerError {
  return new BrokerError(codes[name], 'in the group')
}
