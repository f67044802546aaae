/**
 * The classic group protocol: joining, syncing, heartbeats, leaving; dynamic and static members (KIP-345), member ids
 * that must be requested (KIP-394), the assignment that a returning static leader keeps (KIP-814).
 *
 * Differences from Apache Kafka: if a member's connection is lost while it waits to join, its session timeout runs from that
 * moment on (Kafka keeps the member for up to five minutes). The group's record is written when an assignment is made and when
 * the group becomes empty; a crash loses a generation that ended in between, and its members rejoin. As in Kafka,
 * an assignment counts once it is durable, and if it can't be written, all members join again.
 */
import { randomUUID } from 'node:crypto'
import { errors } from '@streampay/kafka/wire'
import type { Clock } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import {
  acceptsProtocols,
  EMPTY,
  type Group,
  type JoinResponse,
  type Member,
  memberByInstance,
  metadataOf,
  type Protocol,
  type SyncAssignments,
  type SyncResponse,
  sameProtocols,
  selectProtocol,
} from './group.ts'
import type { Schedule } from './schedule.ts'

export type MembershipParts = {
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Writes the group's record, with assignments that its members don't have yet. Resolves with NONE when it is durable,
   * with a code if it was refused or takes too long.
   */
  persist(group: Group, assignments?: Assignments): Promise<number>
  /** Called when the group may have lost its last member or its last record. */
  drained(group: Group): void
}

/** By member id. */
export type Assignments = ReadonlyMap<string, Buffer>

export type JoinRequest = {
  readonly memberId: string
  readonly instanceId: string | null
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly host: string
  /** From JoinGroup version 4 on: a new member must join again with the id that it gets. */
  readonly memberIdRequired: boolean
  /** From JoinGroup version 9 on. */
  readonly canSkipAssignment: boolean
  readonly closed: AbortSignal
}

/** The identity of a caller, as in heartbeats, syncs and commits. */
export type Caller = {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export type SyncRequest = Caller & {
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: SyncAssignments
}

export class Membership {
  readonly #parts: MembershipParts

  constructor(parts: MembershipParts) {
    this.#parts = parts
  }

  async join(group: Group, request: JoinRequest): Promise<JoinResponse> {
    const { memberId, instanceId } = request
    const isNew = memberId === ''
    const current = instanceId === null ? group.members.get(memberId) : memberByInstance(group, instanceId)
    if (!acceptsProtocols(group, request, current)) return joinRefusal(memberId, errors.INCONSISTENT_GROUP_PROTOCOL)
    if (
      !current &&
      !group.expected.has(memberId) &&
      group.members.size + group.expected.size >= this.#parts.config.groupMaxMembers
    ) {
      return joinRefusal(memberId, errors.GROUP_MAX_SIZE_REACHED)
    }
    if (isNew && instanceId !== null) {
      if (current) return this.#replaceStatic(group, current, request)
      return this.#waitForOthers(group, this.#add(group, `${instanceId}-${randomUUID()}`, request), request)
    }
    if (isNew) return this.#joinNewDynamic(group, request)
    const cancelExpected = group.expected.get(memberId)
    if (cancelExpected) {
      cancelExpected()
      group.expected.delete(memberId)
      return this.#waitForOthers(group, this.#add(group, memberId, request), request)
    }
    if (!current) return joinRefusal(memberId, errors.UNKNOWN_MEMBER_ID)
    if (current.id !== memberId) return joinRefusal(memberId, errors.FENCED_INSTANCE_ID)
    return this.#rejoin(group, current, request)
  }

  async sync(group: Group, request: SyncRequest): Promise<SyncResponse> {
    const refused = this.check(group, request)
    if (refused !== errors.NONE) return syncRefusal(refused)
    const otherType = request.protocolType !== null && request.protocolType !== group.protocolType
    const otherName = request.protocolName !== null && request.protocolName !== group.protocolName
    if (otherType || otherName) return syncRefusal(errors.INCONSISTENT_GROUP_PROTOCOL)
    const member = group.members.get(request.memberId)
    if (!member || group.state === 'Empty') return syncRefusal(errors.UNKNOWN_MEMBER_ID)
    if (group.state === 'PreparingRebalance') return syncRefusal(errors.REBALANCE_IN_PROGRESS)
    if (group.state === 'Stable') {
      this.keepAlive(group, member)
      return syncAnswer(group, member)
    }
    member.syncing?.(syncRefusal(errors.UNKNOWN_MEMBER_ID))
    const synced = new Promise<SyncResponse>((resolve) => {
      member.syncing = resolve
    })
    if (member.id === group.leader) await this.#assign(group, request.assignments)
    return synced
  }

  /** Returns an error code. */
  heartbeat(group: Group, caller: Caller): number {
    const refused = this.check(group, caller)
    if (refused !== errors.NONE) return refused
    const member = group.members.get(caller.memberId)
    if (!member || group.state === 'Empty') return errors.UNKNOWN_MEMBER_ID
    this.keepAlive(group, member)
    return group.state === 'PreparingRebalance' ? errors.REBALANCE_IN_PROGRESS : errors.NONE
  }

  /** Returns an error code. A static member may leave by its instance id alone. */
  leave(group: Group, who: { readonly memberId: string; readonly instanceId: string | null }): number {
    const cancelExpected = group.expected.get(who.memberId)
    if (cancelExpected) {
      cancelExpected()
      group.expected.delete(who.memberId)
      this.#tryCompleteJoin(group)
      this.#parts.drained(group)
      return errors.NONE
    }
    const member = who.instanceId === null ? group.members.get(who.memberId) : memberByInstance(group, who.instanceId)
    if (!member) return errors.UNKNOWN_MEMBER_ID
    if (who.memberId !== '' && member.id !== who.memberId) return errors.FENCED_INSTANCE_ID
    this.#remove(group, member, errors.UNKNOWN_MEMBER_ID)
    this.#afterLoss(group)
    return errors.NONE
  }

  /** The error code for a caller that isn't a current member of the current generation, or NONE. */
  check(group: Group, { memberId, instanceId, generation }: Caller): number {
    if (instanceId !== null) {
      const current = memberByInstance(group, instanceId)
      if (!current) return errors.UNKNOWN_MEMBER_ID
      if (current.id !== memberId) return errors.FENCED_INSTANCE_ID
    } else if (!group.members.has(memberId)) return errors.UNKNOWN_MEMBER_ID
    return generation === group.generation ? errors.NONE : errors.ILLEGAL_GENERATION
  }

  /** Restarts the session of a member: it sent a request, or was loaded at start. */
  keepAlive(group: Group, member: Member): void {
    member.cancelExpiry?.()
    member.cancelExpiry = this.#parts.schedule(member.sessionTimeoutMs, () => {
      // A member that waits for an answer can't send heartbeats; its session doesn't end meanwhile.
      if (member.joining || member.syncing) return
      this.#parts.logger.info({ group: group.id, member: member.id }, 'the session of a group member timed out')
      this.#remove(group, member, errors.UNKNOWN_MEMBER_ID)
      this.#afterLoss(group)
    })
  }

  /** Cancels all timers and sends no more answers. */
  stop(group: Group): void {
    group.cancelRebalance?.()
    for (const cancel of group.expected.values()) cancel()
    for (const member of group.members.values()) member.cancelExpiry?.()
  }

  #joinNewDynamic(group: Group, request: JoinRequest): Promise<JoinResponse> | JoinResponse {
    const memberId = `${request.clientId}-${randomUUID()}`
    if (!request.memberIdRequired) return this.#waitForOthers(group, this.#add(group, memberId, request), request)
    const forget = () => {
      cancel()
      request.closed.removeEventListener('abort', forget)
      if (group.expected.delete(memberId)) this.#tryCompleteJoin(group)
      this.#parts.drained(group)
    }
    const cancel = this.#parts.schedule(request.sessionTimeoutMs, forget)
    request.closed.addEventListener('abort', forget)
    group.expected.set(memberId, () => {
      cancel()
      request.closed.removeEventListener('abort', forget)
    })
    return joinRefusal(memberId, errors.MEMBER_ID_REQUIRED)
  }

  /** A static member that starts anew: it takes over the place, and the previous holder is fenced. */
  async #replaceStatic(group: Group, old: Member, request: JoinRequest): Promise<JoinResponse> {
    const member = { ...newMember(`${request.instanceId}-${randomUUID()}`, request), assignment: old.assignment }
    const wasLeader = group.leader === old.id
    const oldLeader = group.leader ?? ''
    replaceMember(group, old, member)
    old.cancelExpiry?.()
    old.joining?.(joinRefusal(old.id, errors.FENCED_INSTANCE_ID))
    old.syncing?.(syncRefusal(errors.FENCED_INSTANCE_ID))
    this.keepAlive(group, member)
    if (group.state !== 'Stable' || group.protocolName !== selectProtocol(group)) {
      return this.#waitForOthers(group, member, request)
    }
    // The other members are unchanged. A leader that can't skip the assignment gets the answer that another member leads.
    const refused = await this.#parts.persist(group)
    if (refused !== errors.NONE) {
      // As in Apache Kafka: the existing member stays, and the new one tries again.
      if (group.members.get(member.id) === member) {
        member.cancelExpiry?.()
        replaceMember(group, member, old)
        old.assignment = member.assignment
        this.keepAlive(group, old)
      }
      return joinRefusal('', refused)
    }
    if (request.canSkipAssignment) return { ...joinAnswer(group, member), skipAssignment: wasLeader }
    return { ...joinAnswer(group, member), leader: oldLeader, members: [] }
  }

  #rejoin(group: Group, member: Member, request: JoinRequest): Promise<JoinResponse> | JoinResponse {
    const unchanged = sameProtocols(member.protocols, request.protocols)
    const isFollower = group.leader !== member.id
    if (unchanged && (group.state === 'CompletingRebalance' || (group.state === 'Stable' && isFollower))) {
      this.keepAlive(group, member)
      return joinAnswer(group, member)
    }
    member.protocols = request.protocols
    member.clientId = request.clientId
    member.host = request.host
    member.sessionTimeoutMs = request.sessionTimeoutMs
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    return this.#waitForOthers(group, member, request)
  }

  #add(group: Group, memberId: string, request: JoinRequest): Member {
    const member = newMember(memberId, request)
    if (group.members.size === 0) group.protocolType = request.protocolType
    group.members.set(memberId, member)
    group.leader ??= memberId
    return member
  }

  #waitForOthers(group: Group, member: Member, { closed }: JoinRequest): Promise<JoinResponse> {
    member.joining?.(joinRefusal(member.id, errors.UNKNOWN_MEMBER_ID))
    const joined = new Promise<JoinResponse>((resolve) => {
      const answer = (response: JoinResponse) => {
        closed.removeEventListener('abort', onClosed)
        resolve(response)
      }
      const onClosed = () => {
        if (member.joining !== answer) return
        member.joining = null
        this.keepAlive(group, member)
        resolve(joinRefusal(member.id, errors.UNKNOWN_MEMBER_ID))
      }
      member.joining = answer
      closed.addEventListener('abort', onClosed)
    })
    member.cancelExpiry?.()
    this.#prepareRebalance(group)
    return joined
  }

  #remove(group: Group, member: Member, code: number): void {
    member.cancelExpiry?.()
    group.members.delete(member.id)
    member.joining?.(joinRefusal(member.id, code))
    member.syncing?.(syncRefusal(code))
    member.joining = null
    member.syncing = null
    if (group.leader === member.id) group.leader = group.members.keys().next().value ?? null
  }

  #afterLoss(group: Group): void {
    if (group.state === 'PreparingRebalance') this.#tryCompleteJoin(group)
    else if (group.state !== 'Empty') this.#prepareRebalance(group)
  }

  #prepareRebalance(group: Group): void {
    if (group.state === 'PreparingRebalance') {
      this.#tryCompleteJoin(group)
      return
    }
    const delayMs = this.#parts.config.groupInitialRebalanceDelayMs
    group.gathering = group.state === 'Empty' && delayMs > 0
    for (const member of group.members.values()) member.assignment = EMPTY
    this.#refuseSyncs(group, errors.REBALANCE_IN_PROGRESS)
    group.state = 'PreparingRebalance'
    group.cancelRebalance?.()
    group.cancelRebalance = this.#parts.schedule(group.gathering ? delayMs : rebalancePatienceMs(group), () => {
      group.gathering = false
      this.#completeJoin(group)
    })
    this.#tryCompleteJoin(group)
  }

  #refuseSyncs(group: Group, code: number): void {
    for (const member of group.members.values()) {
      if (!member.syncing) continue
      member.syncing(syncRefusal(code))
      member.syncing = null
      this.keepAlive(group, member)
    }
  }

  #tryCompleteJoin(group: Group): void {
    if (group.state !== 'PreparingRebalance' || group.gathering || group.expected.size > 0) return
    if ([...group.members.values()].every((member) => member.joining)) this.#completeJoin(group)
  }

  #completeJoin(group: Group): void {
    group.cancelRebalance?.()
    group.cancelRebalance = null
    // Static members keep their place until their session ends, because they may be restarting.
    for (const member of [...group.members.values()]) {
      if (!member.joining && member.instanceId === null) this.#remove(group, member, errors.UNKNOWN_MEMBER_ID)
    }
    if (group.members.size === 0) {
      this.#becomeEmpty(group)
      return
    }
    const joined = [...group.members.values()].filter((member) => member.joining)
    const leader = joined.find((member) => member.id === group.leader) ?? joined[0]
    if (!leader) {
      // Only static members are left and none has returned: wait for them, or for the end of their sessions.
      group.cancelRebalance = this.#parts.schedule(rebalancePatienceMs(group), () => this.#completeJoin(group))
      return
    }
    group.generation++
    group.leader = leader.id
    group.protocolName = selectProtocol(group)
    group.state = 'CompletingRebalance'
    for (const member of joined) {
      member.joining?.(joinAnswer(group, member))
      member.joining = null
      this.keepAlive(group, member)
    }
    group.cancelRebalance = this.#parts.schedule(rebalancePatienceMs(group), () => this.#removeUnsynced(group))
  }

  /** Removes members that joined but never sync: they would delay the assignment of the others. */
  #removeUnsynced(group: Group): void {
    if (group.state !== 'CompletingRebalance') return
    for (const member of [...group.members.values()]) {
      if (!member.syncing) this.#remove(group, member, errors.UNKNOWN_MEMBER_ID)
    }
    this.#prepareRebalance(group)
  }

  #becomeEmpty(group: Group): void {
    group.generation++
    group.state = 'Empty'
    group.leader = null
    group.protocolName = null
    group.emptySince = this.#parts.clock.now()
    if (group.lasting) void this.#persistEmpty(group)
    else this.#parts.drained(group)
  }

  /** A refusal has no effect: after a start the broker waits for the members of the older record, and removes them when they don't come. */
  async #persistEmpty(group: Group): Promise<void> {
    const errorCode = await this.#parts.persist(group)
    if (errorCode === errors.NONE) return
    this.#parts.logger.warn({ group: group.id, errorCode }, 'the record of an empty group could not be written')
  }

  async #assign(group: Group, assignments: SyncAssignments): Promise<void> {
    const { generation } = group
    // Copies: the request's buffer is reused.
    const assigned = new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]))
    const refused = await this.#parts.persist(group, assigned)
    if (group.generation !== generation || group.state !== 'CompletingRebalance') return
    if (refused !== errors.NONE) {
      this.#refuseSyncs(group, refused)
      this.#prepareRebalance(group)
      return
    }
    group.cancelRebalance?.()
    group.cancelRebalance = null
    group.state = 'Stable'
    for (const member of group.members.values()) {
      member.assignment = assigned.get(member.id) ?? member.assignment
      member.syncing?.(syncAnswer(group, member))
      member.syncing = null
      this.keepAlive(group, member)
    }
  }
}

/** At the same place, and as the leader if the other was. */
function replaceMember(group: Group, from: Member, to: Member): void {
  const places = [...group.members.values()].map((one) => (one === from ? to : one))
  group.members.clear()
  for (const one of places) group.members.set(one.id, one)
  if (group.leader === from.id) group.leader = to.id
}

function rebalancePatienceMs(group: Group): number {
  return Math.max(0, ...[...group.members.values()].map((member) => member.rebalanceTimeoutMs))
}

function newMember(id: string, request: JoinRequest): Member {
  return {
    id,
    instanceId: request.instanceId,
    clientId: request.clientId,
    host: request.host,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocols: request.protocols,
    assignment: EMPTY,
    joining: null,
    syncing: null,
    cancelExpiry: null,
  }
}

export function joinRefusal(memberId: string, errorCode: number): JoinResponse {
  return { errorCode, generationId: -1, protocolType: null, protocolName: '', leader: '', memberId, members: [] }
}

function joinAnswer(group: Group, member: Member): JoinResponse {
  const members = [...group.members.values()].map((one) => ({
    memberId: one.id,
    groupInstanceId: one.instanceId,
    metadata: metadataOf(one, group.protocolName),
  }))
  return {
    errorCode: errors.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName ?? '',
    leader: group.leader ?? '',
    memberId: member.id,
    members: member.id === group.leader ? members : [],
  }
}

export function syncRefusal(errorCode: number): SyncResponse {
  return { errorCode, assignment: EMPTY }
}

function syncAnswer(group: Group, member: Member): SyncResponse {
  return {
    errorCode: errors.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
}
