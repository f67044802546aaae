/**
 * A consumer group: its members and its state. The rules for its changes are in `membership.ts`.
 *
 *               first member                all joined               leader's assignment
 *     empty ──────────────► preparing ──────────────► completing ──────────────► stable
 *       ▲                    │  ▲ ▲                       │                        │
 *       └── all members gone ┘  │ └── join, leave, loss ──┘                        │
 *                               └───────────── join, leave, loss ──────────────────┘
 */
import type { apis, RequestInputOf, ResponseInputOf } from '@streampay/kafka/wire'

type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export type Protocol = { readonly name: string; readonly metadata: Buffer }
export type JoinResponse = ResponseInputOf<typeof apis.joinGroup>
export type SyncResponse = ResponseInputOf<typeof apis.syncGroup>
export type SyncAssignments = RequestInputOf<typeof apis.syncGroup>['assignments']

export type Member = {
  readonly id: string
  /** Set on static members: they keep their place after restarts, and a new member with the same id fences them. */
  readonly instanceId: string | null
  clientId: string
  host: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly Protocol[]
  assignment: Buffer
  /** Answers the JoinGroup that waits for the other members. */
  joining: ((response: JoinResponse) => void) | null
  /** Answers the SyncGroup that waits for the leader. */
  syncing: ((response: SyncResponse) => void) | null
  /** Cancels the timer of the session. */
  cancelExpiry: (() => void) | null
}

export type Group = {
  readonly id: string
  state: GroupState
  generation: number
  protocolType: string | null
  protocolName: string | null
  leader: string | null
  /** By member id, in order of joining. */
  readonly members: Map<string, Member>
  /** Member ids that were given out (MEMBER_ID_REQUIRED) and not used yet, with a function that cancels their timer. */
  readonly expected: Map<string, () => void>
  /** Cancels the timer of the current rebalance. */
  cancelRebalance: (() => void) | null
  /** Set while the first members of a group have time to join. */
  gathering: boolean
  /** The log has records of it: it stays, also without members, until it is deleted or its retention is over. */
  lasting: boolean
  /** The time since which it has no members, in ms since the epoch; without meaning if it has some. */
  emptySince: number
}

export const EMPTY = Buffer.alloc(0)

export function newGroup(id: string, emptySince: number): Group {
  return {
    id,
    state: 'Empty',
    generation: 0,
    protocolType: null,
    protocolName: null,
    leader: null,
    members: new Map(),
    expected: new Map(),
    cancelRebalance: null,
    gathering: false,
    lasting: false,
    emptySince,
  }
}

/** No member, no joining member, and no records on the log: the group does not exist any more. */
export function isBlank(group: Group): boolean {
  return !group.lasting && group.members.size === 0 && group.expected.size === 0
}

export function memberByInstance(group: Group, instanceId: string): Member | undefined {
  for (const member of group.members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

/** Whether all members, and one with these protocols, would have a protocol in common. */
export function acceptsProtocols(
  group: Group,
  offered: { readonly protocolType: string; readonly protocols: readonly Protocol[] },
  replaced?: Member,
): boolean {
  const others = [...group.members.values()].filter((member) => member !== replaced)
  if (others.length === 0) return offered.protocolType !== '' && offered.protocols.length > 0
  if (group.protocolType !== offered.protocolType) return false
  return offered.protocols.some(({ name }) =>
    others.every((member) => member.protocols.some((known) => known.name === name)),
  )
}

/** Each member votes for its first choice among the protocols that all members have; the leader's order decides a tie. */
export function selectProtocol(group: Group): string {
  const members = [...group.members.values()]
  const first = (group.leader !== null && group.members.get(group.leader)) || members[0]
  const common = (first?.protocols ?? [])
    .map(({ name }) => name)
    .filter((name) => members.every((member) => member.protocols.some((known) => known.name === name)))
  const votes = new Map<string, number>(common.map((name) => [name, 0]))
  for (const member of members) {
    const choice = member.protocols.find(({ name }) => votes.has(name))
    if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
  }
  let winner = common[0] ?? ''
  for (const name of common) if ((votes.get(name) ?? 0) > (votes.get(winner) ?? 0)) winner = name
  return winner
}

export function sameProtocols(left: readonly Protocol[], right: readonly Protocol[]): boolean {
  if (left.length !== right.length) return false
  return left.every(
    ({ name, metadata }, index) => right[index]?.name === name && right[index].metadata.equals(metadata),
  )
}

export function metadataOf(member: Member, protocolName: string | null): Buffer {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? EMPTY
}
