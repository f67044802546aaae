/** The record of a group on `__consumer_offsets`: its generation and its members with their assignments. */
import { EMPTY, type Group, type Member, newGroup } from './group.ts'
import type { Assignments } from './membership.ts'
import type { StateEntry } from './state-log.ts'

const KIND = 'group'

/** The entry that deletes the group. */
export function tombstoneOf(groupId: string): StateEntry {
  return { key: [KIND, groupId], value: null }
}

/** Null if the entry has another subject; `group` is null if it deletes the group. */
export function groupFrom(
  { key, value }: StateEntry,
  writtenAt: number,
): { readonly id: string; readonly group: Group | null } | null {
  const [kind, id] = key
  if (kind !== KIND || typeof id !== 'string') return null
  return { id, group: value === null ? null : groupOf(id, value as StoredGroup, writtenAt) }
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

export function entryOf(group: Group, assignments: Assignments = new Map()): StateEntry {
  const { generation, protocolType, protocolName, leader } = group
  const members = [...group.members.values()].map((member) =>
    storedMember(member, assignments.get(member.id) ?? member.assignment),
  )
  const value: StoredGroup = { generation, protocolType, protocolName, leader, members }
  return { key: [KIND, group.id], value }
}

function storedMember(member: Member, assignment: Buffer): StoredMember {
  const { id, instanceId, clientId, host, sessionTimeoutMs, rebalanceTimeoutMs } = member
  return {
    id,
    instanceId,
    clientId,
    host,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: member.protocols.map(({ name, metadata }) => [name, metadata.toString('base64')]),
    assignment: assignment.toString('base64'),
  }
}

function groupOf(id: string, stored: StoredGroup, writtenAt: number): Group {
  const { generation, protocolType, protocolName, leader, members } = stored
  const group = newGroup(id, writtenAt)
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
  return Object.assign(group, { generation, protocolType, protocolName, leader, state, lasting: true })
}
