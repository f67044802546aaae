/** The requests by which a member joins its group, stays in it and leaves it. */
import type { Cluster } from '../cluster.ts'
import type { Lane } from '../connection/lane.ts'
import { KafkaError } from '../errors.ts'
import { check } from '../retry.ts'
import type { GroupMetadata, TopicPartition } from '../types.ts'
import { type Api, apis, errors, type ResponseOf } from '../wire/index.ts'
import { ASSIGNOR_NAME, assignCoPartitioned, type Member } from './co-partition-assignor.ts'
import {
  type Assignment,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Standby,
} from './consumer-protocol.ts'

export type MembershipOptions = {
  readonly cluster: Cluster
  readonly lane: Lane
  readonly groupId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** What a member brings to a join: what it had, and what it follows and wishes to be followed. */
export type Brought = { readonly owned: readonly TopicPartition[]; readonly standby: Standby }

type Joined = ResponseOf<typeof apis.joinGroup>

const PROTOCOL_TYPE = 'consumer'
const NO_GENERATION = -1

export class Membership {
  readonly #options: MembershipOptions
  #memberId = ''
  #generationId = NO_GENERATION

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  metadata(): GroupMetadata {
    const { groupId, instanceId } = this.#options
    return { groupId, generationId: this.#generationId, memberId: this.#memberId, groupInstanceId: instanceId }
  }

  /** The group takes this member for a newcomer from now on; a static one is known by its instance id still. */
  forget(): void {
    this.#memberId = ''
    this.#generationId = NO_GENERATION
  }

  /**
   * Waits for the other members, up to the rebalance timeout.
   * @throws KafkaError BrokerError REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID…
   */
  async join(brought: Brought): Promise<Assignment> {
    const joined = await this.#join(brought)
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    const assignments = await this.#assignments(joined)
    const { groupId, instanceId } = this.#options
    const answer = await this.#ask(apis.syncGroup, 'syncing', {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupInstanceId: instanceId,
      protocolType: PROTOCOL_TYPE,
      protocolName: joined.protocolName,
      assignments,
    })
    return decodeAssignment(answer.assignment)
  }

  async heartbeat(): Promise<void> {
    const { groupId, instanceId } = this.#options
    await this.#ask(apis.heartbeat, 'heartbeating', {
      groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: instanceId,
    })
  }

  /** Gives the place up at once. Does nothing before the first join. */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const { groupId, instanceId } = this.#options
    const memberId = this.#memberId
    const members = [{ memberId, groupInstanceId: instanceId }]
    await this.#ask(apis.leaveGroup, 'leaving', { groupId, memberId, members })
    this.forget()
  }

  async #join(brought: Brought): Promise<Joined> {
    const first = await this.#askToJoin(brought)
    if (first.errorCode !== errors.MEMBER_ID_REQUIRED) {
      check(first.errorCode, `joining group ${this.#options.groupId}`)
      return first
    }
    this.#memberId = first.memberId
    const second = await this.#askToJoin(brought)
    check(second.errorCode, `joining group ${this.#options.groupId}`)
    return second
  }

  async #askToJoin(brought: Brought): Promise<Joined> {
    const { cluster, lane, groupId, instanceId, sessionTimeoutMs, rebalanceTimeoutMs, topics } = this.#options
    return await cluster.coordinator({
      type: 'group',
      key: groupId,
      lane,
      api: apis.joinGroup,
      body: {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        groupInstanceId: instanceId,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: ASSIGNOR_NAME, metadata: encodeSubscription({ topics, ...brought }) }],
      },
      codeOf: ({ errorCode }) => (errorCode === errors.MEMBER_ID_REQUIRED ? errors.NONE : errorCode),
      timeoutMs: rebalanceTimeoutMs,
      what: `joining group ${groupId}`,
    })
  }

  /** Only the leader decides, and not when the broker says that what it knows still holds (a static member is back). */
  async #assignments(joined: Joined): Promise<Array<{ memberId: string; assignment: Buffer }>> {
    if (joined.leader !== joined.memberId || joined.skipAssignment) return []
    const members: Member[] = joined.members.map(({ memberId, groupInstanceId, metadata }) => {
      return { name: groupInstanceId ?? memberId, memberId, ...decodeSubscription(metadata) }
    })
    const count = await this.#partitionCount(members)
    return [...assignCoPartitioned(members, count)].map(([memberId, assignment]) => ({
      memberId,
      assignment: encodeAssignment(assignment),
    }))
  }

  async #partitionCount(members: readonly Member[]): Promise<number> {
    const topics = [...new Set(members.flatMap((member) => member.topics))]
    const found = await Promise.all(topics.map((topic) => this.#options.cluster.topic(topic)))
    const counts = new Set(found.map(({ partitions }) => partitions.length))
    const [count] = counts
    if (count !== undefined && counts.size === 1) return count
    const seen = found.map(({ name, partitions }) => `${name} ${partitions.length}`).join(', ')
    const message = `the topics of group ${this.#options.groupId} must have one number of partitions: ${seen}`
    throw new KafkaError('KAFKA_INVALID_ARGUMENT', message)
  }

  /** For as long as the session would last; the coordinator is looked up again when it has moved. */
  #ask<Req, ReqIn, Res extends { readonly errorCode: number }, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    doing: string,
    body: ReqIn,
  ): Promise<Res> {
    const { cluster, lane, groupId, sessionTimeoutMs } = this.#options
    return cluster.coordinator({
      type: 'group',
      key: groupId,
      lane,
      api,
      body,
      codeOf: ({ errorCode }) => errorCode,
      timeoutMs: sessionTimeoutMs,
      what: `${doing} in group ${groupId}`,
    })
  }
}
