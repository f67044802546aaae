/** The requests by which a member joins its group, stays in it and leaves it. */
import type { Cluster } from '../cluster.ts'
import type { Connections } from '../connection/connections.ts'
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
  readonly groupId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** The data of a join: the partitions that the member had, those that it follows, and the standbys that it asks for. */
export type Brought = { readonly owned: readonly TopicPartition[]; readonly standby: Standby }

type Joined = ResponseOf<typeof apis.joinGroup>

const PROTOCOL_TYPE = 'consumer'
const NO_GENERATION = -1

/** A join is answered when the last member has joined: after up to the rebalance timeout, plus this network delay. */
const JOIN_GRACE_MS = 5_000

export class Membership {
  readonly #options: MembershipOptions
  /** Heartbeats have connections of their own: it must detect a dead connection long before the session ends. */
  readonly #pulse: Connections
  /** The connections of the join under way: a join may take long, so it must not wait on an old connection that has died unnoticed. */
  #joining: Connections | undefined
  #memberId = ''
  #generationId = NO_GENERATION

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#pulse = options.cluster.openConnections({ requestTimeoutMs: options.sessionTimeoutMs / 3 })
  }

  /** Requests that wait for an answer fail. */
  async close(): Promise<void> {
    await this.#options.cluster.closeConnections(this.#pulse)
    if (this.#joining !== undefined) await this.#options.cluster.closeConnections(this.#joining)
  }

  metadata(): GroupMetadata {
    const { groupId, instanceId } = this.#options
    return { groupId, generationId: this.#generationId, memberId: this.#memberId, groupInstanceId: instanceId }
  }

  /** The group takes this member for a new one from now on; a static one is still known by its instance id. */
  forget(): void {
    this.#memberId = ''
    this.#generationId = NO_GENERATION
  }

  /**
   * Waits for the other members, up to the rebalance timeout.
   * @throws KafkaError BrokerError REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID…
   */
  async join(brought: Brought): Promise<Assignment> {
    const { cluster, rebalanceTimeoutMs } = this.#options
    const connections = cluster.openConnections({ requestTimeoutMs: rebalanceTimeoutMs + JOIN_GRACE_MS })
    this.#joining = connections
    try {
      return await this.#joinOn(connections, brought)
    } finally {
      await cluster.closeConnections(connections)
    }
  }

  async #joinOn(connections: Connections, brought: Brought): Promise<Assignment> {
    const joined = await this.#join(connections, brought)
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    const assignments = await this.#assignments(joined)
    const { groupId, instanceId } = this.#options
    const body = {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupInstanceId: instanceId,
      protocolType: PROTOCOL_TYPE,
      protocolName: joined.protocolName,
      assignments,
    }
    const answer = await this.#ask(connections, apis.syncGroup, 'syncing', body)
    return decodeAssignment(answer.assignment)
  }

  async heartbeat(): Promise<void> {
    const { groupId, instanceId } = this.#options
    const body = {
      groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: instanceId,
    }
    await this.#ask(this.#pulse, apis.heartbeat, 'heartbeating', body)
  }

  /** Leaves the group at once. Does nothing before the first join. */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const { groupId, instanceId } = this.#options
    const memberId = this.#memberId
    const members = [{ memberId, groupInstanceId: instanceId }]
    await this.#ask(this.#pulse, apis.leaveGroup, 'leaving', { groupId, memberId, members })
    this.forget()
  }

  async #join(connections: Connections, brought: Brought): Promise<Joined> {
    const first = await this.#askToJoin(connections, brought)
    if (first.errorCode !== errors.MEMBER_ID_REQUIRED) {
      check(first.errorCode, `joining group ${this.#options.groupId}`)
      return first
    }
    this.#memberId = first.memberId
    const second = await this.#askToJoin(connections, brought)
    check(second.errorCode, `joining group ${this.#options.groupId}`)
    return second
  }

  async #askToJoin(connections: Connections, brought: Brought): Promise<Joined> {
    const { cluster, groupId, instanceId, sessionTimeoutMs, rebalanceTimeoutMs, topics } = this.#options
    return await cluster.coordinator({
      type: 'group',
      key: groupId,
      connections,
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

  /** Only the leader assigns, and not if the broker says that the old assignment is still valid (a static member is back). */
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

  /** Retries for as long as the session lasts; finds the coordinator again if it has moved. */
  #ask<Req, ReqIn, Res extends { readonly errorCode: number }, ResIn>(
    connections: Connections,
    api: Api<Req, ReqIn, Res, ResIn>,
    doing: string,
    body: ReqIn,
  ): Promise<Res> {
    const { cluster, groupId, sessionTimeoutMs } = this.#options
    return cluster.coordinator({
      type: 'group',
      key: groupId,
      connections,
      api,
      body,
      codeOf: ({ errorCode }) => errorCode,
      timeoutMs: sessionTimeoutMs,
      what: `${doing} in group ${groupId}`,
    })
  }
}
