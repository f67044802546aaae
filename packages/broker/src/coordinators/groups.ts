/**
 * The group coordinator: all groups with their members and committed offsets, kept in `__consumer_offsets`.
 *
 * Every answer comes after its change is durable, and if the log refuses the change, the answer is a code (`write-outcome.ts`). A group
 * without members is deleted with its offsets once both have been unchanged for `offsetsRetentionMs`; a group without
 * durable records is deleted with its last member.
 *
 * Differences from Apache Kafka: there is one partition of that topic and one coordinator, this broker. Offsets of a
 * group with members don't expire, also for topics to which it is not subscribed. The number of groups is limited.
 */
import { errors } from '@streampay/kafka/wire'
import type { Clock, Storage } from '../log/types.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from '../server/config.ts'
import { type Group, isBlank, type JoinResponse, newGroup } from './group.ts'
import { entryOf, groupFrom, tombstoneOf } from './group-record.ts'
import { type Caller, type JoinRequest, joinRefusal, Membership } from './membership.ts'
import { Offsets } from './offsets.ts'
import type { Commit } from './pending-offsets.ts'
import type { Schedule } from './schedule.ts'
import { Shares } from './shares.ts'
import { openStateLog, type StateLog, type TransactionalProducer } from './state-log.ts'
import { codeOfWrite } from './write-outcome.ts'

export const OFFSETS_TOPIC = '__consumer_offsets'

/** As in Apache Kafka (`offsets.retention.check.interval.ms`). */
const RETENTION_CHECK_MS = 10 * 60 * 1000
/** Long ids take memory as long as their group exists. */
const GROUP_ID_MAX_BYTES = 1024

export type GroupsParts = {
  readonly storage: Storage
  readonly config: BrokerConfig
  readonly schedule: Schedule
  readonly clock: Clock
  readonly logger: Logger
  readonly wrapLog: ((log: StateLog) => StateLog) | null
}

export type GroupListing = { readonly id: string; readonly protocolType: string; readonly state: string }

export async function openGroups(parts: GroupsParts): Promise<Groups> {
  const { storage, clock, wrapLog } = parts
  const log = await openStateLog({ storage, topic: OFFSETS_TOPIC, clock, wrap: wrapLog })
  const groups = new Groups(parts, log)
  await groups.load()
  return groups
}

export class Groups {
  readonly offsets: Offsets
  readonly membership: Membership
  readonly #parts: GroupsParts
  readonly #log: StateLog
  readonly #groups = new Map<string, Group>()
  readonly #shares: Shares
  /** Groups whose deletion is being written: requests for them get COORDINATOR_NOT_AVAILABLE meanwhile. */
  readonly #leaving = new Set<string>()
  #cancelRetention = () => {}
  #closed = false

  constructor(parts: GroupsParts, log: StateLog) {
    this.#parts = parts
    this.#log = log
    this.#shares = new Shares({ most: parts.config.maxGroups, mostOfOne: parts.config.maxGroupsPerClient })
    this.offsets = new Offsets(log, parts.clock)
    this.membership = new Membership({
      ...parts,
      persist: (group, assignments) => this.#persist(group, log.append([entryOf(group, assignments)])),
      drained: (group) => this.#dropIfBlank(group),
    })
  }

  async load(): Promise<void> {
    await this.#log.load({
      entry: (entry, producer, writtenAt) => {
        if (this.offsets.load(entry, producer, writtenAt)) {
          if (entry.value !== null) this.#lasting(String(entry.key[1]), writtenAt)
          return
        }
        const loaded = groupFrom(entry, writtenAt)
        if (loaded?.group) this.#groups.set(loaded.id, loaded.group)
        else if (loaded) this.#groups.delete(loaded.id)
      },
      marker: (producerId, commit) => this.offsets.endTransaction(producerId, commit),
    })
    for (const group of this.#groups.values()) {
      this.#shares.add(group.id)
      for (const member of group.members.values()) this.membership.keepAlive(group, member)
    }
    this.#expireLater()
  }

  /** Undefined for a group that has neither members nor records on the log. */
  find(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  list(): GroupListing[] {
    return [...this.#groups.values()].map(({ id, protocolType, state }) => {
      return { id, protocolType: protocolType ?? '', state }
    })
  }

  exists(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  /** @param client the principal or address to whose share a new group counts */
  async join(groupId: string, request: JoinRequest, client: string): Promise<JoinResponse> {
    const refuse = (errorCode: number) => joinRefusal(request.memberId, errorCode)
    if (!isGroupId(groupId)) return refuse(errors.INVALID_GROUP_ID)
    if (this.#leaving.has(groupId)) return refuse(errors.COORDINATOR_NOT_AVAILABLE)
    if (!this.#groups.has(groupId) && request.memberId !== '') return refuse(errors.UNKNOWN_MEMBER_ID)
    const group = this.#findOrMake(groupId, client)
    if (!group) return refuse(errors.COORDINATOR_NOT_AVAILABLE)
    const joining = this.membership.join(group, request)
    // A refused join must not leave a group.
    this.#dropIfBlank(group)
    return joining
  }

  /**
   * The error code for a commit by this caller, or NONE. A generation below zero is a commit from outside of the
   * protocol, which only a group without members accepts (in a transaction: any group, if the commit has no member).
   */
  checkCommit(groupId: string, caller: Caller, commit: { readonly transactional: boolean; readonly client: string }) {
    if (!isGroupId(groupId)) return errors.INVALID_GROUP_ID
    if (this.#leaving.has(groupId)) return errors.COORDINATOR_NOT_AVAILABLE
    const group = this.#groups.get(groupId)
    const hasMembers = group !== undefined && group.members.size > 0
    if (caller.generation < 0 && !hasMembers) {
      return group || this.#shares.hasRoomFor(commit.client) ? errors.NONE : errors.COORDINATOR_NOT_AVAILABLE
    }
    if (!group) return caller.memberId === '' ? errors.ILLEGAL_GENERATION : errors.UNKNOWN_MEMBER_ID
    const { transactional } = commit
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

  /** Returns an error code; NONE when the commits are durable and in force. */
  async commit(groupId: string, commits: readonly Commit[], client: string): Promise<number> {
    if (commits.length === 0) return errors.NONE
    return this.#record(groupId, this.offsets.commit(groupId, commits), client)
  }

  /** Returns an error code; NONE when the commits are durable; they are in force from the commit marker on. */
  async commitInTransaction(
    groupId: string,
    commits: readonly Commit[],
    by: { readonly producer: TransactionalProducer; readonly client: string },
  ): Promise<number> {
    if (commits.length === 0) return errors.NONE
    if (!this.offsets.hasRoomFor(by.producer.producerId, groupId, commits)) return errors.COORDINATOR_NOT_AVAILABLE
    return this.#record(groupId, this.offsets.commitInTransaction(groupId, commits, by.producer), by.client)
  }

  /** Deletes committed offsets; the group stays. Returns an error code. */
  forget(groupId: string, partitions: ReadonlyArray<{ topic: string; partition: number }>): Promise<number> {
    return codeOfWrite(this.offsets.forget(groupId, partitions), this.#parts)
  }

  /** Returns an error code. A group with members or with offsets in an open transaction stays. */
  async delete(groupId: string): Promise<number> {
    const group = this.#groups.get(groupId)
    if (!group) return errors.GROUP_ID_NOT_FOUND
    if (group.members.size > 0 || this.offsets.hasPending(groupId)) return errors.NON_EMPTY_GROUP
    if (this.#leaving.has(groupId) || this.offsets.isWriting(groupId)) return errors.COORDINATOR_NOT_AVAILABLE
    return codeOfWrite(this.#delete(group), this.#parts)
  }

  /** Deletes the committed offsets of a topic that was deleted. Returns an error code. */
  async forgetTopic(topic: string): Promise<number> {
    let worst: number = errors.NONE
    for (const groupId of [...this.offsets.groupIds()]) {
      const gone = this.offsets.all(groupId).filter((commit) => commit.topic === topic)
      const errorCode = await this.forget(groupId, gone)
      if (errorCode !== errors.NONE) worst = errorCode
    }
    return worst
  }

  /** Deletes groups and offsets whose retention is over. Resolves when that is durable, or was refused. */
  async expire(): Promise<void> {
    const before = this.#parts.clock.now() - this.#parts.config.offsetsRetentionMs
    for (const group of [...this.#groups.values()]) {
      const { id } = group
      // It may have been deleted while others were, and created again.
      if (this.#groups.get(id) !== group) continue
      const isUsed = group.members.size > 0 || group.expected.size > 0 || group.emptySince > before
      if (isUsed || this.#leaving.has(id) || this.offsets.hasPending(id) || this.offsets.isWriting(id)) continue
      const old = this.offsets.committedBefore(id, before)
      const isOver = old.length === this.offsets.all(id).length
      const errorCode = isOver ? await codeOfWrite(this.#delete(group), this.#parts) : await this.forget(id, old)
      if (errorCode === errors.NONE) continue
      this.#parts.logger.warn({ group: id, errorCode }, 'an old group could not be removed; tried again later')
      return
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelRetention()
    for (const group of this.#groups.values()) this.membership.stop(group)
  }

  #findOrMake(groupId: string, client: string): Group | undefined {
    const known = this.#groups.get(groupId)
    if (known) return known
    if (!this.#shares.hasRoomFor(client)) return undefined
    const group = newGroup(groupId, this.#parts.clock.now())
    this.#groups.set(groupId, group)
    this.#shares.add(groupId, client)
    return group
  }

  /** Marks the group as having durable records. */
  #lasting(groupId: string, at: number, client = ''): void {
    const group = this.#groups.get(groupId) ?? newGroup(groupId, at)
    group.lasting = true
    this.#groups.set(groupId, group)
    this.#shares.add(groupId, client)
  }

  #dropIfBlank(group: Group): void {
    if (!isBlank(group) || this.#groups.get(group.id) !== group) return
    this.membership.stop(group)
    this.#groups.delete(group.id)
    this.#shares.remove(group.id)
  }

  #persist(group: Group, written: Promise<void>): Promise<number> {
    const lasting = written.then(() => {
      group.lasting = true
    })
    return codeOfWrite(lasting, this.#parts)
  }

  #record(groupId: string, written: Promise<void>, client: string): Promise<number> {
    // Counted from here on: of many simultaneous requests, only as many continue as there is room for.
    this.#shares.add(groupId, client)
    const lasting = written.then(
      () => this.#lasting(groupId, this.#parts.clock.now(), client),
      (error: unknown) => {
        if (!this.#groups.has(groupId)) this.#shares.remove(groupId)
        throw error
      },
    )
    return codeOfWrite(lasting, this.#parts)
  }

  /** All entries in one batch: after a kill the whole group exists or none of it. */
  async #delete(group: Group): Promise<void> {
    const { id } = group
    this.#leaving.add(id)
    try {
      await this.#log.append([...this.offsets.tombstonesOf(id), tombstoneOf(id)])
      this.offsets.drop(id)
      this.membership.stop(group)
      this.#groups.delete(id)
      this.#shares.remove(id)
    } finally {
      this.#leaving.delete(id)
    }
  }

  #expireLater(): void {
    if (this.#closed) return
    this.#cancelRetention = this.#parts.schedule(RETENTION_CHECK_MS, () => {
      // The next round is scheduled before this one runs. A round writes at most what becomes durable within its own time.
      this.#expireLater()
      void this.expire()
    })
  }
}

function isGroupId(groupId: string): boolean {
  return groupId !== '' && Buffer.byteLength(groupId) <= GROUP_ID_MAX_BYTES
}
