/**
 * The groups of the simulated log: members and generations. A rebalance is eager, as the real one: all members give up
 * their partitions, then all are assigned.
 */
import { AbortableError, FencedError, type GroupMetadata } from '@streampay/kafka'
import type { LogGroupOptions } from '../../src/log/stream-log.ts'

/** The process of a member, which may be killed at any time. */
type MemberProcess = { readonly dead: boolean; readonly death: Promise<void> }

export type Member = {
  readonly options: LogGroupOptions
  readonly process: MemberProcess
  tasks: number[]
  memberId: string
}

type Group = {
  generation: number
  members: Map<string, Member>
  /** Their session is over, and they don't know yet. */
  expired: Map<string, Member>
  rebalancing: Promise<void>
}

export class SimulatedGroups {
  readonly #partitionCount: number
  readonly #groups = new Map<string, Group>()
  #joins = 0

  constructor(partitionCount: number) {
    this.#partitionCount = partitionCount
  }

  /** The session of a member is over: its partitions go to the others. */
  async expire(groupId: string, instanceId: string): Promise<void> {
    const { members, expired } = this.#group(groupId)
    const member = members.get(instanceId)
    if (member !== undefined) expired.set(instanceId, member)
    members.delete(instanceId)
    await this.rebalance(groupId)
  }

  /** A member that was paused while its session ended is notified with its next heartbeat, and joins again. */
  async comeBack(groupId: string, instanceId: string): Promise<void> {
    const member = this.#group(groupId).expired.get(instanceId)
    if (member === undefined) throw new Error(`${instanceId} was never lost`)
    this.#group(groupId).expired.delete(instanceId)
    await member.options.onLost([])
    await this.join(member)
  }

  checkMember(metadata: GroupMetadata): void {
    const group = this.#group(metadata.groupId)
    const member = group.members.get(metadata.groupInstanceId ?? '')
    if (member?.memberId !== metadata.memberId) throw new FencedError('another member has this instance id')
    if (metadata.generationId !== group.generation) throw new AbortableError('ILLEGAL_GENERATION')
  }

  isMember(metadata: GroupMetadata): boolean {
    const { members, generation } = this.#group(metadata.groupId)
    const member = members.get(metadata.groupInstanceId ?? '')
    return member?.memberId === metadata.memberId && metadata.generationId === generation
  }

  async join(member: Member): Promise<void> {
    const group = this.#group(member.options.groupId)
    const before = group.members.get(member.options.instanceId)
    if (before !== undefined && !before.process.dead) before.options.onFailed(new FencedError('FENCED_INSTANCE_ID'))
    member.memberId = `${member.options.instanceId}-${this.#joins++}`
    group.members.set(member.options.instanceId, member)
    await this.rebalance(member.options.groupId)
  }

  async leave(member: Member, gone: boolean): Promise<void> {
    const group = this.#group(member.options.groupId)
    if (group.members.get(member.options.instanceId) !== member || !gone) return
    group.members.delete(member.options.instanceId)
    await this.rebalance(member.options.groupId)
  }

  liveInstances(groupId: string): Set<string> {
    return new Set(this.#group(groupId).members.keys())
  }

  /** The group makes the next generation without telling its members. */
  rebalanceSilently(groupId: string): void {
    this.#group(groupId).generation++
  }

  rebalance(groupId: string): Promise<void> {
    const group = this.#group(groupId)
    group.rebalancing = group.rebalancing.then(async () => {
      const members = [...group.members.values()].sort((a, b) =>
        a.options.instanceId.localeCompare(b.options.instanceId),
      )
      for (const member of members)
        if (member.tasks.length > 0 && !member.process.dead) await member.options.onRevoked([])
      group.generation++
      for (const [i, member] of members.entries()) {
        member.tasks = [...Array(this.#partitionCount).keys()].filter((partition) => partition % members.length === i)
        if (member.process.dead) continue
        const { groupId, instanceId, topics, standbyReplicas } = member.options
        // The followers of a partition are the members behind its owner.
        const followed = [...Array(this.#partitionCount).keys()].filter((partition) => {
          const behind = (i - (partition % members.length) + members.length) % members.length
          return behind > 0 && behind <= standbyReplicas
        })
        const partitions = member.tasks.flatMap((partition) => topics.map((topic) => ({ topic, partition })))
        const metadata = {
          groupId,
          generationId: group.generation,
          memberId: member.memberId,
          groupInstanceId: instanceId,
        }
        await Promise.race([member.options.onAssigned(partitions, metadata, followed), member.process.death])
      }
    })
    return group.rebalancing
  }

  #group(groupId: string): Group {
    const group = this.#groups.get(groupId) ?? {
      generation: 0,
      members: new Map(),
      expired: new Map(),
      rebalancing: Promise.resolve(),
    }
    this.#groups.set(groupId, group)
    return group
  }
}
