/**
 * The log's side of a consumer group with static members, as Apache Kafka does it (classic protocol, eager): a generation
 * is made when every member has joined, or when those who did not come have had their time. Then static ones keep their
 * place, and their partitions, until their session ends. Who comes back under a known instance id while the group is
 * stable takes its predecessor's place at once, and fences it.
 *
 *     empty ──join──► preparing ──all joined, or time over──► stable ──join of another, leave, session over──► preparing
 *
 * Not simulated: that the leader computes the assignment, and may die over it.
 */
import { BrokerError, type GroupMetadata } from '@streampay/kafka'
import type { Actor, Parked, Scheduler } from './scheduler.ts'

export type Joined = { readonly memberId: string; readonly generationId: number; readonly tasks: readonly number[] }
export type JoinRequest = {
  readonly instanceId: string
  /** Empty for a newcomer, or a member that starts again. */
  readonly memberId: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}
/** Set when the generation is made, or the member has lost its place to another. */
export type Ticket = { outcome?: Joined | Error }

type Member = {
  readonly instanceId: string
  memberId: string
  tasks: readonly number[]
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
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

/** The codes of the protocol that a member meets. */
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
    const { instanceId, memberId, sessionTimeoutMs, rebalanceTimeoutMs } = request
    const ticket: Ticket = {}
    const known = this.#members.get(instanceId)
    if (known === undefined) {
      if (memberId !== '') return { outcome: refusal('UNKNOWN_MEMBER_ID') }
      const member: Member = {
        instanceId,
        memberId: this.#newId(instanceId),
        tasks: [],
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
    if (this.#deadline === undefined) {
      this.#touch(known)
      ticket.outcome = this.#joined(known)
      return ticket
    }
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
   * As for transactional offsets (KIP-447): a member of the present generation, or, without metadata, anybody.
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
    assign([...this.#members.values()], this.#options.partitionCount)
    const shares = [...this.#members.values()].map(({ instanceId, tasks }) => `${instanceId} ${tasks.join(',') || '–'}`)
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

  #joined({ memberId, tasks }: Member): Joined {
    return { memberId, generationId: this.#generationId, tasks }
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

/** Even shares; members keep what they have as far as that allows. */
function assign(members: readonly Member[], partitionCount: number): void {
  const free = new Set(Array.from({ length: partitionCount }, (_, task) => task))
  const most = Math.ceil(partitionCount / members.length)
  const least = Math.floor(partitionCount / members.length)
  let larger = partitionCount % members.length
  const shares = members.map((member) => {
    const room = larger > 0 && member.tasks.length > least ? most : least
    if (room > least) larger--
    const kept = member.tasks.slice(0, room)
    for (const task of kept) free.delete(task)
    return kept
  })
  const rest = [...free]
  for (const [i, member] of members.entries()) {
    const share = shares[i] ?? []
    while (share.length < least) share.push(rest.shift() ?? 0)
    if (larger > 0 && share.length === least && rest.length > 0) {
      share.push(rest.shift() ?? 0)
      larger--
    }
    member.tasks = share.sort((a, b) => a - b)
  }
}

function refusal(name: keyof typeof codes): BrokerError {
  return new BrokerError(codes[name], 'in the group')
}
