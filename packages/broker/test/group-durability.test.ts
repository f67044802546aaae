import { apis, errors, type RequestInputOf } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import type { BrokerConfig } from '../src/index.ts'
import { crashCopy } from './support/crash.ts'
import { type Append, HeldStateLog, refusedBy } from './support/held-state-log.ts'
import { createTopic, ManualSchedule, testBroker, type WireClient, wireClient } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

type Join = RequestInputOf<typeof apis.joinGroup>
type Joined = { memberId: string; generationId: number }

const SESSION_MS = 10_000
const WRITE_TIMEOUT_MS = 5000
const RETENTION_CHECK_MS = 600_000

async function setUp(config: Partial<BrokerConfig> = {}) {
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

function joinRequest(changes: Partial<Join> = {}): Join {
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

async function join(client: WireClient, changes: Partial<Join> = {}) {
  const first = await client.call(apis.joinGroup, joinRequest(changes))
  if (first.errorCode !== errors.MEMBER_ID_REQUIRED) return first
  return client.call(apis.joinGroup, joinRequest({ ...changes, memberId: first.memberId }))
}

function sync(client: WireClient, member: Joined, assignment: string, groupInstanceId: string | null = null) {
  const assignments = [{ memberId: member.memberId, assignment: Buffer.from(assignment) }]
  return client.call(apis.syncGroup, { groupId: 'g', ...member, groupInstanceId, assignments })
}

async function commit(
  client: WireClient,
  { groupId = 'g', partition = 0, offset }: { groupId?: string; partition?: number; offset: number },
): Promise<number> {
  const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: '' }]
  const { topics } = await client.call(apis.offsetCommit, { groupId, topics: [{ name: 't', partitions }] })
  return topics[0]?.partitions[0]?.errorCode ?? -1
}

async function committed(client: WireClient, groupId = 'g'): Promise<number[]> {
  const { groups } = await client.call(apis.offsetFetch, { groups: [{ groupId, topics: null }] })
  return (groups[0]?.topics[0]?.partitions ?? []).map(({ committedOffset }) => committedOffset)
}

async function deleteOffset(client: WireClient, partition = 0): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: partition }] }]
  const answer = await client.call(apis.offsetDelete, { groupId: 'g', topics })
  return answer.errorCode || (answer.topics[0]?.partitions[0]?.errorCode ?? -1)
}

async function deleteGroup(client: WireClient): Promise<number> {
  return (await client.call(apis.deleteGroups, { groupsNames: ['g'] })).results[0]?.errorCode ?? -1
}

async function groupsOf(client: WireClient): Promise<string[]> {
  const { groups } = await client.call(apis.listGroups, { statesFilter: [], typesFilter: [] })
  return groups.map(({ groupId }) => groupId)
}

const isGroupRecord = ({ entries }: Append) => entries.some(({ key }) => key[0] === 'group')

test.each([
  [errors.NOT_ENOUGH_REPLICAS, errors.COORDINATOR_NOT_AVAILABLE],
  [errors.KAFKA_STORAGE_ERROR, errors.NOT_COORDINATOR],
])('answers what the log refuses with %i by the code %i, and changes nothing', async (cause, code) => {
  const { log, client } = await setUp()
  expect(await commit(client, { offset: 1 })).toBe(0)
  log.fault = { before: () => Promise.reject(refusedBy(cause)) }
  expect(await commit(client, { offset: 2 })).toBe(code)
  expect(await commit(client, { groupId: 'new', offset: 2 })).toBe(code)
  expect(await deleteOffset(client)).toBe(code)
  expect(await deleteGroup(client)).toBe(code)
  log.fault = {}
  expect(await committed(client)).toEqual([1])
  expect(await groupsOf(client)).toEqual(['g'])
})

test('answers when a commit hangs, does not return it meanwhile, and accepts a late success', async () => {
  const { broker, log, timers, client } = await setUp()
  const other = await wireClient(broker)
  const late = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  log.fault = {
    before: () => {
      reached.resolve()
      return late.promise
    },
  }
  const hanging = commit(client, { offset: 7 })
  await reached.promise
  expect(await committed(other)).toEqual([])
  expect(timers.fire(WRITE_TIMEOUT_MS)).toBe(1)
  expect(await hanging).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  late.resolve()
  await expect.poll(() => committed(other)).toEqual([7])
})

test('lets the members of a group join again when their assignment is refused', async () => {
  const { log, client } = await setUp()
  const member = await join(client)
  log.fault = { before: (append) => (isGroupRecord(append) ? Promise.reject(refusedBy()) : Promise.resolve()) }
  expect((await sync(client, member, 'lost')).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  log.fault = {}
  const again = await join(client, { memberId: member.memberId })
  expect(again).toMatchObject({ errorCode: 0, generationId: member.generationId + 1 })
  expect(String((await sync(client, again, 'kept')).assignment)).toBe('kept')
})

test('leaves a static member in its place when that of its successor is refused', async () => {
  const { broker, log, client } = await setUp()
  const groupInstanceId = 'slot-0'
  const before = await join(client, { groupInstanceId })
  expect(String((await sync(client, before, 'all', groupInstanceId)).assignment)).toBe('all')
  log.fault = { before: () => Promise.reject(refusedBy()) }
  const other = await wireClient(broker)
  expect((await join(other, { groupInstanceId })).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  log.fault = {}
  const alive = await client.call(apis.heartbeat, { groupId: 'g', ...before, groupInstanceId })
  expect(alive.errorCode).toBe(0)
  expect(await join(other, { groupInstanceId })).toMatchObject({ errorCode: 0, skipAssignment: true })
})

test('deletes a group whole or not at all, and refuses what comes meanwhile', async () => {
  const { broker, dataDir, log, client } = await setUp()
  expect(await commit(client, { offset: 1 })).toBe(0)
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  log.fault = {
    before: () => {
      reached.resolve()
      return held.promise
    },
  }
  const deleted = deleteGroup(client)
  await reached.promise
  const other = await wireClient(broker)
  expect(await commit(other, { offset: 2 })).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect((await join(other)).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(await committed(await wireClient(await testBroker({ dataDir: crashCopy(dataDir) })))).toEqual([1])
  held.resolve()
  expect(await deleted).toBe(0)
  expect(await groupsOf(other)).toEqual([])
  expect(await groupsOf(await wireClient(await testBroker({ dataDir: crashCopy(dataDir) })))).toEqual([])
})

// A group vanished with its last OffsetDelete: tools that list groups, or delete it next, were answered that there is
// none.
test('keeps a group whose last offset was deleted', async () => {
  const { client } = await setUp()
  expect(await commit(client, { offset: 1 })).toBe(0)
  expect(await deleteOffset(client)).toBe(0)
  expect(await groupsOf(client)).toEqual(['g'])
  expect(await deleteOffset(client)).toBe(0)
  expect(await deleteGroup(client)).toBe(0)
  expect(await groupsOf(client)).toEqual([])
})

test('leaves no group behind where all that was asked of it was refused or given up', async () => {
  const { broker, timers, client } = await setUp({ groupMemberMaxBytes: 100 })
  const code = async (changes: Partial<Join>) => (await join(client, changes)).errorCode
  expect(await code({ protocols: [] })).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  expect(await code({ protocolType: '' })).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  expect(await code({ memberId: 'made-up' })).toBe(errors.UNKNOWN_MEMBER_ID)
  expect(await code({ protocols: [{ name: 'range', metadata: Buffer.alloc(96) }] })).toBe(errors.INVALID_REQUEST)
  expect(await code({ groupId: 'g'.repeat(1025) })).toBe(errors.INVALID_GROUP_ID)
  const nowhere = { partitionIndex: 9, committedOffset: 1, committedMetadata: '' }
  await client.call(apis.offsetCommit, { groupId: 'g', topics: [{ name: 't', partitions: [nowhere] }] })
  expect(await groupsOf(client)).toEqual([])

  expect((await client.call(apis.joinGroup, joinRequest())).errorCode).toBe(errors.MEMBER_ID_REQUIRED)
  expect(await groupsOf(client)).toEqual(['g'])
  expect(timers.fire(SESSION_MS)).toBe(1)
  expect(await groupsOf(client)).toEqual([])

  const other = await wireClient(broker)
  expect((await other.call(apis.joinGroup, joinRequest())).errorCode).toBe(errors.MEMBER_ID_REQUIRED)
  other.close()
  await expect.poll(() => groupsOf(client)).toEqual([])

  const member = await join(client)
  await client.call(apis.leaveGroup, { groupId: 'g', members: [{ memberId: member.memberId }] })
  expect(await groupsOf(client)).toEqual([])
})

test('gives out no more member ids than a group may have members', async () => {
  const { client } = await setUp({ groupMaxMembers: 2 })
  const ask = async (memberId = '') => client.call(apis.joinGroup, joinRequest({ memberId }))
  const [first, second] = [await ask(), await ask()]
  expect([first.errorCode, second.errorCode]).toEqual([errors.MEMBER_ID_REQUIRED, errors.MEMBER_ID_REQUIRED])
  expect((await ask()).errorCode).toBe(errors.GROUP_MAX_SIZE_REACHED)
  expect((await join(client, { groupId: 'other' })).errorCode).toBe(0)
  await client.call(apis.leaveGroup, { groupId: 'g', members: [{ memberId: second.memberId }] })
  expect((await ask(first.memberId)).errorCode).toBe(0)
})

test('forgets a group without members, and its offsets, when both are as old as the retention', async () => {
  const { dataDir, timers, time, client } = await setUp({ offsetsRetentionMs: 60_000 })
  expect(await commit(client, { offset: 1 })).toBe(0)
  expect(await commit(client, { groupId: 'used', offset: 2 })).toBe(0)
  const member = await join(client, { groupId: 'used' })
  expect(member.errorCode).toBe(0)
  time.now += 30_000
  expect(await commit(client, { partition: 1, offset: 3 })).toBe(0)
  time.now += 29_999
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  expect(await committed(client)).toEqual([1, 3])
  time.now += 1
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await expect.poll(() => committed(client)).toEqual([3])
  time.now += 30_000
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await expect.poll(() => groupsOf(client)).toEqual(['used'])
  expect(await committed(client, 'used')).toEqual([2])
  const again = await wireClient(await testBroker({ dataDir: crashCopy(dataDir) }))
  expect(await groupsOf(again)).toEqual(['used'])
})

test('tries the retention again when the log refused it', async () => {
  const { log, timers, time, client } = await setUp({ offsetsRetentionMs: 60_000 })
  expect(await commit(client, { offset: 1 })).toBe(0)
  time.now += 60_000
  const refused = Promise.withResolvers<void>()
  log.fault = {
    before: () => {
      refused.resolve()
      return Promise.reject(refusedBy())
    },
  }
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await refused.promise
  log.fault = {}
  expect(await groupsOf(client)).toEqual(['g'])
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await expect.poll(() => groupsOf(client)).toEqual([])
})

test('counts a new group from its first commit on, and no more when that was refused', async () => {
  const { log, client } = await setUp({ maxGroupsPerClient: 3 })
  const make = (groupId: string) => commit(client, { groupId, offset: 1 })
  log.fault = { before: () => Promise.reject(refusedBy()) }
  expect([await make('x'), await make('y'), await make('z')]).toEqual(
    Array.from({ length: 3 }, () => errors.COORDINATOR_NOT_AVAILABLE),
  )
  log.fault = {}
  const codes = await Promise.all(Array.from({ length: 20 }, (_, index) => make(`many-${index}`)))
  expect(codes.filter((code) => code === errors.NONE)).toHaveLength(3)
})

test('a group that was deleted and made again while the retention looks at others stays', async () => {
  const { log, timers, time, client } = await setUp({ offsetsRetentionMs: 60_000 })
  for (const groupId of ['first', 'second']) expect(await commit(client, { groupId, offset: 1 })).toBe(0)
  time.now += 60_000
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  log.fault = {
    before: ({ entries }) => {
      if (!entries.some(({ key }) => key.includes('first'))) return Promise.resolve()
      asked.resolve()
      return goOn.promise
    },
  }
  expect(timers.fire(RETENTION_CHECK_MS)).toBe(1)
  await asked.promise
  expect((await client.call(apis.deleteGroups, { groupsNames: ['second'] })).results[0]?.errorCode).toBe(0)
  const member = client.call(apis.joinGroup, joinRequest({ groupId: 'second' }))
  expect((await member).errorCode).toBe(errors.MEMBER_ID_REQUIRED)
  goOn.resolve()
  await expect.poll(() => groupsOf(client)).not.toContain('first')
  expect(await groupsOf(client)).toEqual(['second'])
  const { memberId } = await member
  const again = await client.call(apis.heartbeat, { groupId: 'second', generationId: 0, memberId })
  expect(again.errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
})

test('takes no more new groups from one address than its share, and takes those of another meanwhile', async () => {
  const { broker, client: greedy } = await setUp({ maxGroups: 4, maxGroupsPerClient: 2 })
  const make = (client: WireClient, groupId: string) => commit(client, { groupId, offset: 1 })
  expect([await make(greedy, 'a'), await make(greedy, 'b')]).toEqual([0, 0])
  expect(await make(greedy, 'c')).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect((await join(greedy, { groupId: 'c' })).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(await make(greedy, 'a')).toBe(0)
  const other = await wireClient(broker, '127.0.0.2')
  expect([await make(other, 'd'), (await join(other, { groupId: 'e' })).errorCode]).toEqual([0, 0])
  expect(await make(await wireClient(broker, '127.0.0.3'), 'f')).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect((await greedy.call(apis.deleteGroups, { groupsNames: ['a'] })).results[0]?.errorCode).toBe(0)
  expect(await make(greedy, 'c')).toBe(0)
})
