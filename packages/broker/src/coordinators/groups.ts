/**
 * The group coordinator: all groups with their members and committed offsets, kept in `__consumer_offsets`.
 *
 * Difference from Apache Kafka: there is one partition of that topic and one coordinator, this broker; offsets don't
 * expire (see `offsets.ts`).
 */
import { errors } from '@streampay/kafka/wire'
import type { Clock, Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import { EMPTY, type Group, type Member, newGroup } from './group.ts'
import { type Caller, Membership } from './membership.ts'
import { type Commit, type Offsets, openOffsets } from './offsets.ts'
import type { Schedule } from './schedule.ts'
import { openStateLog, type StateEntry, type StateLog, type TransactionalProducer } from './state-log.ts'

export const OFFSETS_TOPIC = '__consumer_offsets'

export type GroupsParts = {
  readonly storage: Storage
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly clock: Clock
  readonly logger: Logger
}

export type GroupListing = { readonly id: string; readonly protocolType: string; readonly state: string }

export async function openGroups(parts: GroupsParts): Promise<Groups> {
  const log = await openStateLog(parts.storage, OFFSETS_TOPIC, parts.clock)
  const groups = new Groups(parts, log)
  await groups.load()
  return groups
}

export class Groups {
  readonly offsets: Offsets
  readonly membership: Membership
  readonly #log: StateLog
  readonly #groups = new Map<string, Group>()

  constructor(parts: GroupsParts, log: StateLog) {
    this.#log = log
    this.offsets = openOffsets(log)
    this.membership = new Membership({ ...parts, persist: (group) => log.append([entryOf(group)]) })
  }

  async load(): Promise<void> {
    await this.#log.load({
      entry: (entry, producer) => {
        if (!this.offsets.load(entry, producer)) this.#loadGroup(entry)
      },
      marker: (producerId, commit) => this.offsets.endTransaction(producerId, commit),
    })
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) this.membership.keepAlive(group, member)
    }
  }

  /** Undefined for a group that has neither members nor a past. One that has offsets alone is empty. */
  find(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  findOrMake(groupId: string): Group {
    const known = this.#groups.get(groupId)
    if (known) return known
    const group = newGroup(groupId)
    this.#groups.set(groupId, group)
    return group
  }

  list(): GroupListing[] {
    const ids = new Set([...this.#groups.keys(), ...this.offsets.groupIds()])
    return [...ids].map((id) => {
      const group = this.#groups.get(id)
      return { id, protocolType: group?.protocolType ?? '', state: group?.state ?? 'Empty' }
    })
  }

  exists(groupId: string): boolean {
    return this.#groups.has(groupId) || this.offsets.all(groupId).length > 0
  }

  /**
   * The error code for a commit by this caller, or NONE. A generation below zero is a commit from outside of the
   * protocol, which only a group without members takes (a transactional one: any group, if it names no member).
   */
  checkCommit(groupId: string, caller: Caller, transactional: boolean): number {
    if (groupId === '') return errors.INVALID_GROUP_ID
    const group = this.#groups.get(groupId)
    const hasMembers = group !== undefined && group.members.size > 0
    if (caller.generation < 0 && !hasMembers) return errors.NONE
    if (!group) return caller.memberId === '' ? errors.ILLEGAL_GENERATION : errors.UNKNOWN_MEMBER_ID
    if (transactional && caller.generation < 0 && caller.memberId === '' && caller.instanceId === null) {
      return errors.NONE
    }
    const refused = this.membership.check(group, caller)
    if (refused !== errors.NONE || transactional) return refused
    if (group.state === 'CompletingRebalance') return errors.REBALANCE_IN_PROGRESS
    const member = group.members.get(caller.memberId)
    if (member) this.membership.keepAlive(group, member)
    return errors.NONE
  }

  commit(groupId: string, commits: readonly Commit[]): Promise<void> {
    return this.offsets.commit(groupId, commits)
  }

  commitInTransaction(groupId: string, commits: readonly Commit[], producer: TransactionalProducer): Promise<void> {
    return this.offsets.commitInTransaction(groupId, commits, producer)
  }

  /** An error code. A group with members or with offsets in an open transaction stays. */
  async delete(groupId: string): Promise<number> {
    if (!this.exists(groupId)) return errors.GROUP_ID_NOT_FOUND
    const group = this.#groups.get(groupId)
    if ((group && group.members.size > 0) || this.offsets.hasPending(groupId)) return errors.NON_EMPTY_GROUP
    await this.offsets.forget(groupId, this.offsets.all(groupId))
    await this.#log.append([{ key: ['group', groupId], value: null }])
    if (group) this.membership.stop(group)
    this.#groups.delete(groupId)
    return errors.NONE
  }

  /** Forgets the committed offsets of a topic that was deleted. */
  async forgetTopic(topic: string): Promise<void> {
    for (const groupId of [...this.offsets.groupIds()]) {
      const gone = this.offsets.all(groupId).filter((commit) => commit.topic === topic)
      await this.offsets.forget(groupId, gone)
    }
  }

  close(): void {
    for (const group of this.#groups.values()) this.membership.stop(group)
  }

  #loadGroup({ key, value }: StateEntry): void {
    const [kind, groupId] = key
    if (kind !== 'group' || typeof groupId !== 'string') return
    this.#groups.delete(groupId)
    if (value !== null) this.#groups.set(groupId, groupOf(groupId, value as StoredGroup))
  }
}

type StoredMember = {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Name and metadata in base64. */
  readonly protocols: ReadonlyArray<readonly [string, string]>
  readonly assignment: string
}

type StoredGroup = {
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string | null
  readonly members: readonly StoredMember[]
}

function entryOf(group: Group): StateEntry {
  const { generation, protocolType, protocolName, leader } = group
  const members = [...group.members.values()].map(storedMember)
  const value: StoredGroup = { generation, protocolType, protocolName, leader, members }
  return { key: ['group', group.id], value }
}

function storedMember(member: Member): StoredMember {
  const { id, instanceId, clientId, host, sessionTimeoutMs, rebalanceTimeoutMs } = member
  return {
    id,
    instanceId,
    clientId,
    host,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: member.protocols.map(({ name, metadata }) => [name, metadata.toString('base64')]),
    assignment: member.assignment.toString('base64'),
  }
}

function groupOf(id: string, stored: StoredGroup): Group {
  const { generation, protocolType, protocolName, leader, members } = stored
  const group = newGroup(id)
  for (const member of members) {
    group.members.set(member.id, {
      ...member,
      protocols: member.protocols.map(([name, metadata]) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
      assignment: member.assignment === '' ? EMPTY : Buffer.from(member.assignment, 'base64'),
      joining: null,
      syncing: null,
      cancelExpiry: null,
    })
  }
  const state = members.length > 0 ? 'Stable' : 'Empty'
  return Object.assign(group, { generation, protocolType, protocolName, leader, state })
}
