/** A client that joins a group, commits offsets, and asks what the broker knows of groups. */
import { apis, errors, type RequestInputOf } from '@streampay/kafka/wire'
import type { BrokerConfig } from '../../src/index.ts'
import { HeldStateLog } from './held-state-log.ts'
import { createTopic, ManualSchedule, testBroker, type WireClient, wireClient } from './test-broker.ts'
import { temporaryFolder } from './test-storage.ts'

export type Join = RequestInputOf<typeof apis.joinGroup>
type Joined = { memberId: string; generationId: number }

export const SESSION_MS = 10_000
export const WRITE_TIMEOUT_MS = 5000
export const RETENTION_CHECK_MS = 600_000

export async function setUp(config: Partial<BrokerConfig> = {}) {
  const dataDir = temporaryFolder()
  const timers = new ManualSchedule()
  const log = new HeldStateLog()
  const time = { now: Date.now() }
  const clock = { now: () => time.now }
  // Not the default, which is as long as the time between two checks for expired groups.
  const bounds = { connectionsMaxIdleMs: 601_000, ...config }
  const broker = await testBroker({ dataDir, schedule: timers.schedule, clock, config: bounds, wrapLog: log.wrap })
  const client = await wireClient(broker)
  await createTopic(client, 't', 2)
  return { dataDir, timers, log, time, broker, client }
}

export function joinRequest(changes: Partial<Join> = {}): Join {
  return {
    groupId: 'g',
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: 20_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
    ...changes,
  }
}

export async function join(client: WireClient, changes: Partial<Join> = {}) {
  const first = await client.call(apis.joinGroup, joinRequest(changes))
  if (first.errorCode !== errors.MEMBER_ID_REQUIRED) return first
  return client.call(apis.joinGroup, joinRequest({ ...changes, memberId: first.memberId }))
}

export function sync(client: WireClient, member: Joined, assignment: string, groupInstanceId: string | null = null) {
  const assignments = [{ memberId: member.memberId, assignment: Buffer.from(assignment) }]
  return client.call(apis.syncGroup, { groupId: 'g', ...member, groupInstanceId, assignments })
}

export async function commit(
  client: WireClient,
  { groupId = 'g', partition = 0, offset }: { groupId?: string; partition?: number; offset: number },
): Promise<number> {
  const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: '' }]
  const { topics } = await client.call(apis.offsetCommit, { groupId, topics: [{ name: 't', partitions }] })
  return topics[0]?.partitions[0]?.errorCode ?? -1
}

export async function committed(client: WireClient, groupId = 'g'): Promise<number[]> {
  const { groups } = await client.call(apis.offsetFetch, { groups: [{ groupId, topics: null }] })
  return (groups[0]?.topics[0]?.partitions ?? []).map(({ committedOffset }) => committedOffset)
}

export async function deleteOffset(client: WireClient, partition = 0): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: partition }] }]
  const answer = await client.call(apis.offsetDelete, { groupId: 'g', topics })
  return answer.errorCode || (answer.topics[0]?.partitions[0]?.errorCode ?? -1)
}

export async function deleteGroup(client: WireClient): Promise<number> {
  return (await client.call(apis.deleteGroups, { groupsNames: ['g'] })).results[0]?.errorCode ?? -1
}

export async function groupsOf(client: WireClient): Promise<string[]> {
  const { groups } = await client.call(apis.listGroups, { statesFilter: [], typesFilter: [] })
  return groups.map(({ groupId }) => groupId)
}
