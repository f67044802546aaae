import { apis, errors, type RequestInputOf } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { createTopic, ManualSchedule, testBroker, type WireClient, wireClient } from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

type Join = RequestInputOf<typeof apis.joinGroup>

const SESSION_MS = 10_000
const REBALANCE_MS = 20_000

function joinRequest(changes: Partial<Join> = {}): Join {
  return {
    groupId: 'g',
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: REBALANCE_MS,
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

type Joined = { memberId: string; generationId: number }

function sync(client: WireClient, member: Joined, assignments: Array<[memberId: string, assignment: string]> = []) {
  return client.call(apis.syncGroup, {
    groupId: 'g',
    ...member,
    assignments: assignments.map(([memberId, text]) => ({ memberId, assignment: Buffer.from(text) })),
  })
}

async function heartbeat(client: WireClient, member: Joined, groupInstanceId: string | null = null): Promise<number> {
  return (await client.call(apis.heartbeat, { groupId: 'g', ...member, groupInstanceId })).errorCode
}

async function stateOf(client: WireClient) {
  return (await client.call(apis.describeGroups, { groups: ['g'] })).groups[0]
}

async function commit(client: WireClient, member: Joined | null, committedOffset: number): Promise<number> {
  const { topics } = await client.call(apis.offsetCommit, {
    groupId: 'g',
    ...(member ? { memberId: member.memberId, generationIdOrMemberEpoch: member.generationId } : {}),
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: 'note' }] }],
  })
  return topics[0]?.partitions[0]?.errorCode ?? -1
}

async function setUp() {
  const timers = new ManualSchedule()
  const dataDir = temporaryFolder()
  const broker = await testBroker({ dataDir, schedule: timers.schedule })
  const [one, two] = [await wireClient(broker), await wireClient(broker)]
  await createTopic(one, 't')
  return { timers, dataDir, broker, one, two }
}

test('gives a new member an id first, then lets it lead a group of its own', async () => {
  const { one } = await setUp()
  const asked = await one.call(apis.joinGroup, joinRequest())
  expect(asked).toMatchObject({ errorCode: errors.MEMBER_ID_REQUIRED, memberId: expect.stringMatching(/^test-/) })
  const joined = await one.call(apis.joinGroup, joinRequest({ memberId: asked.memberId }))
  expect(joined).toMatchObject({ errorCode: 0, generationId: 1, leader: asked.memberId, protocolName: 'range' })
  expect(joined.members.map(({ memberId }) => memberId)).toEqual([asked.memberId])
  const synced = await sync(one, joined, [[joined.memberId, 'all']])
  expect(String(synced.assignment)).toBe('all')
  expect(await heartbeat(one, joined)).toBe(0)
  expect(await stateOf(one)).toMatchObject({ groupState: 'Stable', protocolData: 'range' })
})

test('rebalances when a second member comes, and gives each its part', async () => {
  const { one, two } = await setUp()
  const alone = await join(one)
  await sync(one, alone, [[alone.memberId, 'all']])
  const second = join(two)
  await expect.poll(() => heartbeat(one, alone)).toBe(errors.REBALANCE_IN_PROGRESS)
  const again = await join(one, { memberId: alone.memberId })
  const joined = await second
  expect(again.generationId).toBe(2)
  expect(joined).toMatchObject({ generationId: 2, leader: alone.memberId, members: [] })
  expect(again.members).toHaveLength(2)
  const waiting = sync(two, joined)
  const mine = await sync(one, again, [
    [again.memberId, 'left'],
    [joined.memberId, 'right'],
  ])
  expect([String(mine.assignment), String((await waiting).assignment)]).toEqual(['left', 'right'])
  expect(await heartbeat(one, alone)).toBe(errors.ILLEGAL_GENERATION)
})

test('removes a member without a heartbeat for its session timeout', async () => {
  const { one, two, timers } = await setUp()
  const silent = await join(one)
  await sync(one, silent, [[silent.memberId, 'all']])
  timers.fire(SESSION_MS)
  expect(await heartbeat(one, silent)).toBe(errors.UNKNOWN_MEMBER_ID)
  expect((await join(two)).leader).not.toBe(silent.memberId)
})

test('continues without a member that does not come back to a rebalance', async () => {
  const { one, two, timers } = await setUp()
  const alone = await join(one)
  await sync(one, alone, [[alone.memberId, 'all']])
  const second = join(two)
  await expect.poll(() => heartbeat(one, alone)).toBe(errors.REBALANCE_IN_PROGRESS)
  timers.fire(REBALANCE_MS)
  const joined = await second
  expect(joined.leader).toBe(joined.memberId)
  expect(await heartbeat(one, alone)).toBe(errors.UNKNOWN_MEMBER_ID)
})

test('removes a member whose connection is lost while it waits to join', async () => {
  const { one, two, timers } = await setUp()
  const alone = await join(one)
  await sync(one, alone, [[alone.memberId, 'all']])
  const unanswered = expect(join(two)).rejects.toThrow('the connection closed before JoinGroup was answered')
  await expect.poll(() => heartbeat(one, alone)).toBe(errors.REBALANCE_IN_PROGRESS)
  two.close()
  await unanswered
  await expect.poll(() => timers.waiting(SESSION_MS)).toBe(2)
  const again = join(one, { memberId: alone.memberId })
  await expect.poll(() => timers.waiting(SESSION_MS)).toBe(1)
  timers.fire(SESSION_MS)
  expect((await again).members).toHaveLength(1)
})

test('lets a static member come back to its place without a rebalance, and fences the one before', async () => {
  const { one, two } = await setUp()
  const groupInstanceId = 'slot-0'
  const before = await join(one, { groupInstanceId })
  await sync(one, before, [[before.memberId, 'all']])
  const after = await join(two, { groupInstanceId })
  expect(after).toMatchObject({ errorCode: 0, generationId: 1, leader: after.memberId, skipAssignment: true })
  expect(after.memberId).not.toBe(before.memberId)
  expect(String((await sync(two, after)).assignment)).toBe('all')
  expect(await heartbeat(one, before, groupInstanceId)).toBe(errors.FENCED_INSTANCE_ID)
  expect(await heartbeat(two, after, groupInstanceId)).toBe(0)
  const rejoined = await one.call(apis.joinGroup, joinRequest({ groupInstanceId, memberId: before.memberId }))
  expect(rejoined.errorCode).toBe(errors.FENCED_INSTANCE_ID)
})

test('tells a static leader of an older version that another leads, so that it keeps the assignment', async () => {
  const { one, two } = await setUp()
  const groupInstanceId = 'slot-0'
  const before = await join(one, { groupInstanceId })
  await sync(one, before, [[before.memberId, 'all']])
  const after = await two.call(apis.joinGroup, joinRequest({ groupInstanceId }), 8)
  expect(after).toMatchObject({ errorCode: 0, generationId: 1, leader: before.memberId, members: [] })
  expect(String((await sync(two, after)).assignment)).toBe('all')
})

test('keeps members, generation and assignment over a restart of the broker', async () => {
  const { one, dataDir, broker } = await setUp()
  const joined = await join(one, { groupInstanceId: 'slot-0' })
  await sync(one, joined, [[joined.memberId, 'all']])
  expect(await commit(one, joined, 5)).toBe(0)
  await broker.close()
  const again = await wireClient(await testBroker({ dataDir }))
  expect(await heartbeat(again, joined, 'slot-0')).toBe(0)
  expect(String((await sync(again, joined)).assignment)).toBe('all')
  expect(await commit(again, joined, 6)).toBe(0)
  const { groups } = await again.call(apis.offsetFetch, { groups: [{ groupId: 'g', topics: null }] })
  expect(groups[0]?.topics[0]?.partitions[0]).toMatchObject({ committedOffset: 6, metadata: 'note' })
})

test('removes a member at once when it leaves', async () => {
  const { one, two } = await setUp()
  const first = await join(one)
  await sync(one, first, [[first.memberId, 'all']])
  const left = await two.call(apis.leaveGroup, {
    groupId: 'g',
    members: [{ memberId: first.memberId }, { memberId: 'nobody' }],
  })
  expect(left.members.map(({ errorCode }) => errorCode)).toEqual([0, errors.UNKNOWN_MEMBER_ID])
  expect(await stateOf(one)).toMatchObject({ groupState: 'Empty', members: [] })
})

test('takes commits of current members, and from outside only while a group is empty', async () => {
  const { one } = await setUp()
  expect(await commit(one, null, 1)).toBe(0)
  expect((await stateOf(one))?.groupState).toBe('Empty')
  const member = await join(one)
  await sync(one, member, [[member.memberId, 'all']])
  expect(await commit(one, null, 2)).toBe(errors.UNKNOWN_MEMBER_ID)
  expect(await commit(one, { ...member, generationId: 9 }, 2)).toBe(errors.ILLEGAL_GENERATION)
  expect(await commit(one, member, 2)).toBe(0)
})

test('refuses members whose protocols or timeouts do not fit', async () => {
  const { one, two } = await setUp()
  const member = await join(one)
  await sync(one, member, [[member.memberId, 'all']])
  const other = await join(two, { protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] })
  expect(other.errorCode).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  expect((await join(two, { protocolType: 'connect' })).errorCode).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  expect((await join(two, { sessionTimeoutMs: 1 })).errorCode).toBe(errors.INVALID_SESSION_TIMEOUT)
  expect((await join(two, { groupId: '' })).errorCode).toBe(errors.INVALID_GROUP_ID)
  expect((await join(two, { memberId: 'made-up' })).errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
})
